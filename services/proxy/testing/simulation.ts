/**
 * A day at the proxy in fast motion: simulated workers serve simulated requests chosen by the real `select`, on an event
 * queue with a seeded generator. No I/O; thousands of requests take milliseconds.
 */

import { FakeClock } from '@bombyx/testkit';
import { select, type WorkerView } from '../src/select.ts';
import { Track } from '../src/track.ts';
import { seeded } from './harness.ts';

export interface SimWorker {
  readonly name: string;
  readonly coefficient?: number;
  readonly limit?: number;
  /** Mean time of a request, ms. */
  readonly serviceMs?: number;
  readonly firstByteMs?: number;
  /** Share of requests that fail, each after 1 ms; a function of simulated time. */
  readonly failing?: (nowMs: number) => number;
  /** Joins at this moment. */
  readonly fromMs?: number;
}

export interface SimResult {
  /** Requests given to each worker. */
  readonly given: Readonly<Record<string, number>>;
  readonly failed: number;
  /** Requests that found no place. */
  readonly busy: number;
  /** Most requests a worker had at once while it was one of the first `early` of its life. */
  readonly peaks: Readonly<Record<string, number>>;
  readonly log: readonly { readonly atMs: number; readonly worker: string }[];
}

interface Sim extends WorkerView {
  readonly spec: SimWorker;
  readonly track: Track;
  running: number;
  success: number;
  firstByteMs: number | undefined;
}

export function simulate(options: {
  workers: readonly SimWorker[];
  requests: number;
  /** Mean time between arrivals, ms. */
  everyMs: number;
  seed: number;
  maxCoefficient?: number;
  prefix?: (n: number) => number | undefined;
}): SimResult {
  const random = seeded(options.seed);
  const exponential = (mean: number) => -Math.log(1 - random()) * mean;
  const sims = options.workers.map((spec, i): Sim => {
    const track = new Track({ clock: new FakeClock() });
    return {
      id: spec.name,
      seed: (i + 1) * 0x9e3779b1,
      spec,
      track,
      coefficient: spec.coefficient ?? 1_000,
      enabled: true,
      running: 0,
      limit: spec.limit ?? 20,
      success: 1,
      get ramp() {
        return track.ramp;
      },
      firstByteMs: undefined,
    };
  });
  const given: Record<string, number> = Object.fromEntries(sims.map(({ id }) => [id, 0]));
  const peaks: Record<string, number> = Object.fromEntries(sims.map(({ id }) => [id, 0]));
  const ends: { readonly atMs: number; readonly worker: Sim; readonly ok: boolean; readonly tookMs: number }[] = [];
  const log: { atMs: number; worker: string }[] = [];
  let [nowMs, failed, busy] = [0, 0, 0];
  for (let n = 0; n < options.requests; n += 1) {
    nowMs += exponential(options.everyMs);
    ends.sort((a, b) => a.atMs - b.atMs);
    while (ends[0] && ends[0].atMs <= nowMs) {
      const { worker, ok, atMs, tookMs } = ends.shift()!;
      worker.running -= 1;
      if (ok) worker.track.firstByte(worker.spec.firstByteMs ?? 20, atMs);
      worker.track.finished(ok, atMs, worker.limit, tookMs);
    }
    const present = sims.filter(({ spec }) => (spec.fromMs ?? 0) <= nowMs);
    for (const sim of present) {
      sim.success = sim.track.success(nowMs);
      sim.firstByteMs = sim.track.firstByteMs(nowMs);
    }
    const ask = { maxCoefficient: options.maxCoefficient ?? 4_000, prefix: options.prefix?.(n), tried: undefined };
    const choice = select(present, ask, random);
    if (choice.kind !== 'worker') {
      busy += 1;
      continue;
    }
    const { worker } = choice;
    worker.running += 1;
    given[worker.id] = given[worker.id]! + 1;
    peaks[worker.id] = Math.max(peaks[worker.id]!, worker.running);
    log.push({ atMs: nowMs, worker: worker.id });
    const ok = random() >= (worker.spec.failing?.(nowMs) ?? 0);
    if (!ok) failed += 1;
    const tookMs = ok ? exponential(worker.spec.serviceMs ?? 100) : 1;
    ends.push({ atMs: nowMs + tookMs, worker, ok, tookMs });
  }
  return { given, failed, busy, peaks, log };
}

/** Pearson's χ² of counts against equal shares. */
export function chiSquare(counts: readonly number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}
