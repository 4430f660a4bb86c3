/** The server's handle of the model thread. */
import { Worker } from 'node:worker_threads';
import { assertNever } from '@bombyx/base';
import { EngineError } from './errors.ts';
import type { GenerateRequest, GenerateSink } from './generate.ts';
import type { FromModel, ToModel } from './messages.ts';

interface Job {
  readonly onMessage: (message: FromModel) => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Key of the job that ends when the model is loaded. */
const START = 0;

const stopped = (cause?: unknown) => new EngineError('ENGINE_STOPPED', 'the model thread has ended', {}, { cause });

export class ModelThread {
  readonly #worker: Worker;
  readonly #jobs = new Map<number, Job>();
  #nextId = START + 1;
  #ended = false;

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (message: FromModel) => this.#receive(message));
    worker.on('error', (error) => this.#end(error));
    worker.on('exit', () => this.#end());
  }

  /** @param file bytes of a GGUF file, copied into the thread. @throws {EngineError} when the model cannot be used */
  static async start(file: Uint8Array): Promise<ModelThread> {
    const entry = import.meta.url.endsWith('.ts') ? './model-worker.ts' : './model-worker.js';
    const worker = new Worker(new URL(entry, import.meta.url), { workerData: file });
    const thread = new ModelThread(worker);
    await new Promise<void>((resolve, reject) => thread.#jobs.set(START, { onMessage() {}, resolve, reject }));
    return thread;
  }

  /** False once the thread has ended; it is not started again. */
  get alive(): boolean {
    return !this.#ended;
  }

  /** Resolves when all answers are finished. @throws the signal's reason, or {EngineError} `ENGINE_STOPPED` */
  generate(request: GenerateRequest, sink: GenerateSink, signal: AbortSignal): Promise<void> {
    return this.#run(
      (id) => ({ kind: 'generate', id, request }),
      signal,
      (message) => {
        if (message.kind === 'text') sink.text(message.choice, message.text);
        if (message.kind === 'finish') sink.finish(message.choice, message.reason, message.tokens);
      },
    );
  }

  /** One vector per input. @throws the signal's reason, or {EngineError} `ENGINE_STOPPED` */
  async embed(inputs: readonly (readonly number[])[], signal: AbortSignal): Promise<readonly Float32Array[]> {
    const vectors: Float32Array[] = [];
    await this.#run(
      (id) => ({ kind: 'embed', id, inputs }),
      signal,
      (message) => {
        if (message.kind === 'vector') vectors[message.index] = message.vector;
      },
    );
    return vectors;
  }

  /** Tokens that went through the network since the start, of prompts and of answers. */
  async countTokens(): Promise<number> {
    let tokens = 0;
    await this.#run(
      (id) => ({ kind: 'count', id }),
      undefined,
      (message) => {
        if (message.kind === 'counted') tokens = message.tokens;
      },
    );
    return tokens;
  }

  /** Ends the thread; what still runs is rejected with `ENGINE_STOPPED`. */
  async close(): Promise<void> {
    await this.#worker.terminate();
    this.#end();
  }

  #run(
    ask: (id: number) => ToModel,
    signal: AbortSignal | undefined,
    onMessage: (message: FromModel) => void,
  ): Promise<void> {
    if (this.#ended) return Promise.reject(stopped());
    if (signal?.aborted) return Promise.reject(signal.reason);
    const id = this.#nextId++;
    return new Promise<void>((resolve, reject) => {
      const abort = () => {
        this.#jobs.delete(id);
        this.#tell({ kind: 'abort', id });
        reject(signal?.reason);
      };
      const settled = () => signal?.removeEventListener('abort', abort);
      signal?.addEventListener('abort', abort, { once: true });
      this.#jobs.set(id, {
        onMessage,
        resolve() {
          settled();
          resolve();
        },
        reject(error) {
          settled();
          reject(error);
        },
      });
      this.#tell(ask(id));
    });
  }

  #tell(message: ToModel): void {
    this.#worker.postMessage(message);
  }

  #receive(message: FromModel): void {
    switch (message.kind) {
      case 'text':
      case 'finish':
      case 'vector':
        this.#jobs.get(message.id)?.onMessage(message); // an aborted job may still have had words under way
        return;
      case 'done':
      case 'counted': {
        const job = this.#take(message.id);
        job?.onMessage(message);
        job?.resolve();
        return;
      }
      case 'ready':
        this.#take(START)?.resolve();
        return;
      case 'refused':
        this.#take(START)?.reject(new EngineError(message.code, message.message));
        return;
      default:
        assertNever(message);
    }
  }

  #take(id: number): Job | undefined {
    const job = this.#jobs.get(id);
    this.#jobs.delete(id);
    return job;
  }

  #end(cause?: unknown): void {
    this.#ended = true;
    const jobs = [...this.#jobs.values()];
    this.#jobs.clear();
    for (const job of jobs) job.reject(stopped(cause));
  }
}
