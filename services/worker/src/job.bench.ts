/**
 * What a request costs a worker: judged, sent to an inference server in a process of its own, answered, billed and
 * encoded; everything but the sockets to the proxy.
 */
import { fork } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TlObject } from '@bombyx/wire';
import { Bench } from 'tinybench';
import { event, json, lastEvents, usage } from '../testing/backend.ts';
import { httpRequest, runJob } from '../testing/fake-proxy.ts';
import { Rig } from '../testing/rig.ts';

const EVENTS = 100;
const AT_ONCE = 50;

if (process.send) serve();
else await measure();

function serve(): void {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      if (!body.includes('"stream":true')) {
        json(response, { choices: [{ index: 0, message: { content: 'hello' } }], usage: usage(10, 5) });
        return;
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (let i = 0; i < EVENTS; i += 1) response.write(event('hello'));
      response.end(lastEvents(10, EVENTS));
    });
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
}

async function measure(): Promise<void> {
  const server = fork(process.argv[1]!);
  const port = await new Promise<number>((resolve) => server.once('message', (message) => resolve(Number(message))));
  await using rig = await Rig.ready(() => {}, { origin: `http://127.0.0.1:${port}`, maxActive: 2 * AT_ONCE });
  const waiting = new Map<string, () => void>();
  const { connection } = rig;
  const send = connection.send.bind(connection);
  connection.send = (message: TlObject) => {
    send(message);
    connection.sent.length = 0;
    if ('final_info' in message && message.final_info !== undefined && 'request_id' in message) {
      waiting.get(String(message.request_id))?.();
    }
    return true;
  };
  const run = (query: Buffer) =>
    new Promise<void>((resolve) => {
      const message = runJob(query);
      waiting.set(String(message.request_id), resolve);
      rig.session.onMessage(message);
    });
  const chat = { model: 'm', messages: [{ role: 'user', content: 'hi' }] };
  const small = httpRequest(chat);
  const stream = httpRequest({ ...chat, stream: true });
  const bench = new Bench({ name: 'worker/job', time: 1_000 });
  bench.add('small request, one at a time', () => run(small));
  bench.add(`${AT_ONCE} small requests at once`, async () => {
    await Promise.all(Array.from({ length: AT_ONCE }, () => run(small)));
  });
  bench.add(`${AT_ONCE} streams of ${EVENTS} events at once`, async () => {
    await Promise.all(Array.from({ length: AT_ONCE }, () => run(stream)));
  });
  await bench.run();
  console.table(bench.table());
  server.kill();
}
