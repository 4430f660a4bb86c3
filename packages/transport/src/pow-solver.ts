/** Solves proof-of-work puzzles beside the event loop: 2^20 hashes take about a second of one core. */
import { Worker } from 'node:worker_threads';
import { solvePow } from '@bombyx/wire';
import { TransportError } from './errors.ts';
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
  readonly #limits: SolverLimits;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limits: Partial<SolverLimits> = {}) {
    this.#limits = { maxThreads: MAX_SOLVERS, maxWaiting: MAX_WAITING_PUZZLES, ...limits };
  }

  /**
   * @returns the nonce
   * @throws {TransportError} `TRANSPORT_LIMIT` when too many puzzles wait, `TRANSPORT_POW` when the thread fails; the
   *   reason of `signal`
   */
  async solve(salt: Uint8Array, difficulty: number, signal: AbortSignal): Promise<bigint> {
    signal.throwIfAborted();
    if (difficulty <= INLINE_BITS) return solvePow(salt, difficulty);
    if (this.#running >= this.#limits.maxThreads) await this.#turn(signal);
    else this.#running++;
    try {
      signal.throwIfAborted();
      return await solveInThread(salt, difficulty, signal);
    } finally {
      const next = this.#waiting.shift();
      if (next)
        next(); // the place is handed over
      else this.#running--;
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    if (this.#waiting.length >= this.#limits.maxWaiting) {
      throw new TransportError('TRANSPORT_LIMIT', 'too many proof-of-work puzzles are waiting', {
        limit: this.#limits.maxWaiting,
      });
    }
    return new Promise((resolve, reject) => {
      const go = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(go), 1);
        reject(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.push(go);
    });
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
