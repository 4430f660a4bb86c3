/** Where requests and money meet: what a worker reports is judged, made durable, and only then booked. */
import { type Clock, tokens } from '@bombyx/base';
import {
  type Accounts,
  LedgerError,
  type Multipliers,
  NO_TOKENS,
  type TokensUsed,
  type Usage,
  usageToTokens,
} from '@bombyx/ledger';
import type { Tl } from '@bombyx/wire';
import type { Store } from './store.ts';

/** Kinds in the order in which a cut at the reservation falls on them: what was made last goes first. */
const CUT_ORDER = ['reasoning', 'completion', 'cached', 'prompt'] as const;
type Kinds = Record<(typeof CUT_ORDER)[number], bigint>;

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
  // The total is what is billed: one that differs from its parts is cut to the smaller.
  return capped(kinds, reported.total_tokens_used < held ? reported.total_tokens_used : held);
}

/** The same kinds, their sum not above `most`. */
function capped(counted: Kinds, most: bigint): TokensUsed {
  const kinds = { ...counted };
  let over = kinds.prompt + kinds.cached + kinds.completion + kinds.reasoning - most;
  for (const kind of CUT_ORDER) {
    if (over <= 0n) break;
    const kept = kinds[kind] > over ? kinds[kind] - over : 0n;
    over -= kinds[kind] - kept;
    kinds[kind] = kept;
  }
  return tokensOf(kinds);
}

/**
 * The part of an answer that reached the client, for workers that cannot be stopped and count to the end: the prompt in
 * full, the answer by its share of bytes.
 */
function delivered(counted: TokensUsed, deliveredBytes: number, receivedBytes: number): TokensUsed {
  if (receivedBytes <= 0 || deliveredBytes >= receivedBytes) return counted;
  const share = (count: bigint) => (count * BigInt(deliveredBytes)) / BigInt(receivedBytes);
  return tokensOf({
    prompt: counted.prompt,
    cached: counted.cached,
    completion: share(counted.completion),
    reasoning: share(counted.reasoning),
  });
}

function tokensOf(kinds: Kinds): TokensUsed {
  const { prompt, cached, completion, reasoning } = kinds;
  return {
    prompt: tokens(prompt),
    cached: tokens(cached),
    completion: tokens(completion),
    reasoning: tokens(reasoning),
    total: tokens(prompt + cached + completion + reasoning),
  };
}

/** What the proxy knows of an answer when it comes to the bill. */
export interface Answered {
  readonly held: bigint;
  /** The worker's last word, if there was one. */
  readonly final: { readonly tokens: Tl<'tokensUsed'> } | undefined;
  /** Read what went to the client before the end. */
  readonly scanner: { readonly billable: Usage } | undefined;
  /** Price that the worker was promised, thousandths. */
  readonly coefficient: number;
  readonly deliveredBytes: number;
  readonly receivedBytes: number;
}

/**
 * The bill for an answer. A whole one costs what its worker reports. One that was `cut` costs what reached the client:
 * by the worker's report, or, when it reports nothing (it is lost, or silent, or counts at the end only), by what the
 * proxy read in the bytes it passed on: the last usage in the stream, else one token for each delivered event.
 */
export function priceOf(answer: Answered, cut: boolean, multipliers: Multipliers): TokensUsed {
  const reported = (answer.final && judge(answer.final.tokens, answer.held)) ?? NO_TOKENS;
  if (!cut) return reported;
  if (reported.total > 0n) return delivered(reported, answer.deliveredBytes, answer.receivedBytes);
  if (!answer.scanner) return NO_TOKENS;
  try {
    return capped(usageToTokens(answer.scanner.billable, answer.coefficient, multipliers), answer.held);
  } catch (error) {
    if (error instanceof LedgerError) return NO_TOKENS; // more than the protocol can carry: nobody is billed by that
    throw error;
  }
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
