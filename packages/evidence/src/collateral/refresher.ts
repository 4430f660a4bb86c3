/** Fetches records again before they end: at half of their validity, each at a moment of its own. */
import type { Clock, Logger, Random } from '@bombyx/base';
import { MAX_REFRESH_RETRY_MS, REFRESH_LOOK_MS, REFRESH_RETRY_MS, WARN_BEFORE_MS } from '../limits.ts';
import type { Kept } from './record-store.ts';

interface Plan {
  readonly atMs: number;
  readonly failures: number;
}

/** Nothing new at half time: the service is asked again so often until there is. */
const NOTHING_NEW_MS = 86_400_000;
const DAY_MS = 86_400_000;

export class Refresher<Need, Value> implements Disposable {
  readonly #records: () => Iterable<Kept<Need, Value>>;
  readonly #again: (kept: Kept<Need, Value>) => Promise<Kept<Need, Value>>;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Logger;
  readonly #plans = new Map<string, Plan>();
  readonly #running = new Set<string>();
  #cancel: (() => void) | undefined;

  constructor(
    records: () => Iterable<Kept<Need, Value>>,
    again: (kept: Kept<Need, Value>) => Promise<Kept<Need, Value>>,
    deps: { readonly clock: Clock; readonly random: Random; readonly log: Logger },
  ) {
    this.#records = records;
    this.#again = again;
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#log = deps.log;
  }

  start(): void {
    this.#cancel = this.#clock.after(REFRESH_LOOK_MS, () => {
      this.#look();
      this.start();
    });
  }

  /** A record came. */
  plan({ key, standing: { issuedAtMs, expiresAtMs } }: Kept<Need, Value>): void {
    if (!Number.isFinite(expiresAtMs)) return;
    const halfMs = (expiresAtMs - issuedAtMs) / 2;
    this.#plans.set(key, { atMs: issuedAtMs + halfMs * this.#jitter(), failures: 0 });
  }

  [Symbol.dispose](): void {
    this.#cancel?.();
  }

  #look(): void {
    const nowMs = this.#clock.nowMs();
    for (const kept of this.#records()) {
      const plan = this.#plans.get(kept.key);
      if (plan === undefined || nowMs < plan.atMs || this.#running.has(kept.key)) continue;
      this.#running.add(kept.key);
      void this.#refresh(kept, plan).finally(() => this.#running.delete(kept.key));
    }
  }

  async #refresh(kept: Kept<Need, Value>, plan: Plan): Promise<void> {
    try {
      const now = await this.#again(kept);
      if (now === kept) this.#next(kept.key, NOTHING_NEW_MS, 0);
      this.#warn(now, 'the service has nothing newer');
    } catch (error) {
      const pauseMs = Math.min(MAX_REFRESH_RETRY_MS, REFRESH_RETRY_MS * 2 ** Math.min(plan.failures, 10));
      this.#next(kept.key, pauseMs, plan.failures + 1);
      this.#warn(kept, error instanceof Error ? error.message : String(error));
    }
  }

  #next(key: string, pauseMs: number, failures: number): void {
    this.#plans.set(key, { atMs: this.#clock.nowMs() + pauseMs * this.#jitter(), failures });
  }

  #warn({ key, standing }: Kept<Need, Value>, reason: string): void {
    const leftMs = standing.expiresAtMs - this.#clock.nowMs();
    if (leftMs >= WARN_BEFORE_MS) return;
    const daysLeft = Math.max(0, Math.floor(leftMs / DAY_MS));
    if (leftMs >= 0)
      this.#log.warn('collateral ends soon, and peers that need it will be refused', { key, daysLeft, reason });
    else this.#log.error('collateral has ended: peers that need it are refused', { key, reason });
  }

  /** 0.9 … 1.1, so that the parts of a network do not all ask at once. */
  #jitter(): number {
    return 0.9 + (this.#random.bytes(1)[0] ?? 0) / 1_275;
  }
}
