/** Verdicts that still hold. Bounded by number and by bytes; the one not used for longest goes first. */
import { serialize } from 'node:v8';
import type { PeerVerdict } from '@bombyx/attest';
import type { Clock } from '@bombyx/base';
import { MAX_CACHED_BYTES, MAX_CACHED_VERDICTS, REFUSAL_AGE_MS, VERDICT_AGE_MS } from '../limits.ts';

export interface CacheLimits {
  readonly entries: number;
  readonly bytes: number;
}

interface Entry {
  readonly verdict: PeerVerdict;
  readonly bytes: number;
  /** By the wall clock, as certificates and collateral end. */
  readonly expiresAtMs: number;
  /** By the clock that cannot be set back. */
  readonly forgetAtMs: number;
}

/** Of a key and a map's own needs. */
const OVERHEAD_BYTES = 256;

export class VerdictCache {
  readonly #limits: CacheLimits;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  constructor(clock: Clock, limits: Partial<CacheLimits> = {}) {
    this.#limits = { entries: MAX_CACHED_VERDICTS, bytes: MAX_CACHED_BYTES, ...limits };
    this.#clock = clock;
  }

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): PeerVerdict | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#remove(key, entry);
    const { nowMs, monotonicMs } = { nowMs: this.#clock.nowMs(), monotonicMs: this.#clock.monotonicMs() };
    if (nowMs >= entry.expiresAtMs || monotonicMs >= entry.forgetAtMs) return undefined;
    this.#entries.set(key, entry); // to the end
    this.#bytes += entry.bytes;
    return entry.verdict;
  }

  put(key: string, verdict: PeerVerdict): void {
    const before = this.#entries.get(key);
    if (before !== undefined) this.#remove(key, before);
    const bytes = serialize(verdict).length + key.length + OVERHEAD_BYTES;
    if (bytes > this.#limits.bytes) return;
    this.#entries.set(key, {
      verdict,
      bytes,
      expiresAtMs: verdict.ok ? verdict.peer.expiresAtMs : Number.POSITIVE_INFINITY,
      forgetAtMs: this.#clock.monotonicMs() + (verdict.ok ? VERDICT_AGE_MS : REFUSAL_AGE_MS),
    });
    this.#bytes += bytes;
    for (const [oldest, entry] of this.#entries) {
      if (this.#entries.size <= this.#limits.entries && this.#bytes <= this.#limits.bytes) return;
      this.#remove(oldest, entry);
    }
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }

  #remove(key: string, { bytes }: Entry): void {
    this.#entries.delete(key);
    this.#bytes -= bytes;
  }
}
