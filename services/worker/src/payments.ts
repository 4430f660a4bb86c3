/**
 * What a proxy has promised: the highest payment it signed, and the two totals it only stated. A proxy that later
 * claims less has lost or rolled back its books. Kept per proxy contract, across connections and restarts.
 */
import type { KeyObject } from 'node:crypto';
import { MAX_LONG } from '@bombyx/base';
import { type Address, type ContractInit, type Params, publicKeyFromBytes, verifyPayment } from '@bombyx/ton';
import type { Tl, TlOfType } from '@bombyx/wire';
import { WorkerError } from './errors.ts';
import { termsOf, writeBirth } from './money/birth.ts';

export type SignedPayment = TlOfType<'proxy.SignedPayment'>;

/** Parties of one account. Fixed for as long as the proxy contract is known. */
export interface AccountKeys {
  /** 32 bytes, Ed25519. */
  readonly proxyPublicKey: Buffer;
  readonly proxyContract: Address;
  readonly workerContract: Address;
  /** What {@link workerContract} is deployed from; unknown of accounts that were written down without it. */
  readonly birth?: ContractInit | undefined;
}

/** What is written to disk of one account; totals as decimal text. */
export interface RememberedAccount {
  readonly proxy_public_key: string;
  readonly worker_sc_address: string;
  /** base64, empty when none was signed */
  readonly signed_payment: string;
  readonly db_tokens: string;
  readonly max_tokens: string;
  /** base64, see `writeBirth`; empty when unknown */
  readonly worker_birth?: string;
  /** Unix seconds since the root is known to have newer parameters; 0 while it has not. */
  readonly outdated_since?: number;
}

/** Adjusted tokens, running totals. */
export interface EarnedTotals {
  /** Of the highest signed payment: what the chain would pay. */
  readonly signed: bigint;
  /** What the proxy says is on its disk. */
  readonly db: bigint;
  /** What the proxy says in all. */
  readonly max: bigint;
}

export class Account {
  readonly keys: AccountKeys;
  /** Prices and delays of the worker contract, where they are known. */
  readonly terms: Params | undefined;
  readonly #publicKey: KeyObject;
  readonly #onChange: () => void;
  #signedData: Buffer | undefined;
  /** The latest that was lower or not valid. */
  #ignoredData: Buffer | undefined;
  #signed = 0n;
  #db = 0n;
  #max = 0n;
  #paid = 0n;
  #outdatedSinceSec = 0;

  /** @param onChange called after a total rose or fell */
  constructor(keys: AccountKeys, onChange: () => void) {
    this.keys = keys;
    this.terms = keys.birth && termsOf(keys.birth);
    this.#publicKey = publicKeyFromBytes(keys.proxyPublicKey);
    this.#onChange = onChange;
  }

  get totals(): EarnedTotals {
    return { signed: this.#signed, db: this.#db, max: this.#max };
  }

  /** Adjusted tokens that the worker contract has paid for, as it was read last. */
  get paid(): bigint {
    return this.#paid;
  }
  sawPaid(total: bigint): void {
    this.#paid = total;
  }

  /** Unix seconds since the root is known to have newer parameters; 0 while it has not. */
  get outdatedSinceSec(): number {
    return this.#outdatedSinceSec;
  }
  /** Counts once: the proxy's time to settle runs from the first notice, across restarts. */
  sawOutdated(nowSec: number): void {
    if (this.#outdatedSinceSec > 0) return;
    this.#outdatedSinceSec = nowSec;
    this.#onChange();
  }

  /** The highest payment as it was signed: what the worker contract pays on. */
  get signedPayment(): Buffer | undefined {
    return this.#signedData;
  }

  /**
   * Takes a payment over if it is valid and higher; anything else is without effect. For messages that only inform.
   * The same one rides on every request, so bytes judged before are not judged again.
   */
  offer(payment: SignedPayment): void {
    if (payment.kind === 'proxy.signedPaymentEmpty') return;
    if (this.#signedData?.equals(payment.data) || this.#ignoredData?.equals(payment.data)) return;
    try {
      this.demand(payment);
    } catch {
      this.#ignoredData = Buffer.from(payment.data);
    }
  }

  /** @throws {WorkerError} `WORKER_PAYMENT` for a payment that is empty, invalid or lower than the one remembered */
  demand(payment: SignedPayment): void {
    if (payment.kind === 'proxy.signedPaymentEmpty') throw refused('there is none');
    if (this.#signedData?.equals(payment.data)) return;
    let total: bigint;
    try {
      const { keys } = this;
      total = verifyPayment(payment.data, {
        kind: 'payout',
        contract: keys.workerContract,
        publicKey: this.#publicKey,
      }).tokens;
    } catch (cause) {
      throw new WorkerError('WORKER_PAYMENT', 'signed payment refused: it is not valid', {}, { cause });
    }
    if (total < this.#signed) throw refused(`${total} tokens after ${this.#signed}`);
    // The contract could never pay it, and no honest one after it would be taken.
    if (total * (this.terms?.pricePerToken ?? 0n) > MAX_LONG) throw refused(`${total} tokens cost more than there is`);
    this.#signedData = Buffer.from(payment.data); // a frame's memory is not ours to keep
    this.#signed = total;
    this.#onChange();
  }

  /** The two stated totals. @throws {WorkerError} `WORKER_PAYMENT` for one lower than remembered */
  demandTotals(db: bigint, max: bigint): void {
    if (db < this.#db) throw refused(`${db} tokens on its disk after ${this.#db}`);
    if (max < this.#max) throw refused(`${max} tokens in all after ${this.#max}`);
    this.offerTotals(db, max);
  }

  /** Raises what is remembered; lower values are without effect. */
  offerTotals(db: bigint, max: bigint): void {
    if (db <= this.#db && max <= this.#max) return;
    if (db > this.#db) this.#db = db;
    if (max > this.#max) this.#max = max;
    this.#onChange();
  }

  /** Accepts that the proxy lost what it never had on disk. @returns the tokens given up */
  forgetUncommitted(max: bigint): bigint {
    const lost = this.#max - max;
    this.#max = max;
    this.#onChange();
    return lost;
  }

  remembered(): RememberedAccount {
    return {
      proxy_public_key: this.keys.proxyPublicKey.toString('hex'),
      worker_sc_address: this.keys.workerContract.toRawString(),
      signed_payment: this.#signedData?.toString('base64') ?? '',
      db_tokens: String(this.#db),
      max_tokens: String(this.#max),
      worker_birth: this.keys.birth ? writeBirth(this.keys.birth) : '',
      outdated_since: this.#outdatedSinceSec,
    };
  }

  /** Takes over what an earlier run remembered. The file is not trusted with a payment: its signature counts. */
  recall(remembered: RememberedAccount): void {
    if (remembered.signed_payment !== '') {
      const data = Buffer.from(remembered.signed_payment, 'base64');
      this.offer({ kind: 'proxy.signedPayment', data } satisfies Tl<'proxy.signedPayment'>);
    }
    this.offerTotals(BigInt(remembered.db_tokens), BigInt(remembered.max_tokens));
    this.#outdatedSinceSec = remembered.outdated_since ?? 0;
  }
}

function refused(why: string): WorkerError {
  return new WorkerError('WORKER_PAYMENT', `signed payment refused: ${why}`);
}
