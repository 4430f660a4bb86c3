/**
 * Long authorization: a client proves that it owns its contract by sending a nonce through it on the chain, while its
 * query waits here. Bounded in number and time, nonces from a cryptographic generator, and nothing is left behind when
 * a connection goes, whichever of the two messages comes first.
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '@bombyx/base';

interface Registration {
  readonly owner: string;
  seen: boolean;
  wake: ((seen: boolean) => void) | undefined;
}

export class Registrations {
  readonly #limit: number;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #open = new Map<bigint, Registration>();

  constructor(options: { limit: number; timeoutMs: number }, deps: { clock: Clock }) {
    this.#limit = options.limit;
    this.#timeoutMs = options.timeoutMs;
    this.#clock = deps.clock;
  }

  get size(): number {
    return this.#open.size;
  }

  /** @returns a fresh nonce that `owner` has to send through its contract, or undefined when too many wait */
  open(owner: string): bigint | undefined {
    if (this.#open.size >= this.#limit) return undefined;
    const nonce = randomBytes(8).readBigInt64LE();
    if (this.#open.has(nonce)) return undefined;
    this.#open.set(nonce, { owner, seen: false, wake: undefined });
    return nonce;
  }

  /** A register transaction came by on the chain. @returns whether somebody waits for it */
  register(nonce: bigint, owner: string): boolean {
    const registration = this.#open.get(nonce);
    if (!registration || registration.owner !== owner) return false;
    registration.seen = true;
    registration.wake?.(true);
    return true;
  }

  /**
   * Resolves true when the nonce was or is seen, false at the deadline or when it is closed. A second wait for the same
   * nonce is `'duplicate'`.
   */
  async wait(nonce: bigint): Promise<boolean | 'duplicate'> {
    const registration = this.#open.get(nonce);
    if (!registration) return false;
    if (registration.seen) return true;
    if (registration.wake) return 'duplicate';
    return new Promise<boolean>((resolve) => {
      const stop = this.#clock.after(this.#timeoutMs, () => registration.wake?.(false));
      registration.wake = (seen) => {
        registration.wake = undefined;
        stop();
        resolve(seen);
      };
    });
  }

  /** The connection is gone or ready: forgets the nonce, a waiting query ends. */
  close(nonce: bigint): void {
    const registration = this.#open.get(nonce);
    this.#open.delete(nonce);
    registration?.wake?.(registration.seen);
  }
}
