import type { Payer, TokensUsed } from './api.ts';

/** What a request costs at one proxy, from the moment it is sent there until the proxy's bill is known, if ever. */
export interface BillTerms {
  readonly model: string;
  readonly payer: Payer | undefined;
  /** Adjusted tokens that the proxy may bill at most. */
  readonly reserved: bigint;
  /** nanoTON for each. */
  readonly pricePerToken: bigint;
}

/** Somebody who writes down what was paid: `@bombyx/diary`. */
export interface CostDiary {
  add(entry: {
    readonly model: string;
    readonly party: string;
    readonly tokens: TokensUsed;
    readonly nanoTon: bigint;
  }): void;
}

type Settle = (nanoTon: bigint | undefined) => void;

/** Party of requests that nobody pays for by name. */
const NOBODY = '(no key)';

export class Bill {
  readonly #terms: BillTerms;
  readonly #diary: CostDiary | undefined;
  readonly #settle: Settle | undefined;
  #open = true;

  private constructor(terms: BillTerms, diary: CostDiary | undefined, settle: Settle | undefined) {
    this.#terms = terms;
    this.#diary = diary;
    this.#settle = settle;
  }

  /** @returns undefined when the payer does not pay for it: the request must not be sent */
  static open(terms: BillTerms, diary: CostDiary | undefined): Bill | undefined {
    const { payer, reserved, pricePerToken } = terms;
    if (payer === undefined) return new Bill(terms, diary, undefined);
    const settle = payer.hold(reserved * pricePerToken);
    return settle && new Bill(terms, diary, settle);
  }

  /**
   * The bill is known, or will never be: undefined. Only the first call counts. One that cannot be right is as good as
   * unknown: the payer then has to reckon with the reservation.
   */
  settle(tokens: TokensUsed | undefined): void {
    if (!this.#open) return;
    this.#open = false;
    const { model, payer, reserved, pricePerToken } = this.#terms;
    if (tokens === undefined || tokens.total < 0n || tokens.total > reserved) {
      this.#settle?.(undefined);
      return;
    }
    const nanoTon = tokens.total * pricePerToken;
    this.#settle?.(nanoTon);
    if (tokens.total > 0n) this.#diary?.add({ model, party: payer?.name ?? NOBODY, tokens, nanoTon });
  }
}
