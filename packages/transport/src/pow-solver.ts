/** Solves proof-of-work puzzles beside the event loop: 2^20 hashes take about a second of one core. */
import { Worker } from 'node:worker_threads';
import { Turns } from '@bombyx/base';
import { solvePow } from '@bombyx/wire';
import { TransportError, tooMany } from './errors.ts';
import { MAX_SOLVERS, MAX_WAITING_PUZZLES } from './limits.ts';

/** Up to so many bits, 256 hashes, a puzzle takes less time than handing it to a thread. */
const INLINE_BITS = 8;

export interface SolverLimits {
  /** Puzzles solved at once, one thread each. */
  readonly maxThreads: number;
  /** Puzzles that wait for a thread. */
  readonly maxWaiting: number;
}

/** A thread lives as long as its puzzle, so that stopping is terminating it and an idle process has none. */
export class PowSolver {
  readonly #turns: Turns;

  constructor(limits: Partial<SolverLimits> = {}) {
    const { maxThreads = MAX_SOLVERS, maxWaiting = MAX_WAITING_PUZZLES } = limits;
    this.#turns = new Turns({ places: maxThreads, maxWaiting }, () => tooMany('proof-of-work puzzles', maxWaiting));
  }

  /**
   * @returns the nonce
   * @throws {TransportError} `TRANSPORT_LIMIT` when too many puzzles wait, `TRANSPORT_POW` when the thread fails; the
   *   reason of `signal`
   */
  async solve(salt: Uint8Array, difficulty: number, signal: AbortSignal): Promise<bigint> {
    signal.throwIfAborted();
    if (difficulty <= INLINE_BITS) return solvePow(salt, difficulty);
    const giveBack = await this.#turns.take(signal);
    try {
      signal.throwIfAborted(); // it may have come between the turn and this line
      return await solveInThread(salt, difficulty, signal);
    } finally {
      giveBack();
    }
  }
}

/** Cores belong to the process, so all its connections share these threads unless they are given others. */
export const processSolver = new PowSolver();

async function solveInThread(salt: Uint8Array, difficulty: number, signal: AbortSignal): Promise<bigint> {
  const ending = import.meta.url.slice(-3); // .ts, or .js when compiled
  const thread = new Worker(new URL(`./pow-worker${ending}`, import.meta.url), {
    workerData: { salt: Uint8Array.from(salt), difficulty },
    execArgv: [],
  });
  const { promise, resolve, reject } = Promise.withResolvers<bigint>();
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  thread.once('message', (nonce: bigint) => resolve(nonce));
  thread.once('error', (cause) => {
    reject(new TransportError('TRANSPORT_POW', 'the proof-of-work thread failed', {}, { cause }));
  });
  thread.once('exit', () => reject(new TransportError('TRANSPORT_POW', 'the proof-of-work thread ended early')));
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', abort);
    await thread.terminate();
  }
}
