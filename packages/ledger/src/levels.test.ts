import assert from 'node:assert/strict';
import { it } from 'node:test';
import { tokens } from '@bombyx/base';
import { LedgerError, Total, WriteLog } from './index.ts';

const levelsOf = ({ max, db, chain }: Total) => [max, db, chain];

it('raises the database level when the write is on disk, and only to what the write held', () => {
  const log = new WriteLog();
  const total = new Total();
  log.raise(total, tokens(10n));
  log.begin(1);
  log.raise(total, tokens(25n));
  assert.deepEqual(levelsOf(total), [25n, 0n, 0n]);
  log.markDurable(1);
  assert.deepEqual(levelsOf(total), [25n, 10n, 0n]);
  log.markCommitted(1);
  assert.deepEqual(levelsOf(total), [25n, 10n, 10n]);
});

it('confirms all writes before the confirmed one', () => {
  const log = new WriteLog();
  const [one, two] = [new Total(), new Total()];
  log.raise(one, tokens(1n));
  log.begin(1);
  log.raise(two, tokens(2n));
  log.begin(2);
  log.markDurable(2);
  assert.deepEqual(
    [levelsOf(one), levelsOf(two)],
    [
      [1n, 1n, 0n],
      [2n, 2n, 0n],
    ],
  );
  log.markCommitted(7);
  assert.deepEqual(
    [levelsOf(one), levelsOf(two)],
    [
      [1n, 1n, 1n],
      [2n, 2n, 2n],
    ],
  );
});

it('does not commit what is not durable', () => {
  const log = new WriteLog();
  const total = new Total();
  log.raise(total, tokens(5n));
  log.begin(1);
  log.markCommitted(1);
  assert.deepEqual(levelsOf(total), [5n, 0n, 0n]);
});

it('puts the totals of a failed write into the next', () => {
  const log = new WriteLog();
  const total = new Total();
  log.raise(total, tokens(5n));
  log.begin(1);
  log.markFailed(1);
  log.markFailed(1);
  assert.deepEqual([...log.begin(2)], [[total, 5n]]);
});

it('never lowers a total', () => {
  const log = new WriteLog();
  const total = new Total(tokens(9n), tokens(4n));
  assert.deepEqual(levelsOf(total), [9n, 9n, 4n]);
  log.raise(total, tokens(8n));
  assert.equal(log.begin(1).size, 0);
  assert.deepEqual(levelsOf(total), [9n, 9n, 4n]);
});

it('keeps a bounded number of writes while no commit comes, and forgets no total', () => {
  const log = new WriteLog();
  const early = new Total();
  const busy = new Total();
  log.raise(early, tokens(3n));
  for (let seq = 1; seq <= 1_000; seq++) {
    log.raise(busy, tokens(BigInt(seq)));
    log.begin(seq);
    log.markDurable(seq);
  }
  log.markCommitted(700);
  assert.equal(early.chain, 0n); // merged into a later write: late, never early
  assert.equal(busy.chain, 0n);
  log.markCommitted(745); // the oldest of 256 that wait
  assert.equal(busy.chain, 745n);
  log.markCommitted(900);
  assert.equal(early.chain, 3n);
  assert.equal(busy.chain, 900n);
  log.markCommitted(1_000);
  assert.equal(busy.chain, 1_000n);
});

it('refuses a write number that does not rise, and more committed than stored', () => {
  const log = new WriteLog();
  log.begin(5);
  for (const seq of [5, 4, -1, 5.5, Number.NaN]) {
    assert.throws(
      () => log.begin(seq),
      (error) => error instanceof LedgerError && error.code === 'LEDGER_SEQUENCE',
    );
  }
  assert.throws(
    () => new Total(tokens(1n), tokens(2n)),
    (error) => error instanceof LedgerError && error.code === 'LEDGER_ROLLBACK',
  );
});
