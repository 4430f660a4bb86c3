import type { Clock, Logger } from '@bombyx/base';
import { NO_TOKENS } from '@bombyx/ledger';
import type { Answers } from './answers.ts';
import { JobError } from './errors.ts';
import { Job, type JobOutcome, type JobSpec } from './job.ts';
import type { Stats } from './stats.ts';
import type { Upstream } from './upstream.ts';

/** How often the limits of all running jobs are looked at; a limit is kept to within this, ms. */
export const LIMIT_CHECK_MS = 50;

export interface RunnerDeps {
  readonly upstream: Pick<Upstream, 'send'>;
  readonly stats: Stats;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What a session lends to a job. */
export interface JobRoad {
  readonly answers: Answers;
  readonly drained: () => Promise<void>;
  /** The job is over; its last message was sent. */
  readonly onEnd: (outcome: JobOutcome) => void;
}

/** All jobs of this worker, over all proxies: their number is bounded, and one timer watches all their limits. */
export class Runner {
  readonly maxActive: number;
  readonly #deps: RunnerDeps;
  readonly #jobs = new Set<Job>();
  #cancelCheck: (() => void) | undefined;
  #whenIdle: (() => void)[] = [];
  #closing = false;

  constructor(options: { readonly maxActive: number }, deps: RunnerDeps) {
    this.maxActive = options.maxActive;
    this.#deps = deps;
  }

  get active(): number {
    return this.#jobs.size;
  }

  /**
   * Judges and starts a job. A refusal is answered like any other failure.
   * @param prepare makes what is to be run, or throws {@link JobError}
   * @param bytes of the request, for the statistics
   */
  run(prepare: () => JobSpec, road: JobRoad, bytes: number): Job | undefined {
    const { stats, clock, upstream } = this.#deps;
    stats.begun(bytes);
    let spec: JobSpec;
    try {
      if (this.#closing) throw new JobError('JOB_CLOSING', 'the worker is closing');
      if (this.#jobs.size >= this.maxActive) throw new JobError('JOB_TOO_MANY', 'too many active queries');
      spec = prepare();
    } catch (error) {
      this.#refuse(error, road);
      return undefined;
    }
    const job: Job = new Job(spec, {
      upstream,
      clock,
      answers: road.answers,
      drained: road.drained,
      onEnd: (outcome) => {
        this.#jobs.delete(job);
        stats.ended(outcome);
        road.onEnd(outcome);
        if (this.#jobs.size === 0) this.#idle();
      },
    });
    this.#jobs.add(job);
    this.#watch();
    return job;
  }

  /** Refuses new jobs, lets the running ones end for `graceMs`, then ends them with an error. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    if (this.#jobs.size === 0) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#deps.clock.after(graceMs, resolve);
      this.#whenIdle.push(() => {
        cancel();
        resolve();
      });
    });
    for (const job of this.#jobs) job.cancel(new JobError('JOB_CLOSING', 'the worker closed before the answer ended'));
  }

  #refuse(error: unknown, road: JobRoad): void {
    const { stats, clock, log } = this.#deps;
    if (!(error instanceof JobError)) log.error('a request could not be prepared', { cause: String(error) });
    const refusal = error instanceof JobError ? error : new JobError('JOB_INTERNAL', 'worker: internal error');
    const nowSec = clock.nowMs() / 1_000;
    road.answers.error(refusal, { tokens: NO_TOKENS, startSec: nowSec, headSec: nowSec, endSec: nowSec }, false);
    stats.ended({ error: refusal, tokens: NO_TOKENS, bytesReceived: 0, durationMs: 0 });
  }

  #watch(): void {
    this.#cancelCheck ??= this.#deps.clock.after(LIMIT_CHECK_MS, () => {
      this.#cancelCheck = undefined;
      const now = this.#deps.clock.monotonicMs();
      for (const job of this.#jobs) job.checkLimits(now);
      if (this.#jobs.size > 0) this.#watch();
    });
  }

  #idle(): void {
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }
}
