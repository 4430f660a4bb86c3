/**
 * Worker selection as a pure function over a snapshot: no clock, no state, randomness handed in.
 *
 * Among the workers that may take the request (enabled, at or below the price ceiling, a free place, not tried
 * before) each gets a cost: price × load × slowness × unreliability. The cheapest cost wins; workers within 25 % of it
 * contend by chance, weighted by the eighth power of the ratio, so that equal workers share evenly and a slightly
 * better one still gets more. A request with a known prompt prefix goes to the contender its prefix is bound to
 * (rendezvous hashing) as long as it costs no more per token: the worker's cache of that prefix is warm.
 */

/** One worker connection as selection sees it. */
export interface WorkerView {
  readonly id: string;
  /** Fixed 32-bit number of this worker for rendezvous hashing. */
  readonly seed: number;
  /** Price in thousandths. */
  readonly coefficient: number;
  readonly enabled: boolean;
  readonly running: number;
  readonly limit: number;
  /** Concurrency earned so far: newcomers and workers that failed start low. See `track.ts`. */
  readonly ramp: number;
  /** Recent mean time to the first byte, ms; undefined while unknown. */
  readonly firstByteMs: number | undefined;
  /** Recent share of requests that succeeded, 0..1. */
  readonly success: number;
}

export interface Ask {
  /** Price ceiling in thousandths. */
  readonly maxCoefficient: number;
  /** Keyed 32-bit hash of the start of the prompt; undefined when there is none. */
  readonly prefix: number | undefined;
  /** Workers this request failed on already. */
  readonly tried: ReadonlySet<string> | undefined;
}

export type Choice<W extends WorkerView> =
  | { readonly kind: 'worker'; readonly worker: W }
  /** Some worker would fit, none has a place now. */
  | { readonly kind: 'busy' }
  /** Workers are there, all above the ceiling; `cheapest` is the smallest coefficient. */
  | { readonly kind: 'too-expensive'; readonly cheapest: number }
  /** No enabled worker that was not tried. */
  | { readonly kind: 'none' };

const CONTEND = 1.25;
const SHARPNESS = 8;
const SLOWNESS_FLOOR_MS = 50;
const HEALTHY = 0.5;

/** Expected badness of giving the request to this worker; only ratios between workers mean something. */
export function cost(worker: WorkerView, fastestMs: number): number {
  const price = (worker.coefficient + 100) / 1_000;
  const load = 1 / (1 - 0.9 * Math.min(1, worker.running / Math.max(1, worker.limit)));
  const slowness = Math.sqrt(((worker.firstByteMs ?? fastestMs) + SLOWNESS_FLOOR_MS) / (fastestMs + SLOWNESS_FLOOR_MS));
  return (price * load * slowness) / Math.max(worker.success, 0.01) ** 4;
}

/** Picks a worker for `ask`. `random` returns numbers in [0, 1). */
export function select<W extends WorkerView>(workers: readonly W[], ask: Ask, random: () => number): Choice<W> {
  const standing = survey(workers, ask);
  if (standing.open.length === 0) {
    if (standing.fitting > 0) return { kind: 'busy' };
    return standing.cheapest === undefined ? { kind: 'none' } : { kind: 'too-expensive', cheapest: standing.cheapest };
  }
  if (standing.open.length === 1) return { kind: 'worker', worker: standing.open[0]! };
  return { kind: 'worker', worker: contend(standing.open, ask.prefix, random) };
}

interface Standing<W> {
  /** Workers one of which gets the request. */
  readonly open: readonly W[];
  /** Enabled, not tried and within the ceiling, busy or not. */
  readonly fitting: number;
  /** Smallest coefficient among enabled and untried workers above the ceiling. */
  readonly cheapest: number | undefined;
}

function survey<W extends WorkerView>(workers: readonly W[], ask: Ask): Standing<W> {
  const within: W[] = [];
  const beyond: W[] = [];
  let fitting = 0;
  let cheapest: number | undefined;
  for (const worker of workers) {
    if (!worker.enabled || ask.tried?.has(worker.id)) continue;
    if (worker.coefficient > ask.maxCoefficient) {
      if (cheapest === undefined || worker.coefficient < cheapest) cheapest = worker.coefficient;
      continue;
    }
    fitting += 1;
    if (worker.running >= worker.limit) continue;
    if (worker.running < worker.ramp) within.push(worker);
    else if (worker.success >= HEALTHY) beyond.push(worker);
  }
  if (within.length > 0) return { open: within, fitting, cheapest };
  if (beyond.length > 0) return { open: beyond, fitting, cheapest };
  // The only worker of a model has nobody to be ramped against.
  if (fitting === 1) {
    const only = workers.find((w) => fits(w, ask) && w.running < w.limit);
    if (only) return { open: [only], fitting, cheapest };
  }
  return { open: [], fitting, cheapest };
}

function fits(worker: WorkerView, ask: Ask): boolean {
  return worker.enabled && !ask.tried?.has(worker.id) && worker.coefficient <= ask.maxCoefficient;
}

function contend<W extends WorkerView>(open: readonly W[], prefix: number | undefined, random: () => number): W {
  const fastest = fastestOf(open);
  let best = open[0]!;
  let bestCost = Number.POSITIVE_INFINITY;
  const costs = new Array<number>(open.length);
  for (let i = 0; i < open.length; i += 1) {
    const c = cost(open[i]!, fastest);
    costs[i] = c;
    if (c < bestCost) [best, bestCost] = [open[i]!, c];
  }
  if (prefix !== undefined) return bound(open, costs, best, bestCost, prefix);
  let sum = 0;
  for (let i = 0; i < costs.length; i += 1) sum += weight(costs[i]!, bestCost);
  let left = random() * sum;
  for (let i = 0; i < costs.length; i += 1) {
    left -= weight(costs[i]!, bestCost);
    if (left < 0) return open[i]!;
  }
  return best;
}

function weight(cost: number, best: number): number {
  return cost > best * CONTEND ? 0 : (best / cost) ** SHARPNESS;
}

/** The contender a prefix is bound to: every proxy run maps a prefix to the same order of workers. */
function bound<W extends WorkerView>(
  open: readonly W[],
  costs: readonly number[],
  best: W,
  bestCost: number,
  prefix: number,
): W {
  let chosen = best;
  let highest = -1;
  for (let i = 0; i < open.length; i += 1) {
    const worker = open[i]!;
    if (costs[i]! > bestCost * CONTEND || worker.coefficient > best.coefficient) continue;
    const score = mix(prefix, worker.seed);
    if (score > highest) [chosen, highest] = [worker, score];
  }
  return chosen;
}

function fastestOf(workers: readonly WorkerView[]): number {
  let fastest = Number.POSITIVE_INFINITY;
  for (const { firstByteMs } of workers) if (firstByteMs !== undefined && firstByteMs < fastest) fastest = firstByteMs;
  return Number.isFinite(fastest) ? fastest : 0;
}

/** A well-mixed 32-bit hash of two numbers (the finalizer of MurmurHash3). */
export function mix(a: number, b: number): number {
  let h = (a ^ Math.imul(b, 0x9e37_79b1)) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

export type Verdict =
  | 'candidate'
  | 'disabled'
  | 'already-tried'
  | 'above-price-ceiling'
  | 'full'
  | 'beyond-ramp'
  | 'costs-more';

/** Why a worker can or cannot get the request. `cost` is relative to the best candidate (1 = best). */
export interface Explanation {
  readonly id: string;
  readonly verdict: Verdict;
  readonly cost: number | undefined;
  /** One sentence for operators. */
  readonly because: string;
}

/** Says for each worker why {@link select} would or would not take it. Not for the hot path. */
export function explain(workers: readonly WorkerView[], ask: Ask): Explanation[] {
  const { open } = survey(workers, ask);
  const fastest = fastestOf(open);
  const best = Math.min(...open.map((worker) => cost(worker, fastest)));
  return workers.map((worker) => {
    const told = (verdict: Verdict, because: string, relative?: number): Explanation => ({
      id: worker.id,
      verdict,
      cost: relative,
      because,
    });
    if (!worker.enabled) return told('disabled', 'the worker has switched itself off');
    if (ask.tried?.has(worker.id)) return told('already-tried', 'this request failed on it before');
    if (worker.coefficient > ask.maxCoefficient) {
      return told('above-price-ceiling', `it asks ${worker.coefficient}, the client pays up to ${ask.maxCoefficient}`);
    }
    if (worker.running >= worker.limit) return told('full', `${worker.running} of ${worker.limit} places are taken`);
    if (!open.includes(worker)) {
      return told('beyond-ramp', `it runs ${worker.running} and has earned ${Math.floor(worker.ramp)} so far`);
    }
    const relative = cost(worker, fastest) / best;
    if (relative > CONTEND) {
      return told('costs-more', `price, load, speed and failures make it ${relative.toFixed(2)} times worse`, relative);
    }
    return told('candidate', 'within a quarter of the best', relative);
  });
}
