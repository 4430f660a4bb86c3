/** `kill -9` at any instant: what was acknowledged lands, once, and the books are right. `BOMBYX_RUNS` kills it more often. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Address, Cell, loadTransaction } from '@ton/core';
import { openLedger, testWallet } from '../testing/harness.ts';
import { Store } from './index.ts';

const LIVES = Number(process.env['BOMBYX_RUNS'] ?? 2);
const target = new Address(0, Buffer.alloc(32, 1));
const wallet = testWallet(Buffer.alloc(32, 2));

/** Runs the child until it has acknowledged something and some more time has passed. @returns what it printed */
async function liveAndDie(path: string, life: number): Promise<string[]> {
  const program = new URL('../testing/loaded-child.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [program, path, String(life)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  const output = createInterface(child.stdout);
  const ended = once(output, 'close');
  const acknowledged = new Promise<void>((resolve) => {
    output.on('line', (line) => {
      lines.push(line);
      if (lines.length > 20) resolve();
    });
  });
  await Promise.race([acknowledged, ended]);
  await sleep(50 + Math.random() * 400);
  assert.equal(child.exitCode, null, 'it was alive when it was killed');
  child.kill('SIGKILL');
  await ended;
  return lines;
}

it('a chain that is killed loses no acknowledged message and runs none twice', { timeout: 180_000 }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'devnet-kill-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'devnet.sqlite');
  const lines: string[] = [];
  for (let life = 1; life <= LIVES; life += 1) lines.push(...(await liveAndDie(path, life)));

  await using ledger = await openLedger({ store: new Store(path) });
  for (let blocks = 0; ledger.waiting > 0; blocks += 1) {
    assert.ok(blocks < 100, 'the inbox empties');
    await ledger.produce();
  }
  const told = (word: string) =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  const received = new Map<string, number>();
  for (const { cell } of ledger.records.history(target, { limit: 1_000_000 })) {
    const info = loadTransaction(Cell.fromBoc(cell)[0]!.beginParse()).inMessage?.info;
    assert.ok(info?.type === 'internal');
    if (info.src.equals(wallet.contract.address)) continue;
    const amount = String(info.value.coins);
    received.set(amount, (received.get(amount) ?? 0) + 1);
  }
  const payments = told('pay');
  assert.ok(payments.length > LIVES * 10, `${payments.length} payments were acknowledged`);
  assert.deepEqual(
    payments.filter((amount) => !received.has(amount)),
    [],
    'lost',
  );
  assert.deepEqual(
    [...received].filter(([, times]) => times !== 1),
    [],
    'doubled',
  );
  assert.equal(ledger.records.given().count, received.size + 1, 'each grant landed; one went to the wallet');

  const orders = told('order').map(Number);
  const { data } = ledger.account(wallet.contract.address);
  const seqno = data!.beginParse().loadUint(32);
  assert.ok(orders.length > LIVES, `${orders.length} orders were acknowledged`);
  assert.ok(seqno > Math.max(...orders), 'the last order ran');
  const sent = ledger.records.history(wallet.contract.address, { limit: 1_000_000 }).filter(({ cell }) => {
    const { inMessage } = loadTransaction(Cell.fromBoc(cell)[0]!.beginParse());
    return inMessage?.info.type === 'external-in';
  });
  assert.equal(sent.length, seqno, 'one transaction for each order');
  assert.equal(ledger.records.audit().difference, 0n);
});
