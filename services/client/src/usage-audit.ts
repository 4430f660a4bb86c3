/** Checks what a proxy claims to have used. The C++ client believes every number and checks the signature only. */
import type { TokensUsed } from './api.ts';

/** One packet `proxy.clientRequestPayment` or one final_info that does not add up. */
export interface UsageDisagreement {
  /** Hex. */
  readonly requestId: string;
  readonly failures: readonly string[];
}

/** @returns every check that failed; empty when the numbers are plausible */
export function checkUsage(tokens: TokensUsed, reserved: bigint): string[] {
  const parts = [tokens.prompt, tokens.cached, tokens.completion, tokens.reasoning];
  const failures: string[] = [];
  if (parts.some((part) => part < 0n) || tokens.total < 0n) failures.push('a count is negative');
  if (parts.reduce((sum, part) => sum + part, 0n) !== tokens.total) failures.push('the total is not the sum');
  if (tokens.total > reserved) failures.push('the total is above the reservation');
  return failures;
}

const MAX_FINISHED = 4_096;
const MAX_LATEST = 16;

/**
 * Follows one proxy contract: final numbers per request, then the payment packet of the same request, then the
 * cumulative total. Bounded: the oldest finished request is forgotten after 4,096 others.
 */
export class UsageAudit {
  readonly #final = new Map<string, bigint>();
  readonly #reservedNow = new Map<string, bigint>();
  readonly #latest: UsageDisagreement[] = [];
  #reservedSum = 0n;
  /** Highest cumulative total that what we saw explains; unknown until the proxy named its first. */
  #explained: bigint | undefined;
  #checked = 0;
  #disagreements = 0;

  get checked(): number {
    return this.#checked;
  }

  get disagreements(): number {
    return this.#disagreements;
  }

  /** Newest last, at most 16. */
  get latest(): readonly UsageDisagreement[] {
    return this.#latest;
  }

  /** A request went out with this reservation. */
  started(requestId: string, reserved: bigint): void {
    this.#reservedNow.set(requestId, reserved);
    this.#reservedSum += reserved;
  }

  /** The request ended for us, with or without numbers. */
  finished(requestId: string, tokens: TokensUsed | undefined): void {
    const reserved = this.#reservedNow.get(requestId);
    if (reserved === undefined) return;
    this.#reservedNow.delete(requestId);
    this.#reservedSum -= reserved;
    if (tokens === undefined) {
      this.#remember(requestId, undefined, reserved);
      return;
    }
    this.#checked += 1;
    this.#report(requestId, checkUsage(tokens, reserved));
    this.#remember(requestId, tokens.total, reserved);
  }

  /** The proxy bills `requestTokens` for one request. */
  billed(requestId: string, requestTokens: bigint): void {
    const failures: string[] = [];
    const expected = this.#final.get(requestId);
    if (requestTokens < 0n) failures.push('the bill is negative');
    if (expected !== undefined && expected !== requestTokens) failures.push('the bill differs from the answer');
    this.#final.delete(requestId);
    this.#checked += 1;
    this.#report(requestId, failures);
  }

  /** The proxy names its cumulative total: it must not exceed what this client's requests can explain. */
  total(maxTokens: bigint): void {
    if (maxTokens < 0n) this.#report('', ['the cumulative total is negative']);
    if (this.#explained === undefined) {
      this.#explained = maxTokens > 0n ? maxTokens : 0n;
      return;
    }
    const most = this.#explained + this.#reservedSum;
    if (maxTokens <= most) return;
    this.#report('', ['the cumulative total is above what was asked for']);
    this.#explained = maxTokens - this.#reservedSum;
  }

  /** A request without final numbers may still cost up to its reservation, so that much is explained. */
  #remember(requestId: string, total: bigint | undefined, reserved: bigint): void {
    const cost = total === undefined ? reserved : total > 0n ? total : 0n;
    if (this.#explained !== undefined) this.#explained += cost;
    if (total === undefined) return;
    this.#final.set(requestId, total);
    if (this.#final.size > MAX_FINISHED) this.#final.delete(this.#final.keys().next().value!);
  }

  #report(requestId: string, failures: readonly string[]): void {
    if (failures.length === 0) return;
    this.#disagreements += 1;
    this.#latest.push({ requestId, failures });
    if (this.#latest.length > MAX_LATEST) this.#latest.shift();
  }
}
