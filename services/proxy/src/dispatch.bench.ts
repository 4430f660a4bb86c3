import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, tokens } from '@bombyx/base';
import { NO_TOKENS } from '@bombyx/ledger';
import { Bench } from 'tinybench';
import { createBench, seeded, TestKeeper, turns } from '../testing/harness.ts';
import { BODY, head, httpRequest, lastPart, OWNER, run, someOwner, used } from '../testing/messages.ts';
import { readBody } from './body.ts';
import { select, type WorkerView } from './select.ts';
import { Cashier } from './settle.ts';

/** What a request costs inside the proxy, without sockets: the whole path, and its three dearest pieces. */
const bench = new Bench({ name: 'proxy', time: 500 });
const proxy = createBench();
const [client, worker] = [await proxy.client(), await proxy.worker({ limit: 1_000 })];
const query = httpRequest(BODY);

bench.add('50 requests through the proxy, durable in memory only', async () => {
  client.connection.sent.length = 0;
  worker.connection.sent.length = 0;
  for (let i = 0; i < 50; i += 1) client.tell(run({ query }));
  for (const { request_id } of worker.got('bombyx.runJob')) {
    worker.tell(head(request_id));
    worker.tell(lastPart(request_id, 'hello', used(1, 1)));
  }
  await turns(2);
});

const views = Array.from(
  { length: 100 },
  (_, i): WorkerView => ({
    id: `w${i}`,
    seed: i * 7_919,
    coefficient: 1_000,
    enabled: true,
    running: i % 7,
    limit: 60,
    ramp: 60,
    firstByteMs: 50,
    success: 1,
  }),
);
const random = seeded(1);
bench.add('select among 100 workers', () => {
  select(views, { maxCoefficient: 4_000, prefix: undefined, tried: undefined }, random);
});

const body = Buffer.from(JSON.stringify({ ...BODY, messages: [{ role: 'user', content: 'x'.repeat(64 << 10) }] }));
bench.add('read the limits of a body of 64 KiB', () => {
  readBody(body);
});

const folder = mkdtempSync(join(tmpdir(), 'bombyx-bench-'));
const keeper = new TestKeeper({ path: join(folder, 'bench.sqlite') }, { clock: systemClock });
const disk = createBench({ keeper });
const cashier = new Cashier({ keeper, clock: systemClock });
const [payer, earner] = [disk.core.sessions.parties.client(someOwner(1))!, disk.core.sessions.parties.worker(OWNER)!];
const billed = { ...NO_TOKENS, prompt: tokens(1n), completion: tokens(1n), total: tokens(2n) };
const charge = () => cashier.charge({ id: randomBytes(32), client: payer, worker: earner, tokens: billed });
bench.add('commit 1 charge to the disk', charge);
bench.add('commit 20 charges to the disk', () => Promise.all(Array.from({ length: 20 }, charge)).then(() => {}));

await bench.run();
console.table(bench.table());
keeper[Symbol.dispose]();
rmSync(folder, { recursive: true, force: true });
