import { randomInt } from 'node:crypto';
import type { Clock, Logger } from '@bombyx/base';
import { Pool } from 'undici';

/** Pause between checks, ms. */
const PAUSE_MS = { from: 1_000, to: 2_000 };
const HEAD_TIMEOUT_MS = 10_000;
const TOTAL_TIMEOUT_MS = 30_000;
/** A list of models is small; more is not worth reading twice a second. */
const MAX_LIST_BYTES = 4_194_304;

export interface UplinkOptions {
  readonly origin: string;
  readonly apiKey: string | undefined;
}

export interface UplinkDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** Called at the first verdict and at each change of it. */
  readonly onChange: (good: boolean) => void;
}

/**
 * Watches the inference server: `GET /v1/models` answered in full with status 200 is good, all else is bad. Over a kept
 * connection of its own, so that a busy server does not look dead.
 */
export class UplinkMonitor implements AsyncDisposable {
  readonly #options: UplinkOptions;
  readonly #deps: UplinkDeps;
  readonly #pool: Pool;
  #closed = false;
  #good: boolean | undefined;
  /** As it was logged last. */
  #verdict = '';
  #lastStatus = '';
  #cancelNext: (() => void) | undefined;

  constructor(options: UplinkOptions, deps: UplinkDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#pool = new Pool(options.origin, { connections: 1, connectTimeout: HEAD_TIMEOUT_MS, allowH2: false });
    void this.#check();
  }

  /** False until the first check came back good. */
  get good(): boolean {
    return this.#good === true;
  }
  /** What the last check saw: `200`, another status, or the code of the failure. */
  get lastStatus(): string {
    return this.#lastStatus;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#cancelNext?.();
    await this.#pool.destroy(); // fails the check under way
  }

  async #check(): Promise<void> {
    const good = await this.#ask();
    if (this.#closed) return;
    const verdict = good ? 'the inference server is up' : uplinkTrouble(this.#lastStatus);
    if (verdict !== this.#verdict) {
      this.#verdict = verdict;
      const fields = { origin: this.#options.origin, status: this.#lastStatus };
      if (good) this.#deps.log.info(verdict, fields);
      else this.#deps.log.warn(verdict, fields);
    }
    if (good !== this.#good) {
      this.#good = good;
      this.#deps.onChange(good);
    }
    const pauseMs = randomInt(PAUSE_MS.from, PAUSE_MS.to + 1);
    this.#cancelNext = this.#deps.clock.after(pauseMs, () => void this.#check());
  }

  async #ask(): Promise<boolean> {
    const tooLong = new AbortController();
    const cancelTimer = this.#deps.clock.after(TOTAL_TIMEOUT_MS, () => tooLong.abort());
    const { apiKey } = this.#options;
    try {
      const { statusCode, body } = await this.#pool.request({
        method: 'GET',
        path: '/v1/models',
        headers: apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` },
        headersTimeout: HEAD_TIMEOUT_MS,
        signal: tooLong.signal,
      });
      let size = 0;
      for await (const chunk of body) {
        size += (chunk as Buffer).length;
        if (size > MAX_LIST_BYTES) throw new RangeError('TOO_LARGE');
      }
      this.#lastStatus = String(statusCode);
      return statusCode === 200;
    } catch (error) {
      this.#lastStatus = codeOf(error);
      return false;
    } finally {
      cancelTimer();
    }
  }
}

/**
 * A server that wants another key is up, and only its keeper can help.
 * @param status what the last check saw, see {@link UplinkMonitor.lastStatus}
 */
export function uplinkTrouble(status: string): string {
  return status === '401' || status === '403'
    ? `the inference server refuses our key (${status})`
    : 'the inference server is down';
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'failed';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
