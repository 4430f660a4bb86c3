import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { parseAddress, verifyPayment } from '@bombyx/ton';
import { QueryError } from '@bombyx/transport';
import type { TlFunction } from '@bombyx/wire';
import { createBench, type Peer, turns } from '../testing/harness.ts';
import { connectClient, connectWorker, MODEL, run, someOwner } from '../testing/messages.ts';

const long: TlFunction = { kind: 'client.authorizeWithProxyLong' };
const short = (data: string): TlFunction => ({ kind: 'client.authorizeWithProxyShort', data: Buffer.from(data) });
const zeros = { tokens_committed_to_blockchain: 0n, tokens_committed_to_db: 0n, max_tokens: 0n };
const compare: TlFunction = { kind: 'worker.compareBalanceWithProxy', ...zeros };
const complete: TlFunction = { kind: 'worker.proxyHandshakeComplete', is_disabled: false };

/** Asks, and expects the refusal; `closes` says whether the connection ends behind it. */
async function refused(peer: Peer, fn: TlFunction, code: number, text: string, closes = true): Promise<void> {
  await assert.rejects(peer.ask(fn), (error) => {
    assert.ok(error instanceof QueryError, String(error));
    assert.deepEqual([error.code, error.message], [code, text]);
    return true;
  });
  await turns(1);
  assert.equal(peer.connection.signal.aborted, closes);
}

describe('the handshake of a client', () => {
  const cases: [string, number, Parameters<typeof connectClient>[0]][] = [
    ['tool old client', 602, { flags: 2 }],
    ['test mode mismatch', 602, { isTest: false }],
    ['Failed to parse account address', 0, { owner: 'nobody' }],
    ['active config version is too low', 602, { minConfigVersion: 4 }],
    ['cannot choose common protocol version', 621, { min: 5, version: 9 }],
    ['cannot choose common protocol version', 621, { min: 0, version: -1 }],
  ];
  for (const [text, code, over] of cases) {
    it(`is refused with "${text}" (${code}) for ${JSON.stringify(over)}`, async () => {
      using bench = createBench();
      await refused(bench.clientPeer(), connectClient(over), code, text);
    });
  }

  it('is refused while the proxy is switched off', async () => {
    using bench = createBench();
    await bench.core.management.act('disable', new URLSearchParams());
    await refused(bench.clientPeer(), connectClient({}), 651, 'proxy is not participating in this iteration');
    await bench.core.management.act('enable', new URLSearchParams());
    await bench.client();
  });

  it('is refused for a wrong secret', async () => {
    using bench = createBench();
    const peer = bench.clientPeer();
    await peer.ask(connectClient({}));
    await refused(peer, short('wrong'), 0, 'sha256 mismatch');
  });

  it('is refused at the wrong time', async () => {
    using bench = createBench();
    const early = bench.clientPeer();
    await refused(early, long, 0, 'Wrong constructor found');
    await refused(early, long, 0, 'connection is closing');
    const twice = bench.clientPeer();
    await twice.ask(connectClient({}));
    await refused(twice, connectClient({}), 0, 'expected auth message');
    await refused(await bench.client(), long, 0, 'already authorized');
  });

  it('is not confused by queries of others, which close nothing', async () => {
    using bench = createBench();
    const peer = bench.clientPeer();
    await refused(peer, connectWorker({}), 621, 'worker connect() from non worker', false);
    await refused(peer, { kind: 'worker.updatePaymentStatus' }, 621, 'worker request from non worker', false);
    const notReady = 'client request from non-ready connection';
    await refused(peer, { kind: 'client.updatePaymentStatus' }, 621, notReady, false);
    await refused(peer, { kind: 'client.getWorkerTypesV2' }, 621, 'expected client connection', false);
    await refused(peer, { kind: 'client.getWorkerTypes' }, 621, 'expected client connection', false);
    await refused(peer, { kind: 'keyManager.getProxyPrivateKeys', min_config_version: 0 }, 0, 'Lost promise', false);
    peer.tell(run());
    assert.equal(peer.connection.sent.length, 0, 'a request before the handshake is dropped');
  });

  for (const [remote, chosen] of [
    [{ flags: 1 }, undefined],
    [{ min: 0, version: 0 }, undefined],
    [{ min: 1, version: 2 }, 2],
    [{ min: 0, version: 3 }, 3],
    [{ min: 2, version: 99 }, 4],
  ] as const) {
    it(`chooses version ${chosen ?? 0} with a client that says ${JSON.stringify(remote)}`, async () => {
      using bench = createBench();
      const answer = await bench.clientPeer().ask(connectClient(remote));
      assert.ok(answer.kind === 'client.connectedToProxy');
      assert.equal(answer.params.proto_version, chosen);
      assert.equal(answer.params.flags, chosen === undefined ? 1 : 3);
    });
  }

  it('ends ready with a payment that verifies, by the short way and by the long', async () => {
    using bench = createBench();
    for (const auth of [short(''), long]) {
      const peer = bench.clientPeer();
      const hello = await peer.ask(connectClient({ owner: someOwner(auth === long ? 2 : 1) }));
      assert.ok(hello.kind === 'client.connectedToProxy' && hello.auth.kind === 'client.proxyConnectionAuthShort');
      assert.deepEqual(hello.auth.secret_hash, createHash('sha256').digest());
      assert.equal(hello.signed_payment.kind, 'proxy.signedPaymentEmpty');
      const done = await peer.ask(auth);
      assert.ok(done.kind === 'client.authorizationWithProxySuccess');
      assert.ok(done.signed_payment.kind === 'proxy.signedPayment');
      verifyPayment(done.signed_payment.data, {
        kind: 'charge',
        contract: parseAddress(hello.client_sc_address),
        publicKey: hello.params.proxy_public_key,
      });
      const status = await peer.ask({ kind: 'client.updatePaymentStatus' });
      assert.ok(status.kind === 'client.paymentStatus');
      assert.deepEqual([status.db_tokens, status.max_tokens], [0n, 0n]);
    }
  });

  it('with registration waits for the nonce to come by on the chain', async () => {
    using bench = createBench({ credentials: { open: false, secretHash: () => undefined } });
    const peer = bench.clientPeer();
    const hello = await peer.ask(connectClient({ owner: someOwner(7) }));
    assert.ok(hello.kind === 'client.connectedToProxy' && hello.auth.kind === 'client.proxyConnectionAuthLong');
    const held = assert.rejects(peer.ask(long), { message: 'Lost promise' });
    await refused(peer, long, 0, 'duplicate auth message');
    await held;
    const again = bench.clientPeer();
    const second = await again.ask(connectClient({ owner: someOwner(7) }));
    assert.ok(second.kind === 'client.connectedToProxy' && second.auth.kind === 'client.proxyConnectionAuthLong');
    const done = again.ask(long);
    bench.core.sessions.registrations.register(second.auth.nonce, someOwner(7));
    assert.equal((await done).kind, 'client.authorizationWithProxySuccess');
    assert.equal(bench.core.sessions.registrations.size, 0);
  });

  it('is bounded in clients known', async () => {
    using bench = createBench({ limits: { clientRecords: 2 } });
    await bench.client({ owner: someOwner(1) });
    await bench.client({ owner: someOwner(2) });
    await refused(bench.clientPeer(), connectClient({ owner: someOwner(3) }), 651, 'too many clients');
    await bench.client({ owner: someOwner(1) });
  });
});

describe('the handshake of a worker', () => {
  const cases: [string, number, Parameters<typeof connectWorker>[0]][] = [
    ['too old worker', 602, { flags: 2 }],
    ['test mode mismatch', 602, { isTest: false }],
    ['invalid worker hash or worker type', 621, { model: '' }],
    ['invalid worker hash or worker type', 621, { model: '@hash' }],
    ['invalid coefficient value', 621, { coefficient: -1 }],
    ['invalid coefficient value', 621, { coefficient: 1_000_000_000 }],
    ['invalid max_active_requests value', 621, { limit: 0 }],
    ['invalid proxy_cnt value', 621, { proxies: 0 }],
    ['cannot choose common protocol version', 621, { min: 4, version: 4 }],
    ['Failed to parse account address', 0, { owner: 'x' }],
  ];
  for (const [text, code, over] of cases) {
    it(`is refused with "${text}" (${code}) for ${JSON.stringify(over)}`, async () => {
      using bench = createBench();
      await refused(bench.workerPeer(), connectWorker(over), code, text);
    });
  }

  it('checks image and model against the root contract when asked to', async () => {
    const model = `${MODEL}@abc:00`;
    const image = Buffer.alloc(32, 5);
    using bench = createBench({
      config: { check_worker_hashes: true },
      root: { workerHashes: [image], modelHashes: [createHash('sha256').update(model).digest()] },
    });
    const stranger = bench.workerPeer({ imageHash: Buffer.alloc(32, 6) });
    await refused(stranger, connectWorker({ model }), 621, `invalid worker image hash ${'06'.repeat(32)}`);
    const other = bench.workerPeer({ imageHash: image });
    await refused(other, connectWorker({ model: 'other@x' }), 621, "invalid worker model 'other@x'");
    await bench.workerPeer({ imageHash: image }).ask(connectWorker({ model }));
  });

  it('is refused at the wrong time, and while the proxy is switched off', async () => {
    using bench = createBench();
    await refused(bench.workerPeer(), compare, 0, 'Wrong constructor found');
    await refused(await bench.worker(), compare, 0, 'connection is already ready');
    const twice = bench.workerPeer();
    await twice.ask(connectWorker({}));
    await refused(twice, connectWorker({}), 0, 'Wrong constructor found');
    await refused(twice, complete, 0, 'connection is already closing');
    await bench.core.management.act('disable', new URLSearchParams());
    await refused(bench.workerPeer(), connectWorker({}), 651, 'proxy is not participating in this iteration');
  });

  it('is not confused by queries of others, which close nothing', async () => {
    using bench = createBench();
    const peer = bench.workerPeer();
    await refused(peer, connectClient({}), 621, 'client connect() from non client', false);
    await refused(peer, { kind: 'client.updatePaymentStatus' }, 621, 'client request from non client', false);
    const notReady = 'worker request from non-ready connection';
    await refused(peer, { kind: 'worker.updatePaymentStatus' }, 621, notReady, false);
    await refused(peer, { kind: 'client.getWorkerTypesV2' }, 621, 'expected client connection', false);
  });

  it('shares its places among the proxies it serves', async () => {
    using bench = createBench();
    const peer = bench.workerPeer();
    await peer.ask(connectWorker({ limit: 10, proxies: 3 }));
    await peer.ask(compare);
    await peer.ask(complete);
    await turns();
    assert.equal([...bench.core.sessions.pool.links()][0]!.limit, 4);
  });

  it('closes the connection on a price that is none', async () => {
    using bench = createBench();
    for (const new_coefficient of [-1, 1_000_000_000]) {
      const worker = await bench.worker();
      worker.tell({ kind: 'worker.newCoefficient', new_coefficient });
      assert.equal(worker.connection.closedWith, 'bad coefficient value');
    }
  });

  it('lists models with the enabled workers, cheapest first', async () => {
    using bench = createBench();
    const client = await bench.client();
    await bench.worker({ coefficient: 2_000 });
    const cheap = await bench.worker({ coefficient: 500 });
    await bench.worker({ disabled: true });
    const types = await client.ask({ kind: 'client.getWorkerTypesV2' });
    assert.ok(types.kind === 'client.workerTypesV2');
    assert.deepEqual(
      types.types.map(({ name, workers }) => [name, workers.map(({ coefficient }) => coefficient)]),
      [[MODEL, [500, 2_000]]],
    );
    cheap.tell({ kind: 'worker.enabledDisabled', disabled: 1 });
    const old = await client.ask({ kind: 'client.getWorkerTypes' });
    assert.ok(old.kind === 'client.workerTypes');
    const { active_workers, coefficient_min, coefficient_max } = old.types[0]!;
    assert.deepEqual([active_workers, coefficient_min, coefficient_max], [3, 500, 0x7fff_ffff]);
  });
});
