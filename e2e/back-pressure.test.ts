/** A reader that is slower than the inference server slows the server down, and nobody else. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { after, afterEach, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, chat } from './testing/ask.ts';
import { PROMPT_TOKENS } from './testing/backend.ts';
import { Network } from './testing/network.ts';
import { until } from './testing/until.ts';

const MEGABYTE = 1024 * 1024;
const STREAM_BYTES = 60 * MEGABYTE;
/** What kernel buffers, windows and queues of all hops may swallow together. */
const MOST_AHEAD_BYTES = 20 * MEGABYTE;

let network: Network;
before(async () => {
  network = await Network.start();
});
after(() => network[Symbol.asyncDispose]());
afterEach(() => network.settled());

it('stops the server while the reader pauses, serves others meanwhile, and completes when it goes on', async () => {
  const { backend } = network;
  const startedAt = backend.written();
  const billedBefore = network.billed().used;
  const answer = await open(`bytes=${STREAM_BYTES} chunks=3`, { 'x-bombyx-timeout-idle': '1.5' });
  await stalled();
  const ahead = backend.written() - startedAt;
  assert.ok(ahead > 0 && ahead < MOST_AHEAD_BYTES, `${ahead} bytes ahead of the reader`);
  assert.ok(network.proxy.snapshot().buffered_bytes <= 2 * MEGABYTE);

  await sleep(1_600); // longer than the idle limit, which is for slow servers and not for slow readers
  const others = await Promise.all(Array.from({ length: 10 }, () => ask(network, chat(''))));
  assert.ok(others.every(({ status }) => status === 200));
  assert.equal(backend.running(), 1);

  let read = 0;
  let tail = '';
  for await (const chunk of answer) {
    read += (chunk as Buffer).length;
    tail = (tail + (chunk as Buffer).toString('latin1')).slice(-256);
  }
  assert.ok(answer.complete);
  assert.match(tail, /data: \[DONE\]\n\n$/);
  assert.ok(read > STREAM_BYTES, `${read} bytes`);
  const othersCost = 10 * (PROMPT_TOKENS + 17);
  assert.equal(network.billed().used - billedBefore, PROMPT_TOKENS + 3 + othersCost);
});

it('lets go of everything when a reader that paused leaves', async () => {
  const { backend } = network;
  const abandoned = backend.abandoned();
  const answer = await open(`bytes=${STREAM_BYTES}`);
  await stalled();
  answer.destroy();
  await until('the server is told', () => backend.abandoned() > abandoned);
});

/** A streamed answer of which nothing is read beyond what came with the head. */
async function open(orders: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  const sending = httpRequest(`${network.baseUrl}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
  });
  sending.end(JSON.stringify(chat(orders, { stream: true })));
  const [answer] = (await once(sending, 'response')) as [IncomingMessage];
  answer.on('error', () => {});
  return answer;
}

/** Waits until the server has not written anything for a while. */
async function stalled(): Promise<void> {
  const { backend } = network;
  let last = backend.written();
  let since = performance.now();
  await until('the server stops', () => {
    const now = backend.written();
    if (now !== last) [last, since] = [now, performance.now()];
    return now > 0 && performance.now() - since > 400;
  });
}
