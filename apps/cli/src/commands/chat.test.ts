/** `bombyx chat` before servers that are not what it was told. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { it } from 'node:test';

const main = new URL('../main.ts', import.meta.url).pathname;

/** What the command says about a server at `path`. */
async function ask(path: string, listener: RequestListener, ...args: string[]) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  const child = spawn(process.execPath, [main, 'chat', 'hi', '--model', 'm', '--base-url', baseUrl, ...args]);
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  server.closeAllConnections();
  server.close();
  return { baseUrl, out, err };
}

const page: RequestListener = (_request, response) => response.writeHead(404).end('<html>not here</html>');
const empty: RequestListener = (_request, response) => response.writeHead(200).end('<html>welcome</html>');
const refusal: RequestListener = (_request, response) =>
  response.writeHead(429).end(JSON.stringify({ error: { message: 'not so fast', code: 'rate_limit_exceeded' } }));

for (const [what, listener] of [
  ['404', page],
  ['web page', empty],
] as const) {
  it(`says that a base URL ends in /v1 when a ${what} answers at one that does not`, async () => {
    const { baseUrl, err } = await ask('', listener);
    assert.equal(err, `bombyx: ${baseUrl} is not an OpenAI API: its base URL ends in /v1, try ${baseUrl}/v1\n`);
  });
}

it('does not send somebody to /v1 who is there', async () => {
  assert.match((await ask('/v1', page)).err, /\/v1 is not an OpenAI API: it answers 404\n$/);
});

it('gives the code with the sentence, as JSON', async () => {
  const { out } = await ask('/v1', page, '--json');
  assert.equal((JSON.parse(out) as { code: string }).code, 'CLI_NOT_AN_API');
  const refused = JSON.parse((await ask('/v1', refusal, '--json')).out) as object;
  assert.deepEqual(refused, { event: 'error', code: 'CLI_REFUSED', message: '429 rate_limit_exceeded: not so fast' });
});
