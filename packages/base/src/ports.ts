/** What pure and service code needs from outside. `apps/cli` passes the real ones, tests pass literals. */

/** Time. `nowMs` is the wall clock, `monotonicMs` never goes back; both in milliseconds. */
export interface Clock {
  nowMs(): number;
  monotonicMs(): number;
  /** Calls `task` once after `delayMs`. @returns a function that cancels it */
  after(delayMs: number, task: () => void): () => void;
}

export type LogFields = Readonly<Record<string, string | number | bigint | boolean | undefined>>;

/** Structured log. Fields hold ids, sizes and codes, never prompt or answer bytes or keys. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  child(fields: LogFields): Logger;
}

/** Cryptographic random bytes. */
export interface Random {
  bytes(size: number): Uint8Array;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, Math.max(0, Math.min(delayMs, 0x7fff_ffff)));
    return () => clearTimeout(timer);
  },
};

/** Drops everything; for tests and for library use. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};
