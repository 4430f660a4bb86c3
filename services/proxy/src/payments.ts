/**
 * The signed payment of each party. Signing is lazy and rare: a payment is made anew only when the committed total grew
 * and the last one is older than a few seconds, so that no request pays for a signature.
 */

import type { KeyObject } from 'node:crypto';
import { randomBytes } from 'node:crypto';
import { type Clock, tokens } from '@bombyx/base';
import { type Address, type PaymentKind, signPayment } from '@bombyx/ton';
import type { Tl } from '@bombyx/wire';

/** A signed promise stays the current one for at least so long. */
const KEEP_MS = 5_000;

/** Signs for one client or worker contract. */
export class PaymentBook {
  readonly #kind: PaymentKind;
  readonly #contract: Address;
  readonly #excess: Address;
  readonly #key: KeyObject;
  readonly #clock: Clock;
  #current: { readonly message: Tl<'proxy.signedPayment'>; readonly total: bigint; readonly atMs: number } | undefined;

  constructor(
    options: { kind: 'charge' | 'payout'; contract: Address; excess: Address; key: KeyObject },
    deps: { clock: Clock },
  ) {
    this.#kind = options.kind;
    this.#contract = options.contract;
    this.#excess = options.excess;
    this.#key = options.key;
    this.#clock = deps.clock;
  }

  /** The payment as last signed; undefined before the first time. */
  get last(): Tl<'proxy.signedPayment'> | undefined {
    return this.#current?.message;
  }

  /**
   * The payment to show now.
   * @param committed adjusted tokens that can never be lost any more
   * @param exact signs anew for any growth, however recent the last one
   */
  sign(committed: bigint, exact = false): Tl<'proxy.signedPayment'> {
    const nowMs = this.#clock.monotonicMs();
    const current = this.#current;
    if (current && (committed <= current.total || (!exact && nowMs - current.atMs < KEEP_MS))) return current.message;
    const data = signPayment(
      {
        kind: this.#kind,
        queryId: randomBytes(8).readBigUInt64LE(),
        tokens: tokens(committed),
        contract: this.#contract,
        excess: this.#excess,
      },
      this.#key,
    );
    const message = { kind: 'proxy.signedPayment', data } as const;
    this.#current = { message, total: committed, atMs: nowMs };
    return message;
  }
}
