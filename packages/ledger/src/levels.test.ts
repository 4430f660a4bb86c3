import assert from 'node:assert/strict';
import { it } from 'node:test';
import { tokens } from '@bombyx/base';
import { CommitLog, LedgerError, Total } from './index.ts';

const levelsOf = ({ max, db, chain }: Total) => [max, db, chain];

it('raises the committed level when the commit is seen, and only to what it covered', () => {
  const log = new CommitLog();
  const total = new Total();
  log.raise(total, tokens(10n));
  log.begin(1);
  log.raise(total, tokens(25n));
  assert.deepEqual(levelsOf(total), [25n, 25n, 0n]);
  log.seen(1);
  assert.deepEqual(levelsOf(total), [25n, 25n, 10n]);
});

it('confirms all commits before the one that was seen', () => {
  const log = new CommitLog();
  const [one, two] = [new Total(), new Total()];
  log.raise(one, tokens(1n));
  log.begin(1);
  log.raise(two, tokens(2n));
  log.begin(2);
  log.seen(7);
  assert.deepEqual([one.chain, two.chain], [1n, 2n]);
});

it('does not commit what no commit covered', () => {
  const log = new CommitLog();
  const total = new Total();
  log.raise(total, tokens(5n));
  log.seen(1);
  assert.equal(total.chain, 0n);
});

it('counts all as committed where there is no chain', () => {
  const log = new CommitLog();
  const total = new Total();
  log.raise(total, tokens(5n));
  log.settle();
  assert.deepEqual(levelsOf(total), [5n, 5n, 5n]);
});

it('covers what a restart found uncommitted', () => {
  const log = new CommitLog();
  const total = new Total(tokens(9n), tokens(4n));
  log.include(total);
  log.begin(1);
  log.seen(1);
  assert.equal(total.chain, 9n);
});

it('never lowers a total', () => {
  const log = new CommitLog();
  const total = new Total(tokens(9n), tokens(4n));
  log.raise(total, tokens(8n));
  log.begin(1);
  log.seen(1);
  assert.deepEqual(levelsOf(total), [9n, 9n, 4n]);
});

it('keeps a bounded number of commits while none is seen, and forgets no total', () => {
  const log = new CommitLog();
  const early = new Total();
  const busy = new Total();
  log.raise(early, tokens(3n));
  for (let seq = 1; seq <= 1_000; seq++) {
    log.raise(busy, tokens(BigInt(seq)));
    log.begin(seq);
  }
  log.seen(700);
  assert.equal(early.chain, 0n); // merged into a later commit: late, never early
  assert.equal(busy.chain, 0n);
  log.seen(745); // the oldest of 256 that wait
  assert.equal(busy.chain, 745n);
  assert.equal(early.chain, 3n);
  log.seen(1_000);
  assert.equal(busy.chain, 1_000n);
});

it('refuses a commit number that does not rise, and more committed than counted', () => {
  const log = new CommitLog();
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
