import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { silentLogger } from '@bombyx/base';
import { FakeClock } from '@bombyx/testkit';
import { parseAddress } from '@bombyx/ton';
import { OWNER, ProxyParty, recordedRoot } from '../testing/fake-proxy.ts';
import { WorkerError } from './errors.ts';
import { MEMORY_FILE, PaymentMemory } from './memory.ts';
import { birthOf, writeBirth } from './money/birth.ts';

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

it('says of a data_dir that is a file what it is', async () => {
  await inFolder(async (folder) => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    await assert.rejects(
      PaymentMemory.open(file, { clock: new FakeClock(), log: silentLogger }),
      (error) =>
        error instanceof WorkerError &&
        error.code === 'WORKER_CONFIG' &&
        error.message.endsWith(`"data_dir" must be a folder, and ${file} is a file or lies in one`),
    );
  });
});

/** A worker contract and what it is born from, under a proxy of its own. */
function keysWithBirth() {
  const party = new ProxyParty(root);
  const birth = birthOf(root, { owner: parseAddress(OWNER), proxy: party.contract, publicKey: party.publicKey });
  return { party, keys: { ...keysOf(party), birth } };
}

it('takes up the accounts of proxies that are never met again, with what their contracts are deployed from', async () => {
  await inFolder(async (folder) => {
    const deps = { clock: new FakeClock(), log: silentLogger };
    const { party, keys } = keysWithBirth();
    const first = await PaymentMemory.open(folder, deps);
    first.account(keys).demand(party.sign(50n));
    first.account(keys).sawOutdated(1_700_000_000);
    await first[Symbol.asyncDispose]();
    const second = await PaymentMemory.open(folder, deps);
    assert.equal(second.accounts.length, 0);
    second.recallAll();
    const [account] = second.accounts;
    assert.equal(account?.totals.signed, 50n);
    assert.equal(account?.outdatedSinceSec, 1_700_000_000);
    assert.equal(account?.terms?.workerFeePerToken, root.workerFeePerToken);
    assert.ok(account?.keys.birth?.data.equals(keys.birth.data));
    assert.equal(second.account(keys), account);
  });
});

it('does not believe its file about what a contract is deployed from, and learns it again from the proxy', async () => {
  await inFolder(async (folder) => {
    const deps = { clock: new FakeClock(), log: silentLogger };
    const { party, keys } = keysWithBirth();
    const first = await PaymentMemory.open(folder, deps);
    first.account(keys).demand(party.sign(50n));
    await first[Symbol.asyncDispose]();
    const path = join(folder, MEMORY_FILE);
    const text = await readFile(path, 'utf8');
    for (const forged of [writeBirth(keysWithBirth().keys.birth), 'AAAA', '']) {
      await writeFile(path, text.replace(/"worker_birth": "[^"]*"/, `"worker_birth": "${forged}"`));
      const second = await PaymentMemory.open(folder, deps);
      second.recallAll();
      assert.equal(second.accounts[0]?.keys.birth, undefined);
      assert.equal(second.account(keys).totals.signed, 50n);
      assert.equal(second.accounts.length, 1);
      assert.equal(second.accounts[0]?.keys.birth, keys.birth);
    }
  });
});

it('reads the files of before payouts', async () => {
  await inFolder(async (folder) => {
    const { party, keys } = keysWithBirth();
    const before = {
      proxy_public_key: party.publicKey.toString('hex'),
      worker_sc_address: party.workerContract.toRawString(),
      signed_payment: party.sign(7n).data.toString('base64'),
      db_tokens: '8',
      max_tokens: '9',
    };
    const accounts = { [party.contract.toRawString()]: before };
    await writeFile(join(folder, MEMORY_FILE), JSON.stringify({ version: 1, accounts }));
    const memory = await PaymentMemory.open(folder, { clock: new FakeClock(), log: silentLogger });
    assert.deepEqual(memory.account(keys).totals, { signed: 7n, db: 8n, max: 9n });
  });
});

it('forgets for good', async () => {
  await inFolder(async (folder) => {
    const deps = { clock: new FakeClock(), log: silentLogger };
    const { party, keys } = keysWithBirth();
    const first = await PaymentMemory.open(folder, deps);
    first.account(keys).demand(party.sign(50n));
    await first[Symbol.asyncDispose]();
    const second = await PaymentMemory.open(folder, deps);
    second.recallAll();
    second.forget(second.accounts[0]!);
    await second[Symbol.asyncDispose]();
    const third = await PaymentMemory.open(folder, deps);
    third.recallAll();
    assert.equal(third.accounts.length, 0);
  });
});

it('makes room by forgetting an account that owes nothing before one that does', async () => {
  const memory = await PaymentMemory.open('', { clock: new FakeClock(), log: silentLogger });
  const owing = new ProxyParty(root);
  memory.account(keysOf(owing)).demand(owing.sign(5n));
  for (let i = 0; i < 256; i += 1) memory.account(keysOf(new ProxyParty(root)));
  assert.equal(memory.accounts.length, 256);
  assert.ok(memory.accounts.some(({ keys }) => keys.proxyContract.equals(owing.contract)));
});
