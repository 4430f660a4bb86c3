/**
 * What money costs a request: the whole proxy without sockets, once with books on disk, once with books that keep nothing.
 * `node services/proxy/src/settlement.bench.ts`
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@bombyx/base';
import type { LedgerEvent } from '@bombyx/ledger';
import { type Bench, createBench, type Peer, TestKeeper } from '../testing/harness.ts';
import { BODY, head, httpRequest, lastPart, run, used } from '../testing/messages.ts';

const ROUNDS = 9;
const ALONE = 300;
const TOGETHER = 20_000;
const IN_FLIGHT = 50;
/** As the proxy gathers under load. */
const GATHER_MS = 2;
const query = httpRequest(BODY);

/** Books in which facts count without being written down. */
class NoBooks extends TestKeeper {
  override record(..._events: readonly LedgerEvent[]): Promise<void> {
    return Promise.resolve();
  }
}

interface Contender {
  readonly bench: Bench;
  readonly client: Peer;
  readonly worker: Peer;
  /** Milliseconds from the end of a worker's answer to the end of the client's, one request at a time. */
  readonly alone: number[];
  readonly perSecond: number[];
}

async function contender(keeper: TestKeeper): Promise<Contender> {
  const bench = createBench({ keeper });
  const [client, worker] = [await bench.client(), await bench.worker({ limit: 1_000 })];
  return { bench, client, worker, alone: [], perSecond: [] };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Sends `count` requests and answers them; resolves when the client has all ends. */
async function serve({ client, worker }: Contender, count: number): Promise<void> {
  client.connection.sent.length = 0;
  worker.connection.sent.length = 0;
  for (let i = 0; i < count; i += 1) client.tell(run({ query }));
  for (const { request_id } of worker.got('bombyx.runJob')) {
    worker.tell(head(request_id));
    worker.tell(lastPart(request_id, 'hello', used(10, 10)));
  }
  while (client.connection.sent.length < 2 * count) await turn();
}

async function measureAlone(one: Contender): Promise<void> {
  const { client, worker } = one;
  for (let i = 0; i < ALONE; i += 1) {
    client.connection.sent.length = 0;
    worker.connection.sent.length = 0;
    client.tell(run({ query }));
    const { request_id } = worker.the('bombyx.runJob');
    worker.tell(head(request_id));
    const start = performance.now();
    worker.tell(lastPart(request_id, 'hello', used(10, 10)));
    while (client.connection.sent.length < 2) await turn();
    one.alone.push(performance.now() - start);
  }
}

async function measureTogether(one: Contender): Promise<void> {
  const start = performance.now();
  for (let done = 0; done < TOGETHER; done += IN_FLIGHT) await serve(one, IN_FLIGHT);
  one.perSecond.push((1_000 * TOGETHER) / (performance.now() - start));
}

const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;

const folder = mkdtempSync(join(tmpdir(), 'bombyx-bench-'));
let inFlight = 0;
const gatherMs = () => (inFlight > 1 ? GATHER_MS : 0);
const onDisk = new TestKeeper({ path: join(folder, 'books.sqlite'), gatherMs }, { clock: systemClock });
const contenders: Readonly<Record<string, Contender>> = {
  'with books on disk': await contender(onDisk),
  'without money': await contender(new NoBooks({ path: ':memory:' }, { clock: systemClock })),
};
for (let round = 0; round < ROUNDS; round += 1) {
  for (const one of Object.values(contenders)) {
    inFlight = 1;
    await measureAlone(one);
    inFlight = IN_FLIGHT;
    await measureTogether(one);
  }
}
console.table(
  Object.entries(contenders).map(([name, { alone, perSecond }]) => ({
    proxy: name,
    'settled requests/s, 50 at once': Math.round(median(perSecond)),
    'end of answer, alone: p50 ms': Number(median(alone).toFixed(3)),
  })),
);
for (const { bench } of Object.values(contenders)) bench[Symbol.dispose]();
rmSync(folder, { recursive: true, force: true });
