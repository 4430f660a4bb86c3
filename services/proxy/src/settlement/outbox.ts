/**
 * Messages of the operating wallet that are on their way. One stays here from the moment it is handed over until what it
 * does is seen on the chain, so that no step is taken twice because the chain is slow to show the first.
 */
import type { Clock, Logger } from '@bombyx/base';
import { WalletError, type WalletMessage, type WalletReceipt } from '@bombyx/ton';

export interface OutboxOptions {
  /** Messages on their way at once. */
  readonly limit: number;
  /** One that left the wallet and did nothing that could be seen is let go of after this. */
  readonly retryMs: number;
}

export interface OutboxDeps {
  readonly sender: { send(message: WalletMessage): Promise<WalletReceipt> };
  readonly clock: Clock;
  readonly log: Logger;
  /** Called when a message has landed or never will. */
  readonly changed: () => void;
}

interface Entry {
  readonly isDone: () => boolean;
  /** On the monotonic clock; undefined while it waits in the wallet. */
  landedAtMs: number | undefined;
}

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #deps: OutboxDeps;
  readonly #entries = new Map<string, Entry>();

  constructor(options: OutboxOptions, deps: OutboxDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  get size(): number {
    return this.#entries.size;
  }

  get isFull(): boolean {
    return this.#entries.size >= this.#options.limit;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** Lets go of what is done, and of what was lost. To be called after the chain was read. */
  sweep(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    for (const [key, { isDone, landedAtMs }] of this.#entries) {
      const isLost = landedAtMs !== undefined && nowMs - landedAtMs >= this.#options.retryMs;
      if (isLost && !isDone()) this.#deps.log.warn('a message did nothing that can be seen', { message: nameOf(key) });
      if (isLost || isDone()) this.#entries.delete(key);
    }
  }

  /**
   * Hands a message over, unless one of that name is on its way.
   * @param isDone whether its effect stands in the books
   */
  send(key: string, message: WalletMessage, isDone: () => boolean): void {
    if (this.has(key)) return;
    const { sender, clock, log, changed } = this.#deps;
    const entry: Entry = { isDone, landedAtMs: undefined };
    this.#entries.set(key, entry);
    sender.send(message).then(
      ({ seqno }) => {
        entry.landedAtMs = clock.monotonicMs();
        log.info('a message has left the wallet', { message: nameOf(key), seqno });
        changed();
      },
      (error: unknown) => {
        this.#entries.delete(key);
        const code = error instanceof WalletError ? error.code : String(error);
        if (code !== 'WALLET_CLOSED') log.warn('a message could not be sent', { message: nameOf(key), code });
        changed();
      },
    );
  }
}

/** Without the owner: logs say what was done, not with whom. */
function nameOf(key: string): string {
  return key.split('/')[0]!;
}
