/**
 * The few file operations of configfs-tsm, done by a helper process. While the host makes a quote the kernel blocks every
 * one of them, uninterruptibly and for all folders: in this process that would eat the threads that all file and name
 * look-ups share, and a thread of ours that hangs in the kernel would not let the process exit.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { EvidenceError } from '../errors.ts';

/** Paths are absolute. Failures carry the `code` of the system call, as those of node:fs do. */
export interface TsmFiles extends AsyncDisposable {
  list(folder: string): Promise<string[]>;
  mkdir(folder: string): Promise<void>;
  rmdir(folder: string): Promise<void>;
  /** To the end, whatever size the file claims to have. `E2BIG` beyond `most` bytes. */
  read(file: string, most: number): Promise<Uint8Array>;
  /** All bytes in one write into a file that exists, then closed: the kernel commits at close. */
  write(file: string, bytes: Uint8Array): Promise<void>;
}

export type TsmOperation =
  | { readonly kind: 'list' | 'mkdir' | 'rmdir'; readonly path: string }
  | { readonly kind: 'read'; readonly path: string; readonly most: number }
  | { readonly kind: 'write'; readonly path: string; readonly bytes: Uint8Array };

export interface TsmCall {
  readonly id: number;
  readonly operation: TsmOperation;
}

export type TsmReply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly errno: string; readonly message: string };

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/** Starts its process with the first operation, and another one should it die. */
export class HelperFiles implements TsmFiles {
  #child: ChildProcess | undefined;
  readonly #waiting = new Map<number, Waiting>();
  #calls = 0;

  list(path: string): Promise<string[]> {
    return this.#call({ kind: 'list', path });
  }

  mkdir(path: string): Promise<void> {
    return this.#call({ kind: 'mkdir', path });
  }

  rmdir(path: string): Promise<void> {
    return this.#call({ kind: 'rmdir', path });
  }

  read(path: string, most: number): Promise<Uint8Array> {
    return this.#call({ kind: 'read', path, most });
  }

  write(path: string, bytes: Uint8Array): Promise<void> {
    return this.#call({ kind: 'write', path, bytes });
  }

  /** Does not wait for a helper that hangs in the kernel: it ends as soon as the kernel lets go of it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child?.kill('SIGKILL');
    this.#ended(this.#child);
  }

  #call<T>(operation: TsmOperation): Promise<T> {
    this.#child ??= this.#start();
    const child = this.#child;
    const id = ++this.#calls;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      child.channel?.ref();
      child.send({ id, operation } satisfies TsmCall, (error) => {
        if (error) this.#ended(child);
      });
    });
  }

  #start(): ChildProcess {
    const ending = import.meta.url.slice(-3); // .ts, or .js when compiled
    const child = fork(new URL(`./tsm-helper${ending}`, import.meta.url), {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: [],
      env: {},
    });
    child.unref();
    child.on('message', (reply) => this.#answered(child, reply as TsmReply));
    child.on('error', () => this.#ended(child));
    child.on('exit', () => this.#ended(child));
    return child;
  }

  #answered(child: ChildProcess, reply: TsmReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (this.#waiting.size === 0) child.channel?.unref(); // an idle helper keeps nobody alive
    if ('value' in reply)
      waiting?.resolve(reply.value as never); // what the operation of this id gives: tsm-helper.ts
    else waiting?.reject(Object.assign(new Error(reply.message), { code: reply.errno }));
  }

  #ended(child: ChildProcess | undefined): void {
    if (child === undefined || child !== this.#child) return;
    this.#child = undefined;
    const lost = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of lost) reject(new EvidenceError('TSM_FAILED', 'the process that reads the quote ended'));
  }
}
