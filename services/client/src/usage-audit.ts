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

/** A disagreement that costs money: more is claimed than what was asked for can explain. In adjusted tokens. */
export interface Excess extends UsageDisagreement {
  readonly claimed: bigint;
  readonly explained: bigint;
}

/** For accounts whose running total must be explained over restarts. */
export interface AuditMemory {
  /** Highest total that is explained already; undefined: the first one named is believed. */
  readonly explained: bigint | undefined;
  /** How much more than needed is written at once, so that not every request writes; a crash forgives so much. */
  readonly stride: bigint;
  /** Durable when it returns. @throws when it cannot be: the request must not be sent */
  readonly write: (explained: bigint) => void;
  readonly exceeded: (excess: Excess) => void;
}

const MAX_FINISHED = 4_096;
const MAX_LATEST = 16;

/**
 * Follows one proxy contract: final numbers per request, then the payment packet of the same request, then the
 * cumulative totals: named by the proxy, signed, and charged on the chain. Bounded: the oldest finished request is
 * forgotten after 4,096 others.
 */
export class UsageAudit {
  readonly #memory: AuditMemory | undefined;
  readonly #final = new Map<string, bigint>();
  readonly #reservedNow = new Map<string, bigint>();
  readonly #latest: UsageDisagreement[] = [];
  #reservedSum = 0n;
  /** Highest cumulative total that what we saw explains; unknown until the proxy named its first. */
  #explained: bigint | undefined;
  /** What {@link AuditMemory} holds. */
  #written: bigint | undefined;
  #checked = 0;
  #disagreements = 0;

  constructor(memory?: AuditMemory) {
    this.#memory = memory;
    this.#explained = memory?.explained;
    this.#written = memory?.explained;
  }

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

  /** A request is about to go out with this reservation. @throws what {@link AuditMemory.write} throws */
  started(requestId: string, reserved: bigint): void {
    if (this.#explained !== undefined) this.#foresee(this.#explained + this.#reservedSum + reserved);
    this.#reservedNow.set(requestId, reserved);
    this.#reservedSum += reserved;
  }

  /** It did not go out after all. */
  withdrawn(requestId: string): void {
    this.#reservedSum -= this.#reservedNow.get(requestId) ?? 0n;
    this.#reservedNow.delete(requestId);
  }

  /** Nothing runs there any more: the next life needs to explain no more than this one did. */
  close(): void {
    const { explained } = this;
    if (explained !== undefined && explained !== this.#written) this.#write(explained);
  }

  /** Highest running total that may be claimed now; undefined before the first was named. */
  get explained(): bigint | undefined {
    return this.#explained === undefined ? undefined : this.#explained + this.#reservedSum;
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
    this.#report(requestId, checkUsage(tokens, reserved), tokens.total, reserved);
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
    this.#report(requestId, failures, requestTokens, expected ?? requestTokens);
  }

  /** The proxy names its cumulative total: it must not exceed what this client's requests can explain. */
  total(maxTokens: bigint): void {
    if (maxTokens < 0n) this.#report('', ['the cumulative total is negative']);
    this.claimed(maxTokens, 'the cumulative total');
  }

  /** A running total that is claimed in some way. One that was reported once is the measure of the next. */
  claimed(tokens: bigint, what: string): void {
    const most = this.explained;
    if (most === undefined) this.#believe(tokens > 0n ? tokens : 0n);
    else if (tokens > most) {
      this.#report('', [`${what} is above what was asked for`], tokens, most);
      this.#believe(tokens - this.#reservedSum);
    }
  }

  #believe(explained: bigint): void {
    this.#explained = explained;
    try {
      this.#foresee(explained + this.#reservedSum);
    } catch {
      // what it says is true all the same; the next request tries again, and does not go out when it cannot be written
    }
  }

  #foresee(most: bigint): void {
    if (this.#memory && (this.#written === undefined || most > this.#written)) this.#write(most + this.#memory.stride);
  }

  #write(explained: bigint): void {
    this.#memory?.write(explained);
    this.#written = explained;
  }

  /**
   * A request without final numbers may still cost up to its reservation, so that much is explained. With numbers above
   * the reservation no more than that.
   */
  #remember(requestId: string, total: bigint | undefined, reserved: bigint): void {
    const claimed = total === undefined || total > reserved ? reserved : total;
    const cost = claimed > 0n ? claimed : 0n;
    if (this.#explained !== undefined) this.#explained += cost;
    if (total === undefined) return;
    this.#final.set(requestId, total);
    if (this.#final.size > MAX_FINISHED) this.#final.delete(this.#final.keys().next().value!);
  }

  #report(requestId: string, failures: readonly string[], claimed = 0n, explained = 0n): void {
    if (failures.length === 0) return;
    this.#disagreements += 1;
    this.#latest.push({ requestId, failures });
    if (this.#latest.length > MAX_LATEST) this.#latest.shift();
    if (claimed > explained) this.#memory?.exceeded({ requestId, failures, claimed, explained });
  }
}
