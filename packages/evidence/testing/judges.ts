/** Judges that are watched, or that a test holds back. */
import type { Judges } from '../src/verifier/judge-pool.ts';
import type { Results, Task } from '../src/verifier/task.ts';

/** Counts the steps that reach the threads. */
export class WatchedJudges implements Judges {
  readonly steps: Task['step'][] = [];
  /** Waited for before each task. */
  gate: Promise<void> = Promise.resolve();
  readonly #judges: Judges;

  constructor(judges: Judges) {
    this.#judges = judges;
  }

  count(step: Task['step']): number {
    return this.steps.filter((one) => one === step).length;
  }

  async run<T extends Task>(task: T, address: string, signal: AbortSignal): Promise<Results[T['step']]> {
    this.steps.push(task.step);
    await this.gate;
    return this.#judges.run(task, address, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#judges[Symbol.asyncDispose]();
  }
}
