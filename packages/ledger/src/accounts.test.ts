import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MAX_LONG, nanoTon, tokens } from '@bombyx/base';
import fc from 'fast-check';
import { Accounts, type Funding, LedgerError } from './index.ts';

const funding = (change: Partial<Funding> = {}): Funding => ({
  balance: nanoTon(2_000n),
  stake: nanoTon(1_000_000n),
  usedOnChain: tokens(0n),
  pricePerToken: nanoTon(2n),
  ...change,
});
const coded = (code: string) => (error: unknown) => error instanceof LedgerError && error.code === code;

/** One client `c` that may use 1000 tokens. */
function opened(): Accounts {
  const accounts = new Accounts();
  accounts.fund('c', funding());
  return accounts;
}

describe('a hold', () => {
  it('takes from what is available until nothing is left', () => {
    const accounts = opened();
    assert.equal(accounts.available('c'), 1_000n);
    assert.deepEqual(accounts.hold('r1', 'c', tokens(600n)), { ok: true });
    assert.deepEqual(accounts.hold('r2', 'c', tokens(401n)), { ok: false, reason: 'balance', available: 400n });
    assert.deepEqual(accounts.hold('r2', 'c', tokens(400n)), { ok: true });
    assert.equal(accounts.available('c'), 0n);
    assert.equal(accounts.client('c')?.runningRequests, 2);
  });

  it('is refused to a client nobody knows', () => {
    const verdict = new Accounts().hold('r', 'stranger', tokens(0n));
    assert.deepEqual(verdict, { ok: false, reason: 'unknown-client', available: 0n });
  });

  it('is made once for a request', () => {
    const accounts = opened();
    accounts.hold('r', 'c', tokens(1n));
    assert.throws(() => accounts.hold('r', 'c', tokens(1n)), coded('LEDGER_DUPLICATE_REQUEST'));
    assert.equal(accounts.client('c')?.reserved, 1n);
  });
});

describe('the end of a request', () => {
  it('charges the client what the worker earns and frees the rest', () => {
    const accounts = opened();
    accounts.hold('r', 'c', tokens(600n));
    accounts.book('c', 'w', tokens(43n));
    assert.equal(accounts.release('r'), 600n);
    assert.equal(accounts.available('c'), 957n);
    assert.equal(accounts.client('c')?.used.max, 43n);
    assert.equal(accounts.worker('w')?.earned.max, 43n);
    assert.equal(accounts.client('c')?.runningRequests, 0);
  });

  it('comes once: a second release changes nothing', () => {
    const accounts = opened();
    accounts.hold('r', 'c', tokens(100n));
    assert.equal(accounts.release('r'), 100n);
    for (const id of ['r', 'never']) assert.equal(accounts.release(id), undefined);
    assert.equal(accounts.available('c'), 1_000n);
  });

  it('books nothing when the worker cannot be credited', () => {
    const accounts = opened();
    accounts.restoreWorker('w', tokens(MAX_LONG));
    assert.throws(() => accounts.book('c', 'w', tokens(1n)), coded('LEDGER_RANGE'));
    assert.equal(accounts.client('c')?.used.max, 0n);
  });
});

it('forgets only a client of whom there is nothing to remember', () => {
  const accounts = opened();
  accounts.hold('r', 'c', tokens(1n));
  assert.equal(accounts.forget('c'), false);
  accounts.release('r');
  assert.equal(accounts.forget('c'), true);
  accounts.book('d', 'w', tokens(1n));
  assert.equal(accounts.forget('d'), false);
});

describe('the chain', () => {
  it('limits use by the stake, counted from the last charge', () => {
    const accounts = new Accounts();
    accounts.fund('c', funding({ stake: nanoTon(200n) }));
    assert.equal(accounts.available('c'), 100n);
    accounts.book('c', 'w', tokens(80n));
    assert.equal(accounts.available('c'), 20n);
    accounts.fund('c', funding({ balance: nanoTon(1_840n), stake: nanoTon(200n), usedOnChain: tokens(80n) }));
    assert.equal(accounts.available('c'), 100n);
  });

  it('ignores a state older than the known one', () => {
    const accounts = new Accounts();
    accounts.restoreClient('c', tokens(500n));
    accounts.fund('c', funding({ usedOnChain: tokens(400n) }));
    accounts.fund('c', funding({ usedOnChain: tokens(300n), balance: nanoTon(1_000_000n) }));
    assert.equal(accounts.client('c')?.usedOnChain, 400n);
    assert.equal(accounts.available('c'), 900n);
  });

  it('must not know more than the books', () => {
    const accounts = opened();
    accounts.restoreWorker('w', tokens(5n));
    assert.throws(() => accounts.fund('c', funding({ usedOnChain: tokens(1n) })), coded('LEDGER_ROLLBACK'));
    assert.throws(() => accounts.fund('new', funding({ usedOnChain: tokens(1n) })), coded('LEDGER_ROLLBACK'));
    assert.equal(accounts.client('new'), undefined);
    assert.throws(() => accounts.markPaid('w', tokens(6n)), coded('LEDGER_ROLLBACK'));
    assert.throws(() => accounts.markPaid('stranger', tokens(0n)), coded('LEDGER_UNKNOWN_PARTY'));
    accounts.markPaid('w', tokens(5n));
    accounts.markPaid('w', tokens(4n));
    assert.equal(accounts.worker('w')?.paidOnChain, 5n);
  });

  it('may give tokens away', () => {
    const accounts = new Accounts();
    accounts.fund('c', funding({ pricePerToken: nanoTon(0n) }));
    assert.equal(accounts.available('c'), 1_000_000_000_000n);
  });

  it('saturates amounts that no contract should hold', () => {
    const accounts = new Accounts();
    accounts.restoreClient('c', tokens(10n));
    const most = nanoTon(MAX_LONG);
    accounts.fund('c', { balance: most, stake: most, usedOnChain: tokens(10n), pricePerToken: nanoTon(1n) });
    assert.equal(accounts.client('c')?.paid, MAX_LONG);
  });
});

/** One step of a random history; indices name clients, workers and requests. */
const anyStep = fc.oneof(
  fc.record({ op: fc.constant('hold' as const), request: fc.nat(30), client: fc.nat(3), amount: fc.bigInt(0n, 300n) }),
  fc.record({ op: fc.constant('settle' as const), request: fc.nat(30), worker: fc.nat(3), used: fc.bigInt(0n, 400n) }),
  fc.record({ op: fc.constant('release' as const), request: fc.nat(30) }),
  fc.record({ op: fc.constant('commit' as const), seen: fc.boolean() }),
);

it('charges clients exactly what workers earn, whatever happens in whatever order', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 120 }), (steps) => {
      const accounts = new Accounts();
      for (let i = 0; i <= 3; i++) accounts.fund(`c${i}`, funding());
      const running = new Map<string, { client: string; amount: bigint }>();
      let seq = 0;
      for (const step of steps) {
        switch (step.op) {
          case 'hold': {
            const [id, client] = [`r${step.request}`, `c${step.client}`];
            if (running.has(id)) break;
            if (accounts.hold(id, client, tokens(step.amount)).ok) running.set(id, { client, amount: step.amount });
            break;
          }
          case 'settle': {
            const id = `r${step.request}`;
            const held = running.get(id);
            if (!held) break;
            const charged = [step.used, held.amount].sort((a, b) => Number(a - b))[0]!;
            accounts.book(held.client, `w${step.worker}`, tokens(charged));
            assert.equal(accounts.release(id), held.amount);
            running.delete(id);
            break;
          }
          case 'release':
            assert.equal(accounts.release(`r${step.request}`) !== undefined, running.delete(`r${step.request}`));
            break;
          case 'commit':
            accounts.beginCommit(++seq);
            if (step.seen) accounts.commitSeen(seq);
        }
        const clients = [...accounts.clients()];
        const workers = [...accounts.workers()];
        const sum = (counts: readonly bigint[]) => counts.reduce((a, b) => a + b, 0n);
        assert.equal(sum(clients.map((c) => c.used.max)), sum(workers.map((w) => w.earned.max)));
        assert.equal(sum(clients.map((c) => BigInt(c.runningRequests))), BigInt(running.size));
        for (const client of clients) {
          assert.ok(accounts.available(client.id) >= 0n && client.reserved >= 0n);
          if (client.runningRequests === 0) assert.equal(client.reserved, 0n);
        }
        for (const { max, db, chain } of [...clients.map((c) => c.used), ...workers.map((w) => w.earned)]) {
          assert.ok(max >= db && db >= chain);
        }
      }
      accounts.beginCommit(++seq);
      accounts.commitSeen(seq);
      for (const { used } of accounts.clients()) assert.equal(used.chain, used.max);
    }),
    { numRuns: 500 },
  );
});
