/** Where requests and money meet: what a worker reports is judged, made durable, and only then booked. */
import { type Clock, tokens } from '@bombyx/base';
import type { Accounts, TokensUsed } from '@bombyx/ledger';
import type { Tl } from '@bombyx/wire';
import type { Store } from './store.ts';

/** Kinds in the order in which a cut at the reservation falls on them: what was made last goes first. */
const CUT_ORDER = ['reasoning', 'completion', 'cached', 'prompt'] as const;

/**
 * Tokens as billed: each kind as reported, the sum never above what was held for the request.
 * @returns undefined for a report with a negative number: such a worker is not believed at all
 */
export function judge(reported: Tl<'tokensUsed'>, held: bigint): TokensUsed | undefined {
  const kinds = {
    prompt: reported.prompt_tokens_used,
    cached: reported.cached_tokens_used,
    completion: reported.completion_tokens_used,
    reasoning: reported.reasoning_tokens_used,
  };
  if (Object.values(kinds).some((count) => count < 0n) || reported.total_tokens_used < 0n) return undefined;
  let sum = kinds.prompt + kinds.cached + kinds.completion + kinds.reasoning;
  // The total is what is billed: one that differs from its parts is cut to the smaller.
  const most = reported.total_tokens_used < held ? reported.total_tokens_used : held;
  for (const kind of CUT_ORDER) {
    if (sum <= most) break;
    const over = sum - most;
    kinds[kind] = kinds[kind] > over ? kinds[kind] - over : 0n;
    sum = kinds.prompt + kinds.cached + kinds.completion + kinds.reasoning;
  }
  return tokensOf(kinds);
}

/**
 * The part of an answer that reached the client, for workers that cannot be stopped and count to the end: the prompt in
 * full, the answer by its share of bytes.
 */
export function delivered(counted: TokensUsed, deliveredBytes: number, receivedBytes: number): TokensUsed {
  if (receivedBytes <= 0 || deliveredBytes >= receivedBytes) return counted;
  const share = (count: bigint) => (count * BigInt(deliveredBytes)) / BigInt(receivedBytes);
  return tokensOf({
    prompt: counted.prompt,
    cached: counted.cached,
    completion: share(counted.completion),
    reasoning: share(counted.reasoning),
  });
}

function tokensOf(kinds: Record<(typeof CUT_ORDER)[number], bigint>): TokensUsed {
  const { prompt, cached, completion, reasoning } = kinds;
  return {
    prompt: tokens(prompt),
    cached: tokens(cached),
    completion: tokens(completion),
    reasoning: tokens(reasoning),
    total: tokens(prompt + cached + completion + reasoning),
  };
}

/** A request that has been counted. */
export interface Bill {
  /** Our unique id of the request; the hold is under its latin1 text. */
  readonly id: Buffer;
  readonly key: string;
  readonly client: string;
  readonly worker: string;
  readonly tokens: TokensUsed;
}

export class Cashier {
  readonly #accounts: Accounts;
  readonly #store: Store;
  readonly #clock: Clock;

  constructor(deps: { accounts: Accounts; store: Store; clock: Clock }) {
    this.#accounts = deps.accounts;
    this.#store = deps.store;
    this.#clock = deps.clock;
  }

  /**
   * Charges a request once. Resolves when the charge is on disk and in the books; until then the hold stays.
   * @throws {ProxyError} of the store: nothing was charged, the hold is the caller's to release
   */
  async charge(bill: Bill): Promise<void> {
    const { id, client, worker } = bill;
    await this.#store.charge({ id, client, worker, tokens: bill.tokens, atMs: this.#clock.nowMs() });
    this.#accounts.settle(bill.key, bill.tokens.total, worker);
  }
}
