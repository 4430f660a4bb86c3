/** The command `bombyx` as a user runs it: a child process, its lines, its exit code. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** The entry file of the command. */
export const main = new URL('../../apps/cli/src/main.ts', import.meta.url).pathname;

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs to the end. */
export async function bombyx(...args: string[]): Promise<Finished> {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

export type UpEvent = { readonly event: string } & Readonly<Record<string, unknown>>;

/** `bombyx up --json`, kept running. */
export class Up implements AsyncDisposable {
  readonly events: UpEvent[] = [];
  readonly child: ChildProcess;
  readonly #waiting = new Set<() => void>();

  constructor(folder: string, port: number, { withTon = false } = {}) {
    const args = ['up', '--json', '--data-dir', folder, '--port', String(port), ...(withTon ? [] : ['--without-ton'])];
    this.child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    createInterface({ input: this.child.stdout! }).on('line', (line) => {
      this.events.push(JSON.parse(line) as UpEvent);
      for (const wake of this.#waiting) wake();
    });
  }

  /** The first event from index `from` on that fits. @throws {Error} when none comes in time */
  async event(fits: (event: UpEvent) => boolean, from = 0, timeoutMs = 60_000): Promise<UpEvent> {
    const deadline = AbortSignal.timeout(timeoutMs);
    for (;;) {
      const found = this.events.slice(from).find(fits);
      if (found) return found;
      if (deadline.aborted) throw new Error(`no such event; seen: ${this.events.map(({ event }) => event).join(' ')}`);
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
        deadline.addEventListener('abort', wake, { once: true });
      });
    }
  }

  /** Sends a signal and waits for the end. @returns the exit code */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill(signal);
      await once(this.child, 'exit');
    }
    return this.child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGTERM');
  }
}
