/** Bytes that are not what they should be. Thrown by readers, caught where a verdict is made; never leaves the package. */
export class MalformedError extends Error {}
