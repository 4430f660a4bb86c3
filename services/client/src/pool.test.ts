import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type Random, silentLogger } from '@bombyx/base';
import { FakeClock, turn } from '@bombyx/testkit';
import { BASE_CONFIG } from '../testing/network.ts';
import { rootWith, ScriptedProxy } from '../testing/scripted-proxy.ts';
import { openClient } from './client.ts';
import { parseClientConfig } from './config.ts';
import type { Keep } from './target.ts';

/** A client of `registered` proxies of which only those in `alive` answer. */
async function pool(
  registered: number,
  alive: readonly number[],
  config: Record<string, unknown> = {},
  random?: Random,
) {
  const clock = new FakeClock();
  const root = rootWith(...Array.from({ length: registered }, (_, i) => `127.0.0.1:${8000 + i} 127.0.0.1:${9000 + i}`));
  const kept = new Map<number, ScriptedProxy | undefined>();
  const started: number[] = [];
  const keep: Keep = (endpoint, handlersFor, serve) => {
    const proxy = alive.includes(endpoint.port - 9000) ? new ScriptedProxy(root, endpoint) : undefined;
    kept.set(endpoint.port - 9000, proxy);
    started.push(endpoint.port - 9000);
    const connection = proxy?.accept(handlersFor);
    if (connection) void serve(connection, connection.signal).catch(() => {});
    return {
      lastError: undefined,
      close: () => {
        proxy?.lose();
        kept.delete(endpoint.port - 9000);
      },
    };
  };
  const client = await openClient(
    parseClientConfig({ ...BASE_CONFIG, ...config }),
    { clock, log: silentLogger, root, ...(random ? { random } : {}) },
    keep,
  );
  await turn();
  return { client, clock, kept, started };
}

const everyone = [0, 1, 2, 3, 4];

it('connects to two proxies by default, at their addresses for clients', async () => {
  const { client, kept } = await pool(5, everyone);
  assert.equal(kept.size, 2);
  assert.equal(client.snapshot().proxy_connections.filter(({ is_ready }) => is_ready).length, 2);
});

it('connects to all when fewer are registered than wanted, and to none when told so', async () => {
  assert.equal((await pool(1, everyone)).kept.size, 1);
  assert.equal((await pool(3, everyone, { proxy_connections: 64 })).kept.size, 3);
  assert.equal((await pool(3, everyone, { proxy_connections: 0 })).kept.size, 0);
  assert.equal((await pool(0, everyone)).kept.size, 0);
});

it('gives up a proxy that is not ready for 300 s and takes another one', async () => {
  const firstOfAll = { bytes: (size: number) => Buffer.alloc(size) };
  const { client, clock, kept } = await pool(2, [1], { proxy_connections: 1 }, firstOfAll);
  await clock.advanceGently(299_000);
  assert.deepEqual([...kept.keys()], [0]);
  await clock.advanceGently(5_000);
  assert.deepEqual([...kept.keys()], [1]);
  assert.equal(client.ready, true);
});

it('keeps a ready proxy for ever, and a dead one where there is no other', async () => {
  const alive = await pool(2, [0, 1], { proxy_connections: 1 });
  const before = [...alive.kept.keys()];
  await alive.clock.advanceGently(3_600_000);
  assert.deepEqual([...alive.kept.keys()], before);
  const dead = await pool(1, []);
  await dead.clock.advanceGently(3_600_000);
  assert.deepEqual(dead.started, [0]);
});

it('tells who waits for the first proxy', async () => {
  const { client } = await pool(1, [0]);
  await client.whenReady();
  const { client: never } = await pool(1, []);
  const leaving = new AbortController();
  const waiting = never.whenReady(leaving.signal);
  leaving.abort(new Error('gone'));
  await assert.rejects(waiting, /gone/);
  const closing = never.whenReady();
  await never[Symbol.asyncDispose]();
  await assert.rejects(closing, /closed/);
});

it('asks for the payment status every 10 to 20 s while connected', async () => {
  const { clock, kept } = await pool(1, [0]);
  const proxy = kept.get(0);
  await clock.advanceGently(100_000);
  const asked = proxy?.queries.filter(({ kind }) => kind === 'client.updatePaymentStatus').length ?? 0;
  assert.ok(asked >= 4 && asked <= 10, String(asked));
  proxy?.lose();
  await clock.advanceGently(100_000);
  assert.equal(proxy?.queries.filter(({ kind }) => kind === 'client.updatePaymentStatus').length, asked);
});
