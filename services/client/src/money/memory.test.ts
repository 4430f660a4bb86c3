import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { nanoTon } from '@bombyx/base';
import { Address } from '@ton/core';
import fc from 'fast-check';
import { ClientError } from '../errors.ts';
import { MONEY_FILE, MoneyMemory, type TopUpOrder } from './memory.ts';

const contractOf = (n: number) => new Address(0, Buffer.alloc(32, n));
const order = (n: number, amount: bigint, day = '2026-01-01'): TopUpOrder => ({
  contract: contractOf(n),
  queryId: 0xffff_ffff_ffff_ffffn,
  amount: nanoTon(amount),
  day,
  after: n % 2 === 0 ? undefined : { lt: 12_345_678_901_234n, hash: Buffer.alloc(32, n) },
});

/** Addresses are compared as text: they bring functions of their own. */
const inText = (item: object) =>
  Object.entries(item).map(([name, value]) => [name, value instanceof Address ? value.toRawString() : value]);

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'bombyx-memory-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

it('keeps accounts, faults, orders and the secret over lives', (t) => {
  const path = folder(t);
  const fault = {
    atMs: 5,
    failures: ['the signed payment is above what was asked for'],
    requestId: '',
    claimed: '9',
    explained: '7',
    payment: 'ab',
  };
  const record = {
    contract: contractOf(1),
    proxy: contractOf(2),
    proxyPublicKey: Buffer.alloc(32, 3),
    paramsVersion: 4,
    outdatedSinceSec: 0,
    explained: undefined,
    fault: undefined,
  };
  {
    using memory = new MoneyMemory(path);
    assert.deepEqual(
      memory.secret(() => Buffer.alloc(32, 7)),
      Buffer.alloc(32, 7),
    );
    memory.keep(record);
    memory.keep({ ...record, contract: contractOf(9) });
    memory.forget(contractOf(9));
    memory.explain(record.contract, 2n ** 62n);
    memory.outdated(record.contract, 77);
    memory.blame(record.contract, fault);
    assert.ok(memory.begin(order(1, 5n), 5n));
    assert.ok(memory.begin(order(2, 0n), 5n));
  }
  using memory = new MoneyMemory(path);
  assert.deepEqual(
    memory.secret(() => Buffer.alloc(32, 8)),
    Buffer.alloc(32, 7),
  );
  const kept = { ...record, explained: 2n ** 62n, outdatedSinceSec: 77, fault };
  assert.deepEqual(memory.accounts().map(inText), [inText(kept)]);
  assert.deepEqual(memory.orders().map(inText), [order(1, 5n), order(2, 0n)].map(inText));
  assert.equal(memory.toppedUp('2026-01-01'), 5n);
  memory.blame(record.contract, undefined);
  assert.equal(memory.accounts()[0]?.fault, undefined);
});

it('is for this user alone, as the folder it makes', (t) => {
  const path = join(folder(t), 'new');
  using _memory = new MoneyMemory(path);
  assert.equal(statSync(path).mode & 0o077, 0);
});

it('refuses a file that is none, and one of a newer version', (t) => {
  const path = folder(t);
  writeFileSync(
    join(path, MONEY_FILE),
    'not a database, and longer than the header of one, which has a hundred bytes.....',
  );
  assert.throws(
    () => new MoneyMemory(path),
    (error) => error instanceof ClientError && error.code === 'CLIENT_CONFIG',
  );
});

it('never allows more on a day than its limit, whatever lands, is lost or is cut off by a crash', (t) => {
  const path = folder(t);
  const acts = fc.array(
    fc.record({
      act: fc.constantFrom('begin', 'landed', 'lost', 'crash' as const),
      contract: fc.nat(3),
      amount: fc.bigInt(1n, 60n),
      day: fc.constantFrom('2026-01-01', '2026-01-02'),
    }),
    { maxLength: 40 },
  );
  let n = 0;
  fc.assert(
    fc.property(acts, (list) => {
      const own = join(path, `${n++}`);
      let memory = new MoneyMemory(own);
      const open = new Map<number, TopUpOrder>();
      const spent = new Map<string, bigint>(); // landed, or may still land
      for (const { act, contract, amount, day } of list) {
        if (act === 'crash') {
          memory[Symbol.dispose]();
          memory = new MoneyMemory(own);
          assert.equal(memory.orders().length, open.size);
          continue;
        }
        const under = open.get(contract);
        if (act === 'begin') {
          if (under) continue;
          const next = order(contract, amount, day);
          if (!memory.begin(next, 100n)) continue;
          open.set(contract, next);
          spent.set(day, (spent.get(day) ?? 0n) + amount);
        } else if (under) {
          memory.finish(under, act === 'landed');
          open.delete(contract);
          if (act === 'lost') spent.set(under.day, (spent.get(under.day) ?? 0n) - under.amount);
        }
        for (const [on, sum] of spent) {
          assert.ok(sum <= 100n);
          assert.equal(memory.toppedUp(on), sum);
        }
      }
      memory[Symbol.dispose]();
    }),
    { numRuns: 15 },
  );
});
