/** What the log says of the inference server. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { it } from 'node:test';
import { type Logger, silentLogger } from '@bombyx/base';
import { FakeClock } from '@bombyx/testkit';
import { eventually } from '../testing/soon.ts';
import { UplinkMonitor } from './uplink.ts';

it('a server that refuses our key is said to do that, and not to be down', async () => {
  let status = 401;
  const server = createServer((_request, response) => response.writeHead(status).end('{}'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const lines: string[] = [];
  const write = (message: string) => lines.push(message);
  const log: Logger = { ...silentLogger, info: write, warn: write, child: () => log };
  const clock = new FakeClock();
  const verdicts: boolean[] = [];
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  {
    await using uplink = new UplinkMonitor(
      { origin, apiKey: 'k' },
      { clock, log, onChange: (good) => verdicts.push(good) },
    );
    const next = async (code: number, count: number) => {
      status = code;
      clock.advance(2_000);
      await eventually(() => lines.length === count);
    };
    await eventually(() => lines.length === 1);
    await next(403, 2);
    await next(500, 3);
    await next(200, 4);
    assert.equal(uplink.good, true);
  }
  assert.deepEqual(lines, [
    'the inference server refuses our key (401)',
    'the inference server refuses our key (403)',
    'the inference server is down',
    'the inference server is up',
  ]);
  assert.deepEqual(verdicts, [false, true]);
  server.close();
});
