/** Threads that judge, one task each at a time. What waits is bounded, over all and for each address. */
import { Worker } from 'node:worker_threads';
import type { Failure } from '@bombyx/attest';
import type { Clock, Logger } from '@bombyx/base';
import {
  JUDGE_THREADS,
  TASK_TIMEOUT_MS,
  THREAD_HEAP_MIB,
  WAITING_TASKS,
  WAITING_TASKS_PER_ADDRESS,
} from '../limits.ts';
import type { Results, Task, ThreadCall, ThreadReply } from './task.ts';

/** No answer came about. A check that could not be made is one that failed. */
export class NoVerdict extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

export interface JudgePoolOptions {
  /** Default 1. */
  readonly threads?: number;
  readonly maxWaiting?: number;
  readonly maxWaitingPerAddress?: number;
  readonly taskTimeoutMs?: number;
}

/** Where tasks are done; a test hands in one of its own. */
export interface Judges extends AsyncDisposable {
  /** @param address that the peer is counted by. @throws {NoVerdict}, or the reason of `signal` */
  run<T extends Task>(task: T, address: string, signal: AbortSignal): Promise<Results[T['step']]>;
}

interface Job {
  readonly task: Task;
  readonly address: string;
  readonly resolve: (result: never) => void;
  readonly reject: (error: unknown) => void;
  leave: () => void;
}

interface Thread {
  readonly worker: Worker;
  job: Job | undefined;
  calls: number;
  cancel: () => void;
}

export class JudgePool implements Judges {
  readonly #limits: Required<JudgePoolOptions>;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #entry: URL;
  readonly #threads = new Set<Thread>();
  readonly #waiting: Job[] = [];
  #closed = false;

  /** @param entry the program of a thread: one that answers calls of task.ts */
  constructor(options: JudgePoolOptions, deps: { readonly clock: Clock; readonly log: Logger }, entry = programUrl()) {
    this.#limits = {
      threads: JUDGE_THREADS,
      maxWaiting: WAITING_TASKS,
      maxWaitingPerAddress: WAITING_TASKS_PER_ADDRESS,
      taskTimeoutMs: TASK_TIMEOUT_MS,
      ...options,
    };
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#entry = entry;
  }

  run<T extends Task>(task: T, address: string, signal: AbortSignal): Promise<Results[T['step']]> {
    return new Promise<Results[T['step']]>((resolve, reject) => {
      signal.throwIfAborted();
      if (this.#closed) throw noVerdict('VERIFIER_CLOSED', 'the verifier was closed');
      this.#checkRoom(address);
      const job: Job = { task, address, resolve, reject, leave: () => {} };
      const abort = () => {
        const at = this.#waiting.indexOf(job);
        if (at >= 0) this.#waiting.splice(at, 1);
        reject(signal.reason); // one that runs is not stopped: it ends by itself, or by its own limit
      };
      signal.addEventListener('abort', abort, { once: true });
      job.leave = () => signal.removeEventListener('abort', abort);
      this.#waiting.push(job);
      this.#next();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const closed = noVerdict('VERIFIER_CLOSED', 'the verifier was closed');
    for (const job of this.#waiting.splice(0)) settle(job, () => job.reject(closed));
    const threads = [...this.#threads];
    for (const thread of threads) this.#lose(thread, closed);
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  }

  #checkRoom(address: string): void {
    const { maxWaiting, maxWaitingPerAddress } = this.#limits;
    const own = this.#waiting.filter((job) => job.address === address).length;
    if (this.#waiting.length < maxWaiting && own < maxWaitingPerAddress) return;
    throw noVerdict('VERIFIER_BUSY', 'too many verdicts are waited for', 'connect again later');
  }

  #next(): void {
    if (this.#waiting.length === 0) return;
    const idle = [...this.#threads].find(({ job }) => job === undefined) ?? this.#start();
    if (idle === undefined) return;
    const job = this.#waiting.shift();
    if (job !== undefined) this.#give(idle, job);
  }

  #start(): Thread | undefined {
    if (this.#threads.size >= this.#limits.threads) return undefined;
    const worker = new Worker(this.#entry, {
      execArgv: [],
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: THREAD_HEAP_MIB },
    });
    const thread: Thread = { worker, job: undefined, calls: 0, cancel: () => {} };
    const crashed = (why: string) => {
      if (!this.#threads.has(thread)) return;
      this.#log.error('a judging thread ended', { reason: why });
      this.#lose(thread, noVerdict('VERIFIER_CRASHED', 'the thread that judged ended'));
      this.#next();
    };
    worker.on('message', (reply: ThreadReply) => this.#answered(thread, reply));
    worker.on('error', (error) => crashed(String(error)));
    worker.on('exit', (code) => crashed(`exit ${code}`));
    this.#threads.add(thread);
    return thread;
  }

  #give(thread: Thread, job: Job): void {
    thread.job = job;
    thread.calls += 1;
    thread.worker.ref();
    const { taskTimeoutMs } = this.#limits;
    thread.cancel = this.#clock.after(taskTimeoutMs, () => {
      this.#log.error('a judging thread was ended', { reason: `no result within ${taskTimeoutMs} ms` });
      this.#lose(thread, noVerdict('VERIFIER_TIMEOUT', `no verdict within ${taskTimeoutMs} ms`));
      void thread.worker.terminate();
      this.#next();
    });
    thread.worker.postMessage({ id: thread.calls, task: job.task } satisfies ThreadCall);
  }

  #answered(thread: Thread, reply: ThreadReply): void {
    const { job } = thread;
    if (job === undefined || reply.id !== thread.calls) return;
    thread.cancel();
    thread.job = undefined;
    thread.worker.unref(); // an idle thread keeps nobody alive
    if ('result' in reply)
      settle(job, () => job.resolve(reply.result as never)); // that of the step: steps.ts
    else {
      this.#log.error('a judging thread failed', { reason: reply.fault });
      settle(job, () => job.reject(noVerdict('VERIFIER_FAULT', 'the verdict could not be made')));
    }
    this.#next();
  }

  #lose(thread: Thread, why: NoVerdict): void {
    this.#threads.delete(thread);
    thread.cancel();
    const { job } = thread;
    thread.job = undefined;
    if (job !== undefined) settle(job, () => job.reject(why));
  }
}

function settle(job: Job, how: () => void): void {
  job.leave();
  how();
}

export function noVerdict(code: string, message: string, fix?: string): NoVerdict {
  return new NoVerdict(fix === undefined ? { code, message } : { code, message, fix });
}

function programUrl(): URL {
  const ending = import.meta.url.slice(-3); // .ts, or .js when compiled
  return new URL(`./judge-thread${ending}`, import.meta.url);
}
