/**
 * Transactions per second of the whole chain on one core, on disk, and what its memory does over many of them: faucet
 * payments (two transactions and one commit of the inbox each, shared in groups), then get methods.
 * Argument: transactions, default 100,000.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, systemClock } from '@bombyx/base';
import { Address, internal } from '@ton/core';
import { TON, testWallet } from '../testing/harness.ts';
import { Faucet, Ledger, Machine, Store } from './index.ts';

const wanted = Number(process.argv[2] ?? 100_000);
const folder = await mkdtemp(join(tmpdir(), 'devnet-bench-'));
const path = join(folder, 'devnet.sqlite');
const deps = { clock: systemClock, log: silentLogger, seed: () => randomBytes(32) };
const startMs = performance.now();
const ledger = new Ledger({ blockMs: 0 }, { ...deps, machine: await Machine.create(), store: new Store(path) });
console.log(`open: ${Math.round(performance.now() - startMs)} ms`);
const faucet = new Faucet({ maxAmount: 1_000n * TON }, { ledger });
const targets = Array.from({ length: 100 }, () => new Address(0, randomBytes(32)));

let done = 0;
let markMs = performance.now();
let mark = 0;
const rows: object[] = [];
while (done < wanted) {
  await Promise.all(targets.concat(targets).map((target) => faucet.give(target, TON)));
  await ledger.produce();
  done += ledger.head.size;
  if (done - mark < wanted / 10) continue;
  const seconds = (performance.now() - markMs) / 1_000;
  const { rss, heapUsed, arrayBuffers, external } = process.memoryUsage();
  rows.push({
    transactions: done,
    'tx/s': Math.round((done - mark) / seconds),
    'rss MB': rss >> 20,
    'heap MB': heapUsed >> 20,
    'buffers MB': arrayBuffers >> 20,
    'external MB': external >> 20,
    'file MB': Math.round((await stat(path)).size / 2 ** 20),
  });
  mark = done;
  markMs = performance.now();
}
console.table(rows);

const wallet = testWallet();
await faucet.give(wallet.contract.address, 10n * TON);
await ledger.produce();
await ledger.send(wallet.order(0, [internal({ to: targets[0]!, value: 1n, bounce: false })]));
await ledger.produce();
const getMs = performance.now();
for (let i = 0; i < 200; i += 1) await ledger.get(wallet.contract.address, 'seqno', []);
console.log(`get method: ${((performance.now() - getMs) / 200).toFixed(2)} ms`);
const auditMs = performance.now();
console.log('audit:', ledger.records.audit().difference, `in ${Math.round(performance.now() - auditMs)} ms`);
await ledger[Symbol.asyncDispose]();
await rm(folder, { recursive: true });
