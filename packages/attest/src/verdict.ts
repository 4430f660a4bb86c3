/** One check that failed, or could not be made. */
export interface Failure<Code extends string = string> {
  /** What callers branch on; API. */
  readonly code: Code;
  /** One sentence for people. */
  readonly message: string;
  /** What to do about it, where that is known. */
  readonly fix?: string;
}
