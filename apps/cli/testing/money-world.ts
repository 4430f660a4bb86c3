/** A devnet in this process, a wallet on it, and the commands as a person gives them, without a process for each. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { silentLogger, systemClock } from '@bombyx/base';
import { type Devnet, openDevnet, parseDevnetConfig } from '@bombyx/devnet';
import type { Address } from '@bombyx/ton';
import { sealKey, writeKeyFile } from '../src/money/key-file.ts';
import { NOBODY, type Purse, purseOf } from '../src/money/purse.ts';
import type { Command } from '../src/usage.ts';
import { printed } from './printed.ts';

export const TON = 1_000_000_000n;
export const PASSPHRASE = 'correct horse';

/** Waits for what a test needs of the chain. */
const WAIT_MS = 30_000;

export interface MoneyWorld extends AsyncDisposable {
  readonly folder: string;
  readonly devnet: Devnet;
  /** URL of the chain's HTTP API. */
  readonly api: string;
  /** Its network file, without a root contract. */
  readonly tonFile: string;
  /** A key file in {@link folder}, cheap to open, and coins from the faucet. */
  wallet(name: string, coins: bigint): Promise<{ readonly path: string; readonly purse: Purse }>;
  give(to: Address, coins: bigint): Promise<void>;
  balance(of: Address): Promise<bigint>;
  /** What the command printed; a failure is thrown. */
  run(command: Command, ...argv: readonly string[]): Promise<string>;
  /** With the passphrase in another file of {@link folder}. */
  runAs(command: Command, passphraseFile: string, ...argv: readonly string[]): Promise<string>;
}

export async function openMoneyWorld(): Promise<MoneyWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-money-'));
  const deps = { clock: systemClock, log: silentLogger };
  const devnet = await openDevnet(parseDevnetConfig({ http_port: 0, block_ms: 20, faucet_max_ton: 1_000_000 }), deps);
  const api = `http://127.0.0.1:${devnet.port}/api/v2/jsonRPC`;
  writeFileSync(join(folder, 'passphrase'), `${PASSPHRASE}\n`);
  const tonFile = join(folder, 'ton.json');
  const { name, zerostate, globalId: global_id } = devnet.network;
  const endpoints = [{ url: api, requests_per_second: 1_000 }];
  writeFileSync(tonFile, JSON.stringify({ ton_api: { endpoints, network: { name, zerostate, global_id } } }));
  const balance = async (of: Address) => (await devnet.chain.account(of)).balance;
  const give = async (to: Address, coins: bigint) => {
    const target = (await balance(to)) + coins;
    await devnet.faucet.give(to, coins);
    await eventually(async () => (await balance(to)) >= target);
  };
  const runAs: MoneyWorld['runAs'] = (command, passphraseFile, ...argv) =>
    printed(command, ...argv, '--passphrase-file', join(folder, passphraseFile));
  let seeds = 0;
  return {
    folder,
    devnet,
    api,
    tonFile,
    balance,
    give,
    async wallet(name, coins) {
      seeds += 1;
      const seed = Buffer.alloc(32, seeds);
      const path = join(folder, `${name}.json`);
      writeKeyFile(path, await sealKey(seed, NOBODY, PASSPHRASE, { n: 2, r: 1, p: 1 }));
      const purse = purseOf(seed);
      if (coins > 0n) await give(purse.address, coins);
      return { path, purse };
    },
    run: (command, ...argv) => runAs(command, 'passphrase', ...argv),
    runAs,
    async [Symbol.asyncDispose]() {
      await devnet.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function eventually(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('it did not happen');
    await sleep(10);
  }
}
