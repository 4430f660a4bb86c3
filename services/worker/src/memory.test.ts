import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { silentLogger } from '@bombyx/base';
import { FakeClock } from '@bombyx/testkit';
import { ProxyParty, recordedRoot } from '../testing/fake-proxy.ts';
import { WorkerError } from './errors.ts';
import { MEMORY_FILE, PaymentMemory } from './memory.ts';

const root = recordedRoot();
const keysOf = (party: ProxyParty) => ({
  proxyPublicKey: party.publicKey,
  proxyContract: party.contract,
  workerContract: party.workerContract,
});

async function inFolder(task: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'bombyx-worker-'));
  try {
    await task(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

it('hazard 12: what a proxy promised is still known after a restart', async () => {
  await inFolder(async (folder) => {
    const clock = new FakeClock();
    const party = new ProxyParty(root);
    const first = await PaymentMemory.open(folder, { clock, log: silentLogger });
    first.account(keysOf(party)).demand(party.sign(50n));
    first.account(keysOf(party)).demandTotals(70n, 2n ** 62n);
    await first[Symbol.asyncDispose]();
    assert.deepEqual(await readdir(folder), [MEMORY_FILE]);
    const second = await PaymentMemory.open(folder, { clock, log: silentLogger });
    const account = second.account(keysOf(party));
    assert.deepEqual(account.totals, { signed: 50n, db: 70n, max: 2n ** 62n });
    assert.throws(
      () => account.demand(party.sign(49n)),
      (error) => error instanceof WorkerError && error.code === 'WORKER_PAYMENT',
    );
  });
});

it('writes a second after the first of many changes, once', async () => {
  await inFolder(async (folder) => {
    const clock = new FakeClock();
    const party = new ProxyParty(root);
    const memory = await PaymentMemory.open(folder, { clock, log: silentLogger });
    for (let i = 1n; i <= 20n; i += 1n) memory.account(keysOf(party)).offer(party.sign(i));
    assert.equal(clock.pending, 1);
    clock.advance(1_000);
    await memory[Symbol.asyncDispose]();
    assert.match(await readFile(join(folder, MEMORY_FILE), 'utf8'), /"version": 1/);
    assert.equal(clock.pending, 0);
  });
});

it('does not believe its file about a payment that the proxy did not sign', async () => {
  await inFolder(async (folder) => {
    const deps = { clock: new FakeClock(), log: silentLogger };
    const party = new ProxyParty(root);
    const first = await PaymentMemory.open(folder, deps);
    first.account(keysOf(party)).demand(party.sign(50n));
    await first[Symbol.asyncDispose]();
    const path = join(folder, MEMORY_FILE);
    const forged = new ProxyParty(root).sign(10n ** 12n).data.toString('base64');
    await writeFile(
      path,
      (await readFile(path, 'utf8')).replace(/"signed_payment": "[^"]*"/, `"signed_payment": "${forged}"`),
    );
    const second = await PaymentMemory.open(folder, deps);
    assert.equal(second.account(keysOf(party)).totals.signed, 0n);
  });
});

it('refuses to start from a damaged file instead of starting from zero', async () => {
  await inFolder(async (folder) => {
    for (const text of ['', '{', '{"version":2,"accounts":{}}', '{"version":1,"accounts":{"x":{"db_tokens":"-1"}}}']) {
      await writeFile(join(folder, MEMORY_FILE), text);
      await assert.rejects(
        PaymentMemory.open(folder, { clock: new FakeClock(), log: silentLogger }),
        (error) => error instanceof WorkerError && error.code === 'WORKER_MEMORY_FILE',
      );
    }
  });
});

it('a folder that cannot be written costs a log line and nothing else', async () => {
  await inFolder(async (folder) => {
    const lines: string[] = [];
    const log = { ...silentLogger, error: (message: string) => lines.push(message), child: () => log };
    const party = new ProxyParty(root);
    const clock = new FakeClock();
    const broken = await PaymentMemory.open(join(folder, 'gone'), { clock, log });
    broken.account(keysOf(party)).offer(party.sign(5n));
    await rm(folder, { recursive: true });
    await writeFile(folder, ''); // a file where the folder should be
    clock.advance(1_000);
    await broken[Symbol.asyncDispose]();
    assert.equal(broken.account(keysOf(party)).totals.signed, 5n);
    assert.deepEqual(lines, ['cannot write the payment memory']);
  });
});

it('keeps the accounts of a bounded number of proxies', async () => {
  const memory = await PaymentMemory.open('', { clock: new FakeClock(), log: silentLogger });
  for (let i = 0; i < 260; i += 1) memory.account(keysOf(new ProxyParty(root)));
  assert.equal(memory.accounts.length, 256);
});

it('refuses a known proxy contract that comes with another worker contract', async () => {
  const memory = await PaymentMemory.open('', { clock: new FakeClock(), log: silentLogger });
  const party = new ProxyParty(root);
  memory.account(keysOf(party));
  assert.throws(
    () => memory.account({ ...keysOf(party), workerContract: party.contract }),
    (error) => error instanceof WorkerError && error.code === 'WORKER_ADDRESS',
  );
});
