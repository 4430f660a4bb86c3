import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  Books,
  type ClientContract,
  LedgerError,
  type LedgerEvent,
  readEvents,
  type Terms,
  writeEvents,
} from './index.ts';
import { postings, TrialBalance } from './trial-balance.ts';

const terms: Terms = {
  paramsVersion: 1,
  pricePerToken: 20n,
  workerFeePerToken: 15n,
  proxyDelaySec: 600,
  clientDelaySec: 300,
};
const CONTRACTS = ['proxy-1', 'proxy-2'];
const NO_SECRET = '0'.repeat(64);

const opened = (instance: string): LedgerEvent => ({ type: 'opened', instance, terms });
const charged = (total: bigint, client = 'c', worker = 'w', instance = 'proxy-1'): LedgerEvent => ({
  type: 'charged',
  instance,
  id: '00'.repeat(32),
  client,
  worker,
  tokens: { prompt: total, cached: 0n, completion: 0n, reasoning: 0n, total },
  atMs: 0,
});
const clientSeen = (balance: bigint, used: bigint, client = 'c', instance = 'proxy-1'): LedgerEvent => ({
  type: 'client-seen',
  instance,
  client,
  contract: { state: 'running', balance, stake: 1_000n, used, secretHash: NO_SECRET },
});
const workerSeen = (paid: bigint, worker = 'w', instance = 'proxy-1'): LedgerEvent => ({
  type: 'worker-seen',
  instance,
  worker,
  contract: { state: 'running', paid },
});

function booksOf(...records: readonly (readonly LedgerEvent[])[]): Books {
  const books = new Books();
  records.forEach((events, at) => void books.apply(at + 1, events));
  return books;
}

/** Histories that honest chain and workers can make: nothing is charged or paid on chain that was not counted. */
const anyStep = fc.record({
  kind: fc.constantFrom('charge', 'top-up', 'charge-on-chain', 'pay-on-chain', 'commit', 'seen', 'open'),
  client: fc.constantFrom('a', 'b', 'c'),
  worker: fc.constantFrom('v', 'w'),
  contract: fc.constantFrom(...CONTRACTS),
  amount: fc.bigInt(0n, 1_000_000n),
  share: fc.integer({ min: 0, max: 100 }),
});
type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;

function eventOf(step: Step, books: Books): LedgerEvent | undefined {
  const { client, worker, amount, contract, share } = step;
  const instance = books.active!.contract;
  const { accounts } = books.active!;
  const seen = books.active!.clientContract(client);
  switch (step.kind) {
    case 'charge':
      return charged(amount, client, worker, instance);
    case 'top-up':
      return clientSeen((seen?.balance ?? 0n) + amount, seen?.used ?? 0n, client, instance);
    case 'charge-on-chain': {
      if (!seen) return undefined;
      const counted = accounts.client(client)!.used.max;
      const used = seen.used + ((counted - seen.used) * BigInt(share)) / 100n;
      const balance = seen.balance - (used - seen.used) * terms.pricePerToken;
      return clientSeen(balance < 0n ? 0n : balance, used, client, instance);
    }
    case 'pay-on-chain': {
      const known = accounts.worker(worker);
      if (!known) return undefined;
      const paid = books.active!.workerContract(worker)?.paid ?? 0n;
      return workerSeen(paid + ((known.earned.max - paid) * BigInt(share)) / 100n, worker, instance);
    }
    case 'commit':
      return { type: 'committing', number: books.nextCommit, session: 's' };
    case 'seen': {
      const commit = books.pending[share % Math.max(1, books.pending.length)];
      return commit && { type: 'committed', number: commit.number, session: commit.session };
    }
    default:
      return opened(contract);
  }
}

describe('the books', () => {
  it('agree with themselves after any history, and a snapshot at any point continues as if it had not been taken', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { minLength: 20, maxLength: 60 }), fc.nat(30), (steps, cut) => {
        const books = booksOf([opened('proxy-1')]);
        let other = books;
        let seq = 2;
        const both = (event: LedgerEvent) => {
          books.apply(seq, [event]);
          if (other !== books) other.apply(seq, [event]);
          seq++;
        };
        steps.forEach((step, at) => {
          if (at === cut) other = Books.restore(reread(books));
          const event = eventOf(step, books);
          if (event) both(event);
        });
        assert.equal(books.audit(), undefined);
        assert.equal(other.audit(), undefined);
        // A commit from before the restart is known, but only the next one raises levels again.
        const number = books.nextCommit;
        both({ type: 'committing', number, session: 's' });
        both({ type: 'committed', number, session: 's' });
        assert.deepEqual(other.snapshot(), books.snapshot());
      }),
    );
  });

  it('raise the committed level only when the chain has shown the commit that covers it', () => {
    const books = booksOf([opened('proxy-1')], [charged(10n)]);
    books.apply(3, [{ type: 'committing', number: 1, session: 's' }]);
    books.apply(4, [charged(5n)]);
    const used = () => books.active!.accounts.client('c')!.used;
    assert.deepEqual({ ...used() }, { max: 15n, chain: 0n });
    books.apply(5, [{ type: 'committed', number: 1, session: 's' }]);
    assert.equal(used().chain, 10n);
    assert.equal(books.nextCommit, 2);
  });

  it('refuse a commit on chain that they never made: a copy of this proxy runs, or the disk is from yesterday', () => {
    const books = booksOf([opened('proxy-1')], [{ type: 'committing', number: 1, session: 's' }]);
    for (const stranger of [
      { number: 1, session: 'other' },
      { number: 2, session: 's' },
    ]) {
      assert.equal(books.expects(stranger.number, stranger.session), false);
      assert.throws(() => books.check([{ type: 'committed', ...stranger }]), coded('LEDGER_ROLLBACK'));
      assert.throws(() => books.apply(3, [{ type: 'committed', ...stranger }]), coded('LEDGER_ROLLBACK'));
    }
  });

  it('refuse a chain that charged or paid more than was counted', () => {
    const books = booksOf([opened('proxy-1')], [charged(10n)]);
    for (const event of [clientSeen(0n, 11n), workerSeen(11n), workerSeen(1n, 'stranger')]) {
      assert.throws(() => books.check([event]), coded('LEDGER_ROLLBACK'));
      assert.throws(() => books.apply(3, [event]), coded('LEDGER_ROLLBACK'));
    }
    books.check([clientSeen(0n, 10n), workerSeen(10n)]);
    assert.equal(books.audit(), undefined, 'nothing of it was booked');
  });

  it('keep the stake of a client over a restart', () => {
    const books = booksOf([opened('proxy-1')], [clientSeen(5_000n, 0n)]);
    const again = Books.restore(reread(books));
    assert.equal(again.active!.accounts.client('c')!.stakeTokens, 50n);
    assert.equal(again.active!.clientContract('c')!.stake, 1_000n);
  });

  it('ignore a state of a contract that is older than the known one', () => {
    const books = booksOf([opened('proxy-1')], [charged(10n)], [clientSeen(800n, 8n)], [clientSeen(900n, 3n)]);
    assert.equal(books.active!.clientContract('c')!.used, 8n);
    assert.equal(books.audit(), undefined);
  });

  it('keep an old contract until it is closed, and settle late requests under it', () => {
    const books = booksOf([opened('proxy-1')], [opened('proxy-2')], [charged(7n, 'c', 'w', 'proxy-1')]);
    assert.equal(books.active!.contract, 'proxy-2');
    assert.equal(books.instance('proxy-1').phase, 'closing');
    assert.equal(books.instance('proxy-1').accounts.client('c')!.used.max, 7n);
    books.apply(4, [{ type: 'retiring', instance: 'proxy-1', phase: 'closed', closeAtSec: 0 }]);
    assert.throws(() => books.instance('proxy-1'), coded('LEDGER_UNKNOWN_INSTANCE'));
  });

  it('name the first account that two ways of counting see differently', () => {
    const state = booksOf([opened('proxy-1')], [charged(10n)]).snapshot();
    const [instance] = state.instances;
    const wrong = { ...instance!, postings: [['worker/w', 149n] as const, ...instance!.postings.slice(2)] };
    const difference = Books.restore({ ...state, instances: [wrong] }).audit();
    assert.equal(difference?.what, 'client/c');
    const stolen = { ...instance!, workers: [{ id: 'w', earned: 11n, committed: 0n }] };
    assert.deepEqual(Books.restore({ ...state, instances: [stolen] }).audit(), {
      instance: 'proxy-1',
      what: 'worker/w',
      expected: 165n,
      found: 150n,
    });
  });
});

describe('events as text', () => {
  it('come back as they were, with numbers of any size', () => {
    const events = [charged(2n ** 63n - 1n), clientSeen(0n, 2n ** 64n), opened('12x')];
    assert.deepEqual(readEvents(writeEvents(events)), events);
  });
});

describe('postings', () => {
  it('add up to zero for every event', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 63n), fc.bigInt(0n, 2n ** 63n), fc.bigInt(0n, 2n ** 63n), (a, b, c) => {
        for (const event of [charged(a), clientSeen(a, b), workerSeen(c), opened('p')]) {
          const before = { client: contractOf(clientSeen(c, a)), worker: undefined };
          let sum = 0n;
          for (const { amount } of postings(event, terms, before)) sum += amount;
          assert.equal(sum, 0n);
        }
      }),
    );
  });

  it('are refused when they leave something over', () => {
    assert.throws(() => new TrialBalance().post([{ account: 'proxy', amount: 1n }]), RangeError);
  });
});

function reread(books: Books): ReturnType<Books['snapshot']> {
  return readEvents<ReturnType<Books['snapshot']>>(writeEvents([books.snapshot()]))[0]!;
}

function coded(code: string): (error: unknown) => boolean {
  return (error) => error instanceof LedgerError && error.code === code;
}

function contractOf(event: LedgerEvent): ClientContract | undefined {
  return event.type === 'client-seen' ? event.contract : undefined;
}
