/** Which worker gets a request: the cheaper one, equal ones in turn, and never one that does not want it. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { type Clock, systemClock } from '@bombyx/base';
import { ask, chat, type Reply } from './testing/ask.ts';
import { Network, type WorkerNode } from './testing/network.ts';
import { until } from './testing/until.ts';

let network: Network;
let atStart: readonly number[];

const served = () => network.workers.map(({ backend }, at) => backend.requests() - (atStart[at] ?? 0));

/** One after another, so that every worker is idle at each choice. No two prompts are the same. */
async function askInTurn(count: number, fields: object = {}): Promise<Reply[]> {
  const replies: Reply[] = [];
  for (let at = 0; at < count; at += 1) replies.push(await ask(network, chat(`chunks=1 n=${Math.random()}`, fields)));
  return replies;
}

/** Time that a test can let pass at once. Dates stay what they are. */
class LateClock implements Clock {
  #skippedMs = 0;

  nowMs(): number {
    return systemClock.nowMs();
  }

  monotonicMs(): number {
    return systemClock.monotonicMs() + this.#skippedMs;
  }

  after(delayMs: number, task: () => void): () => void {
    return systemClock.after(delayMs, task);
  }

  skip(ms: number): void {
    this.#skippedMs += ms;
  }
}

async function switchTo({ worker }: WorkerNode, enabled: boolean): Promise<void> {
  const offers = () => network.proxy.snapshot().worker_connections.filter((connection) => connection.enabled).length;
  const before = offers();
  worker.setEnabled(enabled);
  await until('the proxy knows', () => offers() === before + (enabled ? 1 : -1));
}

function choosing(coefficients: readonly number[], proxyClock: Clock = systemClock): void {
  before(async () => {
    network = await Network.start({ workers: coefficients.map((coefficient) => ({ coefficient })), proxyClock });
  });
  after(() => network[Symbol.asyncDispose]());
  beforeEach(() => {
    atStart = network.workers.map(({ backend }) => backend.requests());
  });
  afterEach(() => network.settled());
}

describe('of a cheap and a dear worker', () => {
  choosing([1_000, 2_000]);

  it('the cheap one gets the traffic', async () => {
    await askInTurn(30);
    const [cheap = 0, dear = 0] = served();
    assert.equal(cheap + dear, 30);
    assert.ok(cheap >= 27, `${cheap} went to the cheap one`);
  });

  it('the dear one gets nothing from a caller who does not pay it, even when the cheap one is gone', async () => {
    const [cheap] = network.workers;
    await switchTo(cheap!, false);
    const [refused] = await askInTurn(1, { max_coefficient: 1_500 });
    assert.equal(refused?.status, 409);
    const [paid] = await askInTurn(1, { max_coefficient: 2_000 });
    assert.equal(paid?.status, 200);
    assert.deepEqual(served(), [0, 1]);
    await switchTo(cheap!, true);
  });

  it('the dear one gets the traffic once it is the cheaper one', async () => {
    const { worker } = network.workers[1]!;
    const price = () => network.proxy.snapshot().worker_connections.map(({ coefficient }) => coefficient);
    worker.setCoefficient(100);
    await until('the proxy knows', () => price().includes(100));
    await askInTurn(20);
    assert.ok(served()[1]! >= 18, `${served()[1]} went to the new price`);
    worker.setCoefficient(2_000);
    await until('the proxy knows', () => price().includes(2_000));
  });
});

describe('of two equal workers', () => {
  choosing([1_000, 1_000]);

  it('each gets a fair share', async () => {
    await askInTurn(80);
    const [one = 0, other = 0] = served();
    assert.equal(one + other, 80);
    assert.ok(Math.min(one, other) >= 16, `${one} and ${other}`);
  });

  it('the same one gets the same prompt again, for its warm cache', async () => {
    for (let at = 0; at < 12; at += 1) await ask(network, chat('chunks=1 the same words'));
    assert.ok(Math.max(...served()) >= 11, served().join(' and '));
  });

  it('one that is switched off gets nothing until it is switched on again', async () => {
    const [off] = network.workers;
    await switchTo(off!, false);
    await askInTurn(12);
    assert.deepEqual(served(), [0, 12]);
    await switchTo(off!, true);
    await askInTurn(24);
    assert.ok(served()[0]! > 0);
  });

  it('both work when many requests come at once', async () => {
    const replies = await Promise.all(Array.from({ length: 40 }, (_, n) => ask(network, chat(`first_ms=50 n=${n}`))));
    assert.ok(replies.every(({ status }) => status === 200));
    assert.ok(Math.min(...served()) >= 8, served().join(' and '));
  });
});

describe('of two equal workers one of which was slow', () => {
  const clock = new LateClock();
  choosing([1_000, 1_000], clock);

  it('the slow one loses traffic, and gets its share again when that is long ago', async () => {
    const [slow, other] = network.workers;
    await switchTo(other!, false);
    await ask(network, chat('first_ms=1500 chunks=1')); // a cold start, say
    await switchTo(other!, true);
    await switchTo(slow!, false);
    await askInTurn(1); // now both are known
    await switchTo(slow!, true);
    atStart = network.workers.map(({ backend }) => backend.requests());
    await askInTurn(10);
    assert.ok(served()[1]! >= 8, `${served()[1]} went to the other one`);

    for (let minutes = 0; minutes < 5; minutes += 1) {
      for (let third = 0; third < 3; third += 1) {
        clock.skip(20_000); // less than a connection may be silent
        await askInTurn(1);
      }
    }
    atStart = network.workers.map(({ backend }) => backend.requests());
    await askInTurn(40);
    assert.ok(slow!.backend.requests() > atStart[0]!, 'five minutes later it still gets nothing');
  });
});
