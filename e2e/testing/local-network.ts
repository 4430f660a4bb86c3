/** A network that `bombyx up` runs on a chain of its own: as its owner commands it, and as fate kills parts of it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseTon } from '@bombyx/base';
import { freePorts } from '../../apps/cli/src/ports.ts';
import { type Finished, here, Up } from './command.ts';

export type Role = 'proxy' | 'worker' | 'client';

/** A line of the balances that `bombyx status` shows. */
export interface Holding {
  readonly whose: string;
  readonly what: string;
  readonly address: string;
  /** NanoTON. */
  readonly coins: bigint;
  readonly detail: string;
}

/** `bombyx ledger check --json`, as much of it as is asked here. */
export interface LedgerReport {
  readonly records: number;
  readonly chain: boolean;
  readonly contracts: readonly { readonly contract: string; readonly phase: string; readonly tokens: string }[];
  readonly difference?: {
    readonly between: string;
    readonly what: string;
    readonly left: string;
    readonly right: string;
  };
}

const RECOVERY_MS = 120_000;
/** The chain goes on while it is compared: what it did a moment ago may not be read yet. */
const CHECKS = 6;
const CHECK_PAUSE_MS = 2_000;

export class LocalNetwork implements AsyncDisposable {
  readonly folder: string;
  readonly up: Up;
  readonly baseUrl: string;

  private constructor(folder: string, up: Up, baseUrl: string) {
    this.folder = folder;
    this.up = up;
    this.baseUrl = baseUrl;
  }

  /** Resolves when it serves. */
  static async start(folder: string): Promise<LocalNetwork> {
    const [port] = (await freePorts(1)) as [number];
    const up = new Up(folder, port, { withTon: true });
    try {
      const serving = await up.event(({ event }) => event === 'serving' || event === 'error', 0, 120_000);
      if (serving.event === 'error') throw new Error(String(serving['message']));
      return new LocalNetwork(folder, up, String(serving['baseUrl']));
    } catch (error) {
      await up[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Runs a command on it. @throws {Error} with what it said, unless it ended well */
  async run(command: string, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.try(command, ...args);
    if (code !== 0) throw new Error(`bombyx ${command} ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`);
    return stdout;
  }

  try(command: string, ...args: string[]): Promise<Finished> {
    return here(command, ...args, '--data-dir', this.folder);
  }

  /**
   * `bombyx wallet`, with the key of one of the owners.
   * @param network a file that names it: that of a node also says what its wallet is, should that never have sent anything
   */
  wallet(whose: string, args: readonly string[], network = 'network'): Promise<Finished> {
    const at = (name: string) => join(this.folder, 'wallets', name);
    const key = ['--wallet', at(`${whose}.json`), '--passphrase-file', at('passphrase')];
    return here('wallet', ...args, ...key, '--ton', join(this.folder, `${network}.json`), '--yes', '--json');
  }

  config(role: Role | 'devnet'): Readonly<Record<string, unknown>> {
    return JSON.parse(readFileSync(join(this.folder, `${role}.json`), 'utf8')) as Record<string, unknown>;
  }

  /** What a part says about itself. */
  async page<T>(role: Role): Promise<T> {
    return (await (await fetch(this.#url(role, '/jsonstats'))).json()) as T;
  }

  /** An order to a part. @returns what it says */
  async order(role: Role, order: string): Promise<string> {
    const response = await fetch(this.#url(role, `/request/${order}`), { method: 'POST' });
    return `${response.status} ${(await response.text()).trim()}`;
  }

  /** A page of the chain. */
  async chain<T>(path: string): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${String(this.config('devnet')['http_port'])}${path}`);
    return ((await response.json()) as { result: T }).result;
  }

  async holdings(): Promise<readonly Holding[]> {
    const { balances } = JSON.parse(await this.run('status', '--json')) as {
      balances: (Omit<Holding, 'coins'> & { ton: string })[];
    };
    return balances.map(({ ton, ...rest }) => ({ ...rest, coins: parseTon(ton) }));
  }

  async holding(whose: string, what: string): Promise<Holding> {
    const found = (await this.holdings()).find((each) => each.whose === whose && each.what === what);
    if (found === undefined) throw new Error(`"bombyx status" shows no ${what} of ${whose}`);
    return found;
  }

  /** SIGKILL. @returns milliseconds until requests are served again */
  async kill(role: Role | 'devnet'): Promise<number> {
    const { processes } = JSON.parse(await this.run('status', '--json')) as {
      processes: { role: string; pid: number }[];
    };
    const seen = this.up.events.length;
    process.kill(processes.find((each) => each.role === role)!.pid, 'SIGKILL');
    const killedAt = performance.now();
    await this.up.event((event) => event.event === 'restarted' && event['role'] === role, seen, RECOVERY_MS);
    await this.untilServing();
    return performance.now() - killedAt;
  }

  /** Lets another inference server answer from now on. */
  async serveFrom(port: number): Promise<void> {
    const file = join(this.folder, 'worker.json');
    writeFileSync(file, JSON.stringify({ ...this.config('worker'), forward_requests_to: `127.0.0.1:${port}` }));
    await this.kill('worker');
  }

  async untilServing(): Promise<void> {
    const deadline = performance.now() + RECOVERY_MS;
    while (!(await this.#serves())) {
      if (performance.now() > deadline) throw new Error(`nothing is served again within ${RECOVERY_MS / 1_000} s`);
      await sleep(200);
    }
  }

  /** `bombyx ledger check`, again while it tells of what happens at this moment. @throws {Error} when it stays unclean */
  async checkLedger(): Promise<LedgerReport> {
    for (let attempt = 1; ; attempt += 1) {
      const { stdout, stderr } = await this.try('ledger', 'check', '--json');
      if (stdout === '') throw new Error(`"bombyx ledger check" says ${stderr}`);
      const report = JSON.parse(stdout) as LedgerReport;
      if (report.difference === undefined) return report;
      if (attempt === CHECKS) throw new Error(`the ledger is not clean: ${JSON.stringify(report.difference)}`);
      await sleep(CHECK_PAUSE_MS);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.up[Symbol.asyncDispose]();
  }

  async #serves(): Promise<boolean> {
    try {
      const headers = { authorization: `Bearer ${String(this.config('client')['http_access_hash'])}` };
      const response = await fetch(`${this.baseUrl}/models`, { headers, signal: AbortSignal.timeout(5_000) });
      const models = (await response.json()) as { data?: { workers?: unknown[] }[] };
      return models.data?.some(({ workers }) => (workers?.length ?? 0) > 0) ?? false;
    } catch {
      return false;
    }
  }

  #url(role: Role, path: string): string {
    const { http_port: port, http_access_hash: hash } = this.config(role);
    return `http://127.0.0.1:${String(port)}${path}${path.includes('?') ? '&' : '?'}access_hash=${String(hash)}`;
  }
}
