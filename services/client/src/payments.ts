import type { KeyObject } from 'node:crypto';
import { type Address, TonError, verifyPayment } from '@bombyx/ton';
import type { TlOfType } from '@bombyx/wire';

/** What a proxy says about the account, in any of its messages. */
export interface PaymentClaim {
  readonly signed_payment: TlOfType<'proxy.SignedPayment'>;
  /** Absent where the message says nothing about them. */
  readonly dbTokens?: bigint;
  readonly maxTokens?: bigint;
}

/**
 * What one proxy contract is owed, as far as its proxy told and proved. Numbers only rise; lower ones are ignored,
 * as client.md §5.2 demands. An unchanged payment rides on every message, so it is verified once per content.
 */
export class PaymentBook {
  readonly #contract: Address;
  readonly #proxyKey: KeyObject;
  #judged: Buffer | undefined;
  #signed: { readonly tokens: bigint; readonly data: Buffer } | undefined;
  #dbTokens = 0n;
  #maxTokens = 0n;

  constructor(clientContract: Address, proxyKey: KeyObject) {
    this.#contract = clientContract;
    this.#proxyKey = proxyKey;
  }

  /** Highest total the proxy says it keeps in its database. */
  get dbTokens(): bigint {
    return this.#dbTokens;
  }

  /** Highest total the proxy ever named. */
  get maxTokens(): bigint {
    return this.#maxTokens;
  }

  /** Highest total under a valid signature; 0 before the first. */
  get signedTokens(): bigint {
    return this.#signed?.tokens ?? 0n;
  }

  /** The payment that proves {@link signedTokens}, as the contract takes it. */
  get signedPayment(): Buffer | undefined {
    return this.#signed?.data;
  }

  /** @returns undefined, or the code of what is wrong with the payment; the totals count either way */
  learn({ signed_payment, dbTokens = 0n, maxTokens = 0n }: PaymentClaim): string | undefined {
    if (dbTokens > this.#dbTokens) this.#dbTokens = dbTokens;
    if (maxTokens > this.#maxTokens) this.#maxTokens = maxTokens;
    if (signed_payment.kind === 'proxy.signedPaymentEmpty') return undefined;
    const { data } = signed_payment;
    if (this.#judged?.equals(data)) return undefined;
    this.#judged = Buffer.from(data); // a copy: the message's bytes are a view of what the socket read
    return this.#judge(this.#judged);
  }

  #judge(data: Buffer): string | undefined {
    try {
      const payment = verifyPayment(data, { kind: 'charge', contract: this.#contract, publicKey: this.#proxyKey });
      if (payment.tokens > this.signedTokens || this.#signed === undefined)
        this.#signed = { tokens: payment.tokens, data };
      return undefined;
    } catch (error) {
      if (error instanceof TonError) return error.code;
      throw error;
    }
  }
}
