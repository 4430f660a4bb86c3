/** The whole client over real sockets: proof of work, mutual TLS, frames; the proxy side is this repository's listener. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { silentLogger, systemClock } from '@bombyx/base';
import { anyPolicy, type Connection, createIdentity, type Listener, listen } from '@bombyx/transport';
import type { TlObject } from '@bombyx/wire';
import { type ClientError, createClient, parseClientConfig } from '../src/index.ts';
import { BASE_CONFIG, request, Transcript } from './network.ts';
import { httpResponse, rootWith, ScriptedProxy, usage } from './scripted-proxy.ts';

/** A scripted proxy behind a real listener; `onRun` gets what the client sends one-way. */
async function proxyServer(
  attestation: 'none' | 'fake_tdx',
  onMessage: (message: TlObject, to: Connection) => void,
): Promise<Listener> {
  const script = new ScriptedProxy(rootWith(), { host: '127.0.0.1', port: 1 });
  const brain = script.accept(() => ({ onMessage: () => {}, onQuery: () => Promise.reject(new Error('not asked')) }));
  const identity = await createIdentity({ attestation });
  return listen(
    { host: '127.0.0.1', port: 0, security: { kind: 'tls', identity, policy: anyPolicy(), pow: { difficulty: 4 } } },
    (connection) => ({
      onMessage: (message) => onMessage(message, connection),
      onQuery: (fn) => brain.query(fn, { timeoutMs: 1_000 }),
    }),
    { clock: systemClock, log: silentLogger },
  );
}

const clientOf = (listener: Listener, config: Record<string, unknown> = {}) =>
  createClient(parseClientConfig({ ...BASE_CONFIG, ...config }), {
    clock: systemClock,
    log: silentLogger,
    root: rootWith(`127.0.0.1:${listener.port}`),
  });

/** Resolves when the sink was told the end, either way. */
class Awaited extends Transcript {
  readonly done = Promise.withResolvers<void>();
  override end(...args: Parameters<Transcript['end']>): void {
    super.end(...args);
    this.done.resolve();
  }
  override error(error: ClientError): void {
    super.error(error);
    this.done.resolve();
  }
}

it('sends a request through TLS and gets a streamed answer back', { timeout: 60_000 }, async () => {
  await using listener = await proxyServer('fake_tdx', (message, to) => {
    if (message.kind !== 'bombyx.runQuery') return;
    const { request_id } = message;
    to.send({ kind: 'bombyx.answerHead', request_id, answer: httpResponse(), flags: 0 });
    for (let i = 0; i < 20; i += 1)
      to.send({ kind: 'bombyx.answerPart', request_id, data: Buffer.from(`data: ${i}\n\n`), flags: 0 });
    const final_info = { kind: 'bombyx.finalInfo', flags: 0, tokens_used: usage(1n, 20n) } as const;
    to.send({ kind: 'bombyx.answerPart', request_id, data: Buffer.alloc(0), flags: 1, final_info });
  });
  await using client = await clientOf(listener, { proxy_policy: 'fake_tdx' });
  await client.whenReady(AbortSignal.timeout(30_000));
  assert.equal(client.snapshot().proxy_connections[0]?.attestation, 'fake_tdx');
  const sink = new Awaited();
  client.run(request(), sink);
  await sink.done.promise;
  assert.equal(sink.failure, undefined);
  assert.equal(sink.body, Array.from({ length: 20 }, (_, i) => `data: ${i}\n\n`).join(''));
  assert.equal(sink.final?.tokens.total, 21n);
});

it('fails what runs within a second when the proxy dies, and serves again once it is back', {
  timeout: 60_000,
}, async () => {
  const connections: Connection[] = [];
  await using listener = await proxyServer('none', (message, to) => {
    connections.push(to);
    if (message.kind === 'bombyx.runQuery')
      to.send({ kind: 'bombyx.answerHead', request_id: message.request_id, answer: httpResponse('x'), flags: 0 });
  });
  await using client = await clientOf(listener);
  await client.whenReady(AbortSignal.timeout(30_000));
  const sink = new Awaited();
  client.run(request(), sink);
  while (sink.events.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  connections[0]?.close();
  await sink.done.promise;
  assert.equal(sink.code, 'CLIENT_PROXY_LOST');
  await client.whenReady(AbortSignal.timeout(30_000));
  assert.equal(client.ready, true);
});

it('sends nothing to a proxy that proves less than its policy asks for, and says why', {
  timeout: 60_000,
}, async () => {
  const heard: string[] = [];
  await using listener = await proxyServer('none', ({ kind }) => void heard.push(kind));
  await using client = await clientOf(listener, { proxy_policy: 'fake_tdx' });
  await assert.rejects(client.whenReady(AbortSignal.timeout(1_500)));
  assert.equal(client.ready, false);
  assert.match(client.snapshot().proxy_connections[0]?.last_error ?? '', /no evidence of a machine/);
  assert.match(
    client.snapshot().status.problem ?? '',
    /no proxy proves what it must: .*policy fake_tdx.*no evidence of a machine/,
  );
  const sink = new Awaited();
  client.run(request(), sink);
  await sink.done.promise;
  assert.equal(sink.code, 'CLIENT_UNPROVEN');
  assert.match(sink.failure?.message ?? '', /nothing is sent, because .*no evidence of a machine/);
  await assert.rejects(client.models(), { code: 'CLIENT_UNPROVEN' });
  assert.deepEqual(heard, []);
});
