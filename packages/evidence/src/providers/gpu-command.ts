/** GPU evidence from a program that is run for each request. An argument list, no shell: nothing is interpreted. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Clock } from '@bombyx/base';
import { EvidenceError, errnoOf, printable } from '../errors.ts';
import { GPU_TIMEOUT_MS, MAX_GPU_OUTPUT_BYTES } from '../limits.ts';
import { until } from '../until.ts';
import { readGpuAnswer } from './gpu-answer.ts';
import { exactly, type GpuProvider, type GpuRequest } from './provider.ts';

/** `{nonce}` becomes 64 hex digits. Source: NVIDIA attestation SDK, `nvattest`. */
export const NVATTEST: readonly string[] = [
  'nvattest',
  'collect-evidence',
  '--device',
  'gpu',
  '--nonce',
  '0x{nonce}',
  '--format',
  'json',
];

export interface GpuCommandOptions {
  /** Program and arguments; default {@link NVATTEST}. */
  readonly command?: readonly string[];
  /** Default 60 s. */
  readonly timeoutMs?: number;
  /** The whole environment of the program; default: the usual PATH alone. */
  readonly environment?: Readonly<Record<string, string>>;
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const MAX_COMPLAINT_CHARACTERS = 300;

export class GpuCommand implements GpuProvider {
  readonly #program: string;
  readonly #arguments: readonly string[];
  readonly #options: GpuCommandOptions;
  readonly #clock: Clock;

  /** @throws {TypeError} for an empty command */
  constructor(options: GpuCommandOptions, deps: { readonly clock: Clock }) {
    const [program, ...rest] = options.command ?? NVATTEST;
    if (program === undefined || program === '') throw new TypeError('a command needs a program');
    this.#program = program;
    this.#arguments = rest;
    this.#options = options;
    this.#clock = deps.clock;
  }

  async collect({ nonce, expected, signal }: GpuRequest) {
    const asked = exactly(32, nonce, 'nonce');
    signal.throwIfAborted();
    return readGpuAnswer(await this.#run(Buffer.from(asked).toString('hex'), signal), asked, expected);
  }

  async #run(nonceHex: string, signal: AbortSignal): Promise<string> {
    const { timeoutMs = GPU_TIMEOUT_MS, environment = { PATH } } = this.#options;
    const limit = new AbortController();
    const cancel = this.#clock.after(timeoutMs, () => {
      limit.abort(new EvidenceError('GPU_TIMEOUT', `${this.#program} took more than ${timeoutMs} ms`, { timeoutMs }));
    });
    const child = spawn(
      this.#program,
      this.#arguments.map((part) => part.replaceAll('{nonce}', nonceHex)),
      { env: environment, stdio: ['ignore', 'pipe', 'pipe'], detached: true },
    );
    try {
      return await until(this.#output(child), AbortSignal.any([signal, limit.signal]));
    } finally {
      cancel();
      end(child);
    }
  }

  async #output(child: ChildProcess): Promise<string> {
    const { promise: ended, resolve, reject } = Promise.withResolvers<number | string>();
    const parts: Buffer[] = [];
    let size = 0;
    let complaint = '';
    child.stdout?.on('data', (part: Buffer) => {
      size += part.length;
      if (size <= MAX_GPU_OUTPUT_BYTES) parts.push(part);
      else {
        const message = `${this.#program} printed more than ${MAX_GPU_OUTPUT_BYTES} bytes`;
        reject(new EvidenceError('GPU_TOO_LARGE', message, { limit: MAX_GPU_OUTPUT_BYTES }));
      }
    });
    child.stderr?.on('data', (part: Buffer) => {
      complaint = (complaint + part.toString('utf8')).slice(-MAX_COMPLAINT_CHARACTERS);
    });
    child.on('error', (cause) => {
      const message = `${this.#program} cannot be run: ${errnoOf(cause) || cause.message}`;
      reject(new EvidenceError('GPU_UNAVAILABLE', message, {}, { cause }));
    });
    child.on('close', (code, killer) => resolve(code ?? killer ?? 'unknown'));
    const outcome = await ended;
    if (outcome === 0) return Buffer.concat(parts).toString('utf8');
    const said = printable(complaint) || 'nothing';
    throw new EvidenceError('GPU_REFUSED', `${this.#program} ended with ${outcome} and said: ${said}`, { outcome });
  }
}

/** With everything it started: it leads a process group of its own. */
function end(child: ChildProcess): void {
  child.stdout?.destroy();
  child.stderr?.destroy();
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error; // nothing is left of it
  }
}
