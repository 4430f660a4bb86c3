/** The command `bombyx`: as a user runs it, in a process with lines and an exit code, and in this process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { BombyxError } from '@bombyx/base';
import { commands } from '../../apps/cli/src/commands.ts';
import { ended } from '../../apps/cli/testing/printed.ts';

/** The entry file of the command. */
export const main = new URL('../../apps/cli/src/main.ts', import.meta.url).pathname;

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How long a command may take in this process before it is told to stop. */
const PATIENCE_MS = 120_000;

/**
 * Runs a command to the end without a process of its own: what starting one costs is most of what a command costs, and
 * {@link bombyx} shows that it starts.
 */
export async function here(name: string, ...args: string[]): Promise<Finished> {
  const entry = commands.find((candidate) => candidate.name === name)!;
  try {
    const { code, lines } = await ended(await entry.load(), args, AbortSignal.timeout(PATIENCE_MS));
    return { code, stdout: lines.join('\n'), stderr: '' };
  } catch (error) {
    if (!(error instanceof BombyxError)) throw error;
    return { code: 1, stdout: '', stderr: error.message };
  }
}

/** Runs a command to the end in a process of its own. */
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

  /** @param more words behind the others */
  constructor(folder: string, port: number, { withTon = false, more = [] as readonly string[] } = {}) {
    const money = withTon ? [] : ['--without-ton'];
    const args = ['up', '--json', '--data-dir', folder, '--port', String(port), ...money, ...more];
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
