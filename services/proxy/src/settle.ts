/** Where requests and money meet: what a worker reports is judged, made durable, and only then booked. */
import { type Clock, tokens } from '@bombyx/base';
import { LedgerError, type Multipliers, NO_TOKENS, type TokensUsed, type Usage, usageToTokens } from '@bombyx/ledger';
import type { Tl } from '@bombyx/wire';
import type { Bookkeeper } from './bookkeeper.ts';
import type { Party } from './parties.ts';

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
  /** Our unique id of the request. */
  readonly id: Buffer;
  readonly client: Party;
  readonly worker: Party;
  readonly tokens: TokensUsed;
}

export class Cashier {
  readonly #keeper: Bookkeeper;
  readonly #clock: Clock;

  constructor(deps: { keeper: Bookkeeper; clock: Clock }) {
    this.#keeper = deps.keeper;
    this.#clock = deps.clock;
  }

  /**
   * Charges a request. Resolves when the charge is on disk and in the books; what the request holds is the caller's to
   * give back then.
   * @throws {ProxyError} `PROXY_STORE`, `PROXY_STORE_CLOSED`: nothing was charged
   */
  charge({ id, client, worker, tokens }: Bill): Promise<void> {
    return this.#keeper.record({
      type: 'charged',
      instance: client.instance.contract,
      id: id.toString('hex'),
      client: client.owner,
      worker: worker.owner,
      tokens,
      atMs: this.#clock.nowMs(),
    });
  }
}
