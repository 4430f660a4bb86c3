/**
 * A chain under all the load it gives itself until it is killed: payments of the faucet with amounts never used before,
 * and orders of one wallet. What is acknowledged is printed at once, so whoever kills it knows what must not be lost.
 * Arguments: the file, the number of this life.
 */
import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { silentLogger, systemClock } from '@bombyx/base';
import { Address, internal } from '@ton/core';
import { Faucet, Ledger, Machine, Store } from '../src/index.ts';
import { TON, testWallet } from './harness.ts';

const [path = '', life = '0'] = process.argv.slice(2);
/** Known to the test, too. */
const target = new Address(0, Buffer.alloc(32, 1));
const wallet = testWallet(Buffer.alloc(32, 2));
const { address } = wallet.contract;

const deps = { clock: systemClock, log: silentLogger, seed: () => randomBytes(32) };
const ledger = new Ledger({ blockMs: 5 }, { ...deps, machine: await Machine.create(), store: new Store(path) });
const faucet = new Faucet({ maxAmount: 1_000_000n * TON }, { ledger });

async function payments(first: number): Promise<void> {
  for (let n = first; ; n += 1) {
    const amount = BigInt(life) * 1_000_000n + BigInt(n);
    await faucet.give(target, amount);
    writeSync(1, `pay ${amount}\n`); // synchronous: printed means acknowledged
    if (ledger.waiting > 100) await sleep(5);
  }
}

async function orders(): Promise<void> {
  if (ledger.account(address).balance < TON) await faucet.give(address, 1_000n * TON);
  let last = -1;
  for (;;) {
    const { code, data, balance } = ledger.account(address);
    const seqno = code && data ? data.beginParse().loadUint(32) : 0;
    if (balance === 0n || seqno === last) {
      await sleep(1);
      continue;
    }
    await ledger.send(wallet.order(seqno, [internal({ to: target, value: 1n, bounce: false })]));
    writeSync(1, `order ${seqno}\n`);
    last = seqno;
  }
}

writeSync(1, 'ready\n');
await Promise.all([payments(1), payments(500_001), orders()]); // two streams, so that acknowledgements share commits
