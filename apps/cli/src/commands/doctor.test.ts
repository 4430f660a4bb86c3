import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { text } from 'node:stream/consumers';
import { it } from 'node:test';

const main = new URL('../main.ts', import.meta.url).pathname;

it('says where the key goes when the inference server wants one', async () => {
  const server = createServer((_request, response) => response.writeHead(401).end('{}')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const args = [main, 'doctor', '--json', '--data-dir', tmpdir(), '--forward-to', address];
  const out = await text(spawn(process.execPath, args).stdout);
  server.closeAllConnections();
  server.close();
  const fix = `put its key into "upstream_api_key" of the worker's configuration`;
  const finding = { check: 'inference server', level: 'note', found: `${address} wants an API key`, fix };
  assert.deepEqual(JSON.parse(out.trimEnd().split('\n').at(-1)!), finding);
});
