/** Base of every error thrown on purpose. Code branches on `code`, people read `message`, logs take `detail`. */
export abstract class BombyxError<Code extends string = string> extends Error {
  readonly code: Code;
  /** Ids, sizes and codes only; never prompt or answer bytes, never keys. */
  readonly detail: Readonly<Record<string, string | number | bigint>>;

  constructor(code: Code, message: string, detail: BombyxError['detail'] = {}, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.detail = detail;
  }
}

/** Makes a forgotten case a compile error, and stops a stranger that still arrives at run time. */
export function assertNever(value: never): never {
  throw new TypeError(`unreachable case: ${String(value)}`);
}
