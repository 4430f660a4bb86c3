import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Books, type ClientContract, type Instance, type LedgerEvent } from '@bombyx/ledger';
import { type DueRules, dues, isAnswered, uncommitted, unsettled, waitsForCommit } from './due.ts';

const terms = { paramsVersion: 1, pricePerToken: 10n, workerFeePerToken: 7n, proxyDelaySec: 60, clientDelaySec: 30 };
const RUNNING: ClientContract = { state: 'running', balance: 100_000n, stake: 100_000n, used: 0n, secretHash: '' };

class Case {
  readonly books = new Books();
  readonly #running = new Map<string, number>();
  #seq = 0;

  constructor(contract: Partial<ClientContract> = {}) {
    this.apply({ type: 'opened', instance: 'proxy', terms });
    this.see(contract);
  }

  get instance(): Instance {
    return this.books.instance('proxy');
  }

  apply(...events: readonly LedgerEvent[]): this {
    this.#seq += 1;
    this.books.check(events);
    this.books.apply(this.#seq, events);
    return this;
  }

  see(contract: Partial<ClientContract>): this {
    return this.apply({ type: 'client-seen', instance: 'proxy', client: 'c', contract: { ...RUNNING, ...contract } });
  }

  charge(total: bigint): this {
    const tokens = { prompt: total, cached: 0n, completion: 0n, reasoning: 0n, total };
    return this.apply({ type: 'charged', instance: 'proxy', id: '', client: 'c', worker: 'w', tokens, atMs: 0 });
  }

  commit(): this {
    const number = this.books.nextCommit;
    this.apply({ type: 'committing', number, session: 's' });
    return this.apply({ type: 'committed', number, session: 's' });
  }

  retire(): this {
    return this.apply({ type: 'retiring', instance: 'proxy', phase: 'closing', closeAtSec: 0 });
  }

  run(requests: number): this {
    this.#running.set('c', requests);
    return this;
  }

  /** @param asked a total that the client is to be charged */
  rules(asked?: bigint): DueRules {
    const running = (owner?: string) => (owner === undefined || owner === 'c' ? (this.#running.get('c') ?? 0) : 0);
    const client = new Map(asked === undefined ? [] : [['c', asked]]);
    return {
      policy: { chargeAt: 1_000n, leastCharge: 100n, payoutAt: 1_400n },
      running,
      asked: { client, worker: new Map() },
    };
  }

  due(asked?: bigint): readonly string[] {
    return dues(this.instance, this.rules(asked)).map(({ kind, owner, total }) => `${kind} ${owner} ${total}`);
  }
}

describe('what is due', () => {
  it('is a charge from 1,000 on and a payout from 1,400 on', () => {
    assert.deepEqual(new Case().charge(99n).commit().due(), []);
    assert.deepEqual(new Case().charge(100n).commit().due(), ['charge c 100']);
    assert.deepEqual(new Case().charge(200n).commit().due(), ['charge c 200', 'payout w 200']);
  });

  it('is a charge from half the stake on, so that a small stake does not come to its end first', () => {
    const small = (stake: bigint) => new Case({ stake });
    assert.deepEqual(small(1_000n).charge(49n).commit().due(), []);
    assert.deepEqual(small(1_000n).charge(50n).commit().due(), ['charge c 50']);
    assert.deepEqual(small(0n).charge(9n).commit().due(), []);
    assert.deepEqual(small(0n).charge(10n).commit().due(), ['charge c 10']);
  });

  it('hazard 5: states the committed total, however much more was counted', () => {
    assert.deepEqual(new Case().charge(5_000n).due(), []);
    assert.deepEqual(new Case().charge(200n).commit().charge(5_000n).due(), ['charge c 200', 'payout w 200']);
  });

  it('is less what the chain has charged and paid already', () => {
    const settled = new Case().charge(200n).commit().see({ used: 150n, balance: 98_500n });
    settled.apply({ type: 'worker-seen', instance: 'proxy', worker: 'w', contract: { state: 'running', paid: 100n } });
    assert.deepEqual(settled.due(), []);
    assert.deepEqual(settled.charge(100n).commit().due(), ['charge c 300', 'payout w 300']);
  });

  it('is anything at all once it was asked for, as soon as it is committed', () => {
    const asked = 3n;
    const small = new Case().charge(3n);
    assert.deepEqual(small.due(asked), []);
    assert.equal(waitsForCommit(small.instance, small.rules(asked)), true);
    assert.deepEqual(small.commit().due(asked), ['charge c 3']);
    assert.equal(waitsForCommit(small.instance, small.rules(asked)), false);
    assert.equal(isAnswered(small.instance, 'client', 'c', asked), false);
    assert.equal(isAnswered(small.see({ used: 3n }).instance, 'client', 'c', asked), true);
    assert.equal(isAnswered(small.instance, 'client', 'nobody', asked), true);
    assert.equal(isAnswered(small.instance, 'worker', 'w', asked), false);
  });
});

describe('the end of a client', () => {
  it('is a refund with its final total, when no request runs and all is committed', () => {
    const leaving = new Case().charge(5n).see({ state: 'closing' }).run(1);
    assert.deepEqual(leaving.due(), []);
    assert.equal(waitsForCommit(leaving.instance, leaving.rules()), false);
    leaving.run(0);
    assert.equal(waitsForCommit(leaving.instance, leaving.rules()), true);
    assert.deepEqual(leaving.due(), []);
    assert.deepEqual(leaving.commit().due(), ['refund c 5']);
  });

  it('hazard 7: is no refund any more once the contract is closed, unless it could not be paid in full', () => {
    const gone = new Case().see({ state: 'closed', balance: 0n });
    assert.deepEqual(gone.due(), []);
    assert.deepEqual(gone.see({ state: 'closed', balance: 7n }).due(), ['refund c 0']);
  });

  it('is no charge: the refund states the same total', () => {
    assert.deepEqual(new Case().charge(500n).commit().see({ state: 'closing' }).due(), [
      'refund c 500',
      'payout w 500',
    ]);
  });
});

describe('a retired contract', () => {
  it('refunds every client and pays every worker out, whatever the amounts', () => {
    const retired = new Case().charge(1n).commit().retire();
    assert.deepEqual(unsettled(retired.instance), { clients: 1, workers: 1 });
    assert.deepEqual(retired.due(), ['refund c 1', 'lastPayout w 1']);
  });

  it('hazard 10: waits for requests that finish late, and counts them', () => {
    const retired = new Case().retire().run(1);
    assert.deepEqual(retired.due(), []);
    retired.charge(9n).run(0);
    assert.equal(waitsForCommit(retired.instance, retired.rules()), true);
    assert.deepEqual(retired.commit().due(), ['refund c 9', 'lastPayout w 9']);
  });

  it('is settled when the chain shows everybody closed', () => {
    const retired = new Case().charge(1n).commit().retire().see({ state: 'closed', used: 1n, balance: 0n });
    retired.apply({ type: 'worker-seen', instance: 'proxy', worker: 'w', contract: { state: 'closed', paid: 1n } });
    assert.deepEqual(retired.due(), []);
    assert.deepEqual(unsettled(retired.instance), { clients: 0, workers: 0 });
  });
});

it('what is not committed is worth its price', () => {
  assert.equal(uncommitted(new Case().charge(5n).commit().charge(3n).instance), 30n);
});
