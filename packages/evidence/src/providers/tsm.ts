/**
 * Evidence of a TDX or SEV-SNP guest through Linux' configfs-tsm: a folder is a request, its files are question and
 * answer. Source: attestation.md §18.2, Documentation/ABI/testing/configfs-tsm-report of Linux.
 */
import { join } from 'node:path';
import type { EvidenceItem } from '@bombyx/attest';
import { type Clock, Turns, wait } from '@bombyx/base';
import { EvidenceError, printable } from '../errors.ts';
import { MAX_QUOTE_BYTES, QUOTE_TIMEOUT_MS, WAITING_QUOTES } from '../limits.ts';
import { until } from '../until.ts';
import { type EvidenceProvider, exactly, type MachineRequest } from './provider.ts';
import { reportDataOf } from './report-data.ts';
import { failed, retried } from './tsm-failures.ts';
import { HelperFiles, type TsmFiles } from './tsm-files.ts';
import { makeFolder, removeFolder, sweep } from './tsm-folders.ts';

export const TSM_ROOT = '/sys/kernel/config/tsm/report';

export interface TsmOptions {
  readonly tee: 'tdx' | 'sev-snp';
  /** Default {@link TSM_ROOT}. */
  readonly root?: string;
  /** `existing`: a ready folder `name` is used, and whoever made it answers; `own`, the default, makes one a request. */
  readonly entry?: 'own' | 'existing';
  /**
   * The ready folder, or the first part of the names of ours; default `bombyx`. Containers that share one root need one
   * each: a process of another container cannot be told from a dead one.
   */
  readonly name?: string;
  /** SNP: the privilege level (VMPL) to ask at; default: that of the kernel. */
  readonly privilegeLevel?: 0 | 1 | 2 | 3;
  /** Default 30 s: for one answer, the wait for the slot included. */
  readonly timeoutMs?: number;
}

export interface TsmDeps {
  readonly clock: Clock;
  /** Default: a helper process on the real file system. The provider closes it. */
  readonly files?: TsmFiles;
}

const providerOf = { tdx: 'tdx_guest', 'sev-snp': 'sev_guest' } as const;
const MAX_ATTRIBUTE_BYTES = 4_096;
const ATTEMPTS = 3;
const FIRST_PAUSE_MS = 200;
/** Whoever answers in a ready folder is no kernel: it may take so long to notice the question. */
const NOTICE_MS = 5_000;
const LOOK_MS = 10;

export class TsmProvider implements EvidenceProvider {
  readonly kind: 'tdx' | 'sev-snp';
  readonly #options: Required<Omit<TsmOptions, 'privilegeLevel'>> & Pick<TsmOptions, 'privilegeLevel'>;
  readonly #clock: Clock;
  readonly #files: TsmFiles;
  readonly #turns = new Turns(
    { places: 1, maxWaiting: WAITING_QUOTES },
    () => new EvidenceError('TSM_BUSY', 'too many wait for a quote', { limit: WAITING_QUOTES }),
  );
  #swept: Promise<void> | undefined;

  constructor(options: TsmOptions, { clock, files }: TsmDeps) {
    const defaults = { root: TSM_ROOT, entry: 'own', name: 'bombyx', timeoutMs: QUOTE_TIMEOUT_MS } as const;
    this.#options = { ...defaults, ...options };
    this.kind = options.tee;
    this.#clock = clock;
    this.#files = files ?? new HelperFiles();
  }

  /** Gives up after its time, but the slot is free again only when the kernel has let go of it. */
  async collect({ reportData, signal }: MachineRequest): Promise<EvidenceItem[]> {
    const asked = exactly(64, reportData, 'report data');
    const { timeoutMs } = this.#options;
    const limit = new AbortController();
    let late: 'TSM_BUSY' | 'TSM_TIMEOUT' = 'TSM_BUSY';
    const cancel = this.#clock.after(timeoutMs, () => {
      limit.abort(new EvidenceError(late, `no quote within ${timeoutMs} ms`, { timeoutMs }));
    });
    const both = AbortSignal.any([signal, limit.signal]);
    try {
      const giveBack = await this.#turns.take(both);
      late = 'TSM_TIMEOUT';
      return await until(this.#attempts(asked, both).finally(giveBack), both);
    } finally {
      cancel();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#files[Symbol.asyncDispose]();
  }

  async #attempts(asked: Uint8Array, signal: AbortSignal): Promise<EvidenceItem[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#attempt(asked);
      } catch (error) {
        if (attempt === ATTEMPTS || !retried(error)) throw error;
        await wait(this.#clock, FIRST_PAUSE_MS * 2 ** (attempt - 1), signal);
      }
    }
  }

  async #attempt(asked: Uint8Array): Promise<EvidenceItem[]> {
    const { root, entry, name } = this.#options;
    if (entry === 'existing') return this.#ask(join(root, name), asked);
    this.#swept ??= sweep(this.#files, root, name);
    await this.#swept;
    const folder = await makeFolder(this.#files, root, name);
    try {
      return await this.#ask(folder, asked);
    } finally {
      await removeFolder(this.#files, folder);
    }
  }

  async #ask(folder: string, asked: Uint8Array): Promise<EvidenceItem[]> {
    const read = (attribute: string, most = MAX_ATTRIBUTE_BYTES) =>
      this.#files.read(join(folder, attribute), most).catch((error) => failed('read', attribute, error));
    const write = (attribute: string, bytes: Uint8Array) =>
      this.#files.write(join(folder, attribute), bytes).catch((error) => failed('write', attribute, error));
    const text = async (attribute: string) =>
      Buffer.from(await read(attribute))
        .toString('latin1')
        .trim();
    const generation = async () => {
      const number = await text('generation');
      if (/^\d{1,20}$/.test(number)) return BigInt(number);
      throw new EvidenceError('TSM_FAILED', `generation is no number: ${printable(number, 32)}`);
    };

    const provider = await text('provider');
    if (provider !== providerOf[this.kind]) {
      const message = `this machine's provider is ${printable(provider, 32)}, not ${providerOf[this.kind]}`;
      throw new EvidenceError('TSM_PROVIDER', message, { configured: this.kind });
    }
    const { privilegeLevel } = this.#options;
    if (privilegeLevel !== undefined) await write('privlevel', Buffer.from(`${privilegeLevel}`));
    const before = await generation();
    await write('inblob', asked);
    await this.#accepted(before, generation);
    const data = await read('outblob', MAX_QUOTE_BYTES);
    const certificates = this.kind === 'sev-snp' ? await read('auxblob', MAX_QUOTE_BYTES) : undefined;
    if ((await generation()) !== before + 1n) throw race();
    this.#check(data, asked);
    return [{ kind: this.kind, data, ...(certificates && certificates.length > 0 ? { certificates } : {}) }];
  }

  /** The kernel drops the result of a write: that it was taken shows in the generation alone. */
  async #accepted(before: bigint, generation: () => Promise<bigint>): Promise<void> {
    let now = await generation();
    const endMs = this.#clock.monotonicMs() + (this.#options.entry === 'existing' ? NOTICE_MS : 0);
    while (now === before && this.#clock.monotonicMs() < endMs) {
      await wait(this.#clock, LOOK_MS);
      now = await generation();
    }
    if (now === before) throw new EvidenceError('TSM_REJECTED', 'the kernel did not take the report data');
    if (now !== before + 1n) throw race();
  }

  #check(data: Uint8Array, asked: Uint8Array): void {
    const about = reportDataOf(this.kind, data);
    if (about === undefined || Buffer.compare(about, asked) !== 0) {
      throw new EvidenceError('TSM_MISMATCH', 'the host answered with evidence of something else', {
        bytes: data.length,
      });
    }
  }
}

function race(): EvidenceError {
  return new EvidenceError('TSM_RACE', 'somebody else writes to the folder of our request');
}
