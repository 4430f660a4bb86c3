/**
 * From counted tokens to adjusted tokens, the only unit of the protocol, the contracts and the books.
 * The arithmetic is part of the protocol: IEEE doubles, multiplied from left to right, cut to whole numbers.
 */
import { MAX_LONG, type Tokens, tokens } from '@bombyx/base';
import { LedgerError } from './errors.ts';

/** Raw counts of one request as the inference server reports them; safe integers, at least 0. */
export interface Usage {
  /** Includes the cached ones. */
  readonly promptTokens: number;
  readonly cachedTokens: number;
  /** Includes the reasoning ones. */
  readonly completionTokens: number;
  readonly reasoningTokens: number;
}

/** Price of a kind of token in ten-thousandths, from the root contract; 10000 = 1.0. */
export interface Multipliers {
  readonly prompt: number;
  readonly cached: number;
  readonly completion: number;
  readonly reasoning: number;
}

/** Adjusted tokens of one request; the kinds exclude each other and `total` is their sum. */
export interface TokensUsed {
  readonly prompt: Tokens;
  readonly cached: Tokens;
  readonly completion: Tokens;
  readonly reasoning: Tokens;
  readonly total: Tokens;
}

export const NO_TOKENS: TokensUsed = {
  prompt: tokens(0n),
  cached: tokens(0n),
  completion: tokens(0n),
  reasoning: tokens(0n),
  total: tokens(0n),
};

const MAX_INT = 0x7fff_ffff;
const MAX_UINT = 0xffff_ffff;

/**
 * @param count raw tokens of one kind
 * @param coefficient price of the worker in thousandths, 1000 = 1.0; a TL `int`, at least 0
 * @param multiplier price of the kind in ten-thousandths; an unsigned 32-bit number
 * @throws {LedgerError} `LEDGER_RANGE` for a number out of its range or a result above 2^63 − 1
 */
export function adjustedTokens(count: number, coefficient: number, multiplier: number): Tokens {
  const adjusted = weigh(count, coefficient, multiplier);
  if (adjusted > MAX_LONG) throw new LedgerError('LEDGER_RANGE', 'more tokens than the protocol can carry', { count });
  return tokens(adjusted);
}

/**
 * Prices what a request used. More cached than prompt tokens, or more reasoning than completion tokens, are a slip
 * of the server: the surplus is not billed.
 * @throws {LedgerError} `LEDGER_RANGE`
 */
export function usageToTokens(usage: Usage, coefficient: number, multipliers: Multipliers): TokensUsed {
  const cachedCount = Math.min(usage.cachedTokens, usage.promptTokens);
  const reasoningCount = Math.min(usage.reasoningTokens, usage.completionTokens);
  const prompt = adjustedTokens(usage.promptTokens - cachedCount, coefficient, multipliers.prompt);
  const cached = adjustedTokens(cachedCount, coefficient, multipliers.cached);
  const completion = adjustedTokens(usage.completionTokens - reasoningCount, coefficient, multipliers.completion);
  const reasoning = adjustedTokens(reasoningCount, coefficient, multipliers.reasoning);
  const total = prompt + cached + completion + reasoning;
  if (total > MAX_LONG) throw new LedgerError('LEDGER_RANGE', 'more tokens than the protocol can carry', { total });
  return { prompt, cached, completion, reasoning, total: tokens(total) };
}

/**
 * The most a request may cost: every byte of the query a prompt token, `maxTokens` of answer, all at the dearest
 * kind and the highest price the client agreed to. Never negative; saturates at 2^63 − 1, which nobody can pay.
 * All four numbers come from the network.
 * @throws {LedgerError} `LEDGER_RANGE` for anything but whole numbers in range
 */
export function reservation(
  maxTokens: number,
  queryBytes: number,
  maxCoefficient: number,
  multipliers: Multipliers,
): Tokens {
  whole('max_tokens', maxTokens, MAX_INT);
  whole('query bytes', queryBytes, MAX_INT);
  const dearest = Math.max(multipliers.prompt, multipliers.cached, multipliers.completion, multipliers.reasoning);
  const most = weigh(maxTokens + queryBytes, maxCoefficient, dearest);
  return atMostLong(most);
}

/** The nearest count that a TL `long` can carry. */
export function atMostLong(count: bigint): Tokens {
  if (count > MAX_LONG) return tokens(MAX_LONG);
  return tokens(count);
}

/** The formula. The order of the multiplications decides the last digit. */
function weigh(count: number, coefficient: number, multiplier: number): bigint {
  whole('token count', count, Number.MAX_SAFE_INTEGER);
  whole('coefficient', coefficient, MAX_INT);
  whole('multiplier', multiplier, MAX_UINT);
  return BigInt(Math.trunc(count * (coefficient * 0.001) * multiplier * 0.0001));
}

function whole(name: string, value: number, max: number): void {
  if (Number.isSafeInteger(value) && value >= 0 && value <= max) return;
  throw new LedgerError('LEDGER_RANGE', `${name} must be a whole number from 0 to ${max}, not ${value}`, { value });
}
