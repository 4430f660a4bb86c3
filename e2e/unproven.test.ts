/** A network that asks for enclaves and has none: no prompt leaves the client, and everybody says why and what to do. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { freePorts } from '../apps/cli/src/ports.ts';
import { here, Up } from './testing/command.ts';

const WHY = /no proxy proves what it must: .*policy tdx: POLICY_KIND: .*SIMULATED.*what to do/;
const folder = mkdtempSync(join(tmpdir(), 'bombyx-unproven-'));
after(() => rmSync(folder, { recursive: true, force: true }));

it('a network with policy tdx and simulated machines sends no prompt', { timeout: 180_000 }, async () => {
  const [port] = (await freePorts(1)) as [number];
  await using up = new Up(folder, port, { more: ['--policy', 'tdx'] });
  const warning = await up.event(({ event }) => event === 'warning', 0, 150_000);
  assert.match(String(warning['message']), WHY);

  const answer = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'bombyx-tiny', messages: [{ role: 'user', content: 'a secret' }] }),
  });
  assert.equal(answer.status, 503);
  assert.equal(answer.headers.get('x-should-retry'), 'false');
  const { error } = (await answer.json()) as { error: { code: string; message: string } };
  assert.equal(error.code, 'unproven');
  assert.match(error.message, WHY);

  assert.match((await here('status', '--data-dir', folder)).stdout, WHY);
  assert.match(readFileSync(join(folder, 'logs', 'client.log'), 'utf8'), /policy tdx: POLICY_KIND/);

  const config = JSON.parse(readFileSync(join(folder, 'proxy.json'), 'utf8')) as Record<string, string>;
  const stats = `http://127.0.0.1:${config['http_port']}/jsonstats?access_hash=${config['http_access_hash']}`;
  const { clients } = (await (await fetch(stats)).json()) as { clients: unknown[] };
  assert.deepEqual(clients, [], 'the proxy has seen no client, much less a prompt');
});
