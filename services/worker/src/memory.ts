import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock, Logger } from '@bombyx/base';
import { parseAddress } from '@bombyx/ton';
import { z } from 'zod';
import { WorkerError } from './errors.ts';
import { readBirth } from './money/birth.ts';
import { Account, type AccountKeys, type RememberedAccount } from './payments.ts';

/** Name of the file inside `data_dir`. */
export const MEMORY_FILE = 'worker-payments.json';
/** Most proxy contracts remembered; the one not met for longest is forgotten first. */
export const MAX_ACCOUNTS = 256;
const WRITE_DELAY_MS = 1_000;

const total = z.string().regex(/^\d{1,19}$/);
const File = z.object({
  version: z.literal(1),
  accounts: z.record(
    z.string(),
    z.object({
      proxy_public_key: z.string(),
      worker_sc_address: z.string(),
      signed_payment: z.string(),
      db_tokens: total,
      max_tokens: total,
      // Without them in files of before payouts.
      worker_birth: z.string().default(''),
      outdated_since: z.int().min(0).default(0),
    }),
  ),
});

export interface MemoryDeps {
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * All accounts by proxy contract. With a folder they outlive the process, so that a proxy which was rolled back while
 * the worker was down is noticed; writes are atomic (new file, fsync, rename) and at most one a second.
 */
export class PaymentMemory implements AsyncDisposable {
  readonly #folder: string;
  readonly #deps: MemoryDeps;
  /** In order of meeting: oldest first. */
  readonly #accounts = new Map<string, Account>();
  readonly #recalled: Map<string, RememberedAccount>;
  #cancelWrite: (() => void) | undefined;
  #writing: Promise<void> = Promise.resolve();

  private constructor(folder: string, recalled: Map<string, RememberedAccount>, deps: MemoryDeps) {
    this.#folder = folder;
    this.#recalled = recalled;
    this.#deps = deps;
  }

  /**
   * @param folder empty: nothing is kept on disk
   * @throws {WorkerError} `WORKER_CONFIG` for a folder that is a file, `WORKER_MEMORY_FILE` for a file that cannot be read: silently starting from zero would be
   *   the very loss it is there to prevent
   */
  static async open(folder: string, deps: MemoryDeps): Promise<PaymentMemory> {
    return new PaymentMemory(folder, folder === '' ? new Map() : await readMemory(join(folder, MEMORY_FILE)), deps);
  }

  get accounts(): readonly Account[] {
    return [...this.#accounts.values()];
  }

  /**
   * The account of a proxy contract, made at the first meeting.
   * @throws {WorkerError} `WORKER_ADDRESS` when a known contract comes with another key or another worker contract
   */
  account(keys: AccountKeys): Account {
    const name = keys.proxyContract.toRawString();
    let account = this.#accounts.get(name);
    if (account === undefined || (account.keys.birth === undefined && keys.birth !== undefined)) {
      const known = account?.remembered() ?? this.#recalled.get(name);
      account = new Account(keys, () => this.#changed());
      if (known !== undefined) {
        judgeSame(known, keys);
        account.recall(known);
      }
    } else judgeSame(account.remembered(), keys);
    this.#accounts.delete(name);
    this.#accounts.set(name, account);
    this.#recalled.delete(name);
    if (this.#accounts.size > MAX_ACCOUNTS) this.#accounts.delete(this.#leastOf());
    return account;
  }

  /** Takes up every account that an earlier run left: proxies that are never met again may still owe something. */
  recallAll(): void {
    for (const [name, { proxy_public_key, worker_sc_address, worker_birth = '' }] of [...this.#recalled]) {
      try {
        const workerContract = parseAddress(worker_sc_address);
        const birth = readBirth(worker_birth, workerContract);
        const proxyPublicKey = Buffer.from(proxy_public_key, 'hex');
        this.account({ proxyPublicKey, proxyContract: parseAddress(name), workerContract, birth });
      } catch (error) {
        this.#deps.log.error('an account of before cannot be read', { proxy: name, cause: String(error) });
      }
    }
  }

  /** Drops an account for good: its contract is closed, or has no future and nothing more to pay. */
  forget(account: Account): void {
    this.#accounts.delete(account.keys.proxyContract.toRawString());
    this.#changed();
  }

  /** The oldest that owes nothing, or else the oldest. */
  #leastOf(): string {
    const entries = [...this.#accounts].slice(0, -1);
    const settled = entries.find(([, { totals, paid }]) => totals.signed <= paid);
    return (settled ?? entries[0]!)[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#cancelWrite !== undefined) {
      this.#cancelWrite();
      this.#write();
    }
    await this.#writing;
  }

  #changed(): void {
    if (this.#folder === '') return;
    this.#cancelWrite ??= this.#deps.clock.after(WRITE_DELAY_MS, () => this.#write());
  }

  #write(): void {
    this.#cancelWrite = undefined;
    const accounts = Object.fromEntries(this.#recalled);
    for (const [name, account] of this.#accounts) accounts[name] = account.remembered();
    const newest = Object.fromEntries(Object.entries(accounts).slice(-MAX_ACCOUNTS));
    const text = `${JSON.stringify({ version: 1, accounts: newest }, null, 2)}\n`;
    this.#writing = this.#writing
      .then(() => writeAtomically(this.#folder, text))
      .catch((error: unknown) => {
        // The next change tries again; payments in memory are not affected.
        this.#deps.log.error('cannot write the payment memory', { folder: this.#folder, cause: String(error) });
      });
  }
}

function judgeSame(known: RememberedAccount, met: AccountKeys): void {
  if (known.proxy_public_key !== met.proxyPublicKey.toString('hex')) {
    throw new WorkerError('WORKER_ADDRESS', 'PROXY PUBLIC KEY CHANGED');
  }
  if (known.worker_sc_address !== met.workerContract.toRawString()) {
    throw new WorkerError('WORKER_ADDRESS', 'WORKER SC ADDRESS CHANGED');
  }
}

async function readMemory(path: string): Promise<Map<string, RememberedAccount>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return new Map();
    if (code === 'ENOTDIR') {
      const text = `"data_dir" must be a folder, and ${dirname(path)} is a file or lies in one`;
      throw new WorkerError('WORKER_CONFIG', `worker configuration: ${text}`, {}, { cause });
    }
    throw new WorkerError('WORKER_MEMORY_FILE', `cannot read ${path}`, {}, { cause });
  }
  try {
    return new Map(Object.entries(File.parse(JSON.parse(text)).accounts));
  } catch (cause) {
    throw new WorkerError('WORKER_MEMORY_FILE', `${path} is damaged; move it away to start from zero`, {}, { cause });
  }
}

async function writeAtomically(folder: string, text: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, MEMORY_FILE);
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}
