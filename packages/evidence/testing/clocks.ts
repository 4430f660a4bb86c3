/** A clock on which no time passes but what a test skips, however slow the machine; timers run as they do. */
import { type Clock, type LogFields, type Logger, systemClock } from '@bombyx/base';

export class WallClock implements Clock {
  wallMs: number;
  /** All that passed. */
  skippedMs = 0;

  constructor(wallMs: number) {
    this.wallMs = wallMs;
  }

  nowMs(): number {
    return this.wallMs;
  }

  monotonicMs(): number {
    return this.skippedMs;
  }

  after(delayMs: number, task: () => void): () => void {
    return systemClock.after(delayMs, task);
  }
}

export interface Line {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: LogFields;
}

/** Keeps what it is told. */
export function memoryLog(): Logger & { readonly lines: readonly Line[] } {
  const lines: Line[] = [];
  const at =
    (level: Line['level']) =>
    (message: string, fields: LogFields = {}) =>
      void lines.push({ level, message, fields });
  const log = { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => log };
  return log;
}
