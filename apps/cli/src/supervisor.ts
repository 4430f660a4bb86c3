/**
 * Runs roles as child processes: starts them, restarts what dies, stops them in reverse order.
 * A child talks in JSON lines on its standard output (`{"event":"ready",…}`), its log goes to a file; the IPC channel
 * carries nothing and exists so that a child notices when the supervisor is gone.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { CliError } from './usage.ts';

/** One process of the network. */
export interface ChildSpec {
  readonly role: string;
  /** Arguments after `bombyx`, without `--json`. */
  readonly args: readonly string[];
  readonly logFile: string;
}

export type ChildEvent = { readonly event: string } & Readonly<Record<string, unknown>>;

export interface ChildStatus {
  readonly role: string;
  readonly pid: number | undefined;
  readonly state: 'starting' | 'ready' | 'restarting' | 'stopped';
  readonly restarts: number;
  /** Unix milliseconds of the last start. */
  readonly startedAtMs: number;
}

export interface SupervisorOptions {
  /** Path of the command's entry file. */
  readonly main: string;
  readonly startTimeoutMs: number;
  /** How long a child may take to stop before it is killed. */
  readonly stopTimeoutMs: number;
  readonly onEvent: (role: string, event: ChildEvent) => void;
}

const RESTART_MIN_MS = 250;
const RESTART_MAX_MS = 5_000;
/** A child that lived this long starts again without delay growth. */
const HEALTHY_AFTER_MS = 30_000;

export class Supervisor implements AsyncDisposable {
  readonly #options: SupervisorOptions;
  readonly #children: SupervisedChild[] = [];

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /**
   * Starts a child and waits until it says that it is ready. @returns its `ready` event
   * @throws {CliError} `CLI_STOPPED` when `signal` aborts first; `CLI_CHILD`, or the code the child gave, with the child's own sentence
   */
  async start(spec: ChildSpec, signal: AbortSignal): Promise<ChildEvent> {
    const child = new SupervisedChild(spec, this.#options);
    this.#children.push(child);
    return await child.firstStart(signal);
  }

  status(): ChildStatus[] {
    return this.#children.map((child) => child.status());
  }

  /** Stops every child, last started first. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children.toReversed()) await child.stop();
  }
}

class SupervisedChild {
  readonly #spec: ChildSpec;
  readonly #options: SupervisorOptions;
  readonly #stopping = new AbortController();
  #process: ChildProcess | undefined;
  #state: ChildStatus['state'] = 'starting';
  #restarts = 0;
  #startedAtMs = 0;
  #keeping: Promise<void> = Promise.resolve();

  constructor(spec: ChildSpec, options: SupervisorOptions) {
    this.#spec = spec;
    this.#options = options;
  }

  status(): ChildStatus {
    const { role } = this.#spec;
    const pid = this.#state === 'stopped' ? undefined : this.#process?.pid;
    return { role, pid, state: this.#state, restarts: this.#restarts, startedAtMs: this.#startedAtMs };
  }

  async firstStart(signal: AbortSignal): Promise<ChildEvent> {
    const { ready, exited } = this.#spawn();
    const timeout = AbortSignal.any([signal, AbortSignal.timeout(this.#options.startTimeoutMs)]);
    const gaveUp = once(timeout, 'abort').then(() => {
      if (signal.aborted) throw new CliError('CLI_STOPPED', 'stopped while it started');
      throw new CliError('CLI_CHILD', `${this.#spec.role} did not start in time; its log is ${this.#spec.logFile}`);
    });
    try {
      if (timeout.aborted) return await gaveUp;
      const event = await Promise.race([ready, gaveUp]);
      this.#keeping = this.#keep(exited);
      return event;
    } catch (error) {
      this.#keeping = exited;
      throw error;
    }
  }

  /** Idempotent: asks, waits, kills. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const child = this.#process;
    if (child && child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      const kill = setTimeout(() => child.kill('SIGKILL'), this.#options.stopTimeoutMs);
      await once(child, 'exit');
      clearTimeout(kill);
    }
    await this.#keeping;
    this.#state = 'stopped';
  }

  async #keep(firstExit: Promise<void>): Promise<void> {
    let exited = firstExit;
    let delayMs = RESTART_MIN_MS;
    for (;;) {
      await exited;
      if (this.#stopping.signal.aborted) return;
      if (Date.now() - this.#startedAtMs > HEALTHY_AFTER_MS) delayMs = RESTART_MIN_MS;
      this.#state = 'restarting';
      this.#restarts += 1;
      this.#options.onEvent(this.#spec.role, { event: 'exited', restartInMs: delayMs });
      try {
        await sleep(delayMs, undefined, { signal: this.#stopping.signal });
      } catch {
        return; // stopping
      }
      delayMs = Math.min(delayMs * 2, RESTART_MAX_MS);
      const next = this.#spawn();
      next.ready.catch(() => {}); // its exit is what counts here
      exited = next.exited;
    }
  }

  #spawn(): { ready: Promise<ChildEvent>; exited: Promise<void> } {
    const log = openLog(this.#spec.logFile);
    this.#startedAtMs = Date.now();
    const child = spawn(process.execPath, [this.#options.main, ...this.#spec.args, '--json'], {
      stdio: ['ignore', 'pipe', log, 'ipc'],
    });
    if (log !== 'ignore') closeSync(log);
    this.#process = child;
    child.channel?.unref();
    const exited = new Promise<void>((done) => {
      child.once('exit', () => done());
      child.once('error', () => done());
    });
    const ready = new Promise<ChildEvent>((done, fail) => {
      let sentence: CliError | undefined;
      const lines = createInterface({ input: child.stdout! });
      lines.on('line', (line) => {
        const event = parseEvent(line);
        if (!event) return;
        if (event.event === 'ready') {
          this.#state = 'ready';
          done(event);
        }
        if (event.event === 'error') sentence = errorOf(this.#spec.role, event);
        this.#options.onEvent(this.#spec.role, event);
      });
      lines.once('close', () => {
        const fallback = `${this.#spec.role} ended while starting; its log is ${this.#spec.logFile}`;
        fail(sentence ?? new CliError('CLI_CHILD', fallback));
      });
      child.once('error', fail);
    });
    return { ready, exited };
  }
}

/** A network without a log goes on: its folder was deleted, or the disk is full. */
function openLog(file: string): number | 'ignore' {
  try {
    return openSync(file, 'a', 0o600);
  } catch {
    return 'ignore';
  }
}

function parseEvent(line: string): ChildEvent | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null && 'event' in value && typeof value.event === 'string') {
      return value as ChildEvent;
    }
  } catch {
    // not an event: a library that prints on its own
  }
  return undefined;
}

function errorOf(role: string, event: ChildEvent): CliError {
  const code = event['code'] === 'CLI_PORT_IN_USE' || event['code'] === 'CLI_CONFIG' ? event['code'] : 'CLI_CHILD';
  return new CliError(code, `${role}: ${String(event['message'])}`);
}
