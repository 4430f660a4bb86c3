import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import type { Binding } from '@bombyx/attest';
import { silentLogger } from '@bombyx/base';
import { eventually, FakeClock } from '@bombyx/testkit';
import { FrameWriter } from '@bombyx/wire';
import { makeCertificate } from '../testing/certificates.ts';
import { answerPuzzle, gate, knock } from '../testing/listeners.ts';
import { codeOf, endOf, recorder } from '../testing/pairs.ts';
import { bundleFor, IMAGE, provenIdentity, vouching } from '../testing/vouching.ts';
import {
  anyPolicy,
  createIdentity,
  FRESH_PROTOCOL,
  fakeTdxPolicy,
  type PeerPolicy,
  QueryError,
  reconsider,
} from './index.ts';
import { MAX_EVIDENCE_BYTES, MAX_JUDGED } from './limits.ts';

const proxy = await provenIdentity('proxy');
const worker = await provenIdentity('worker');

/** A listener of a proxy's worker port. */
const workerPort = (policy = vouching(), more: Parameters<typeof gate>[0] = {}) =>
  gate({ ...more, security: { identity: proxy, policy, peerRole: 'worker' } });

/** A TLS client whose bytes a test writes by hand. */
async function rawClient(port: number, protocols: string[]): Promise<tls.TLSSocket> {
  const { pem: cert, keyPem: key } = await makeCertificate();
  const socket = net.connect(port, '127.0.0.1');
  await answerPuzzle(socket);
  const secure = tls.connect({ socket, cert, key, rejectUnauthorized: false, ALPNProtocols: protocols });
  secure.on('error', () => {});
  secure.resume();
  await once(secure, 'secureConnect');
  return secure;
}

const length = (size: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(size);
  return bytes;
};

describe('fresh evidence', () => {
  it('lets both ends know what the other has proven, over which connection', async () => {
    await using server = await workerPort();
    const connection = await knock(server.listener.port, { identity: worker, policy: vouching() });
    const [accepted] = server.accepted;
    for (const { peer } of [connection, accepted!]) {
      assert.equal(peer.attestation, 'simulated');
      assert.deepEqual(peer.imageHash, IMAGE);
      assert.equal(peer.attested?.fresh, true);
      assert.equal(peer.proof?.form, 'fresh');
      assert.deepEqual(bundleFor(peer.proof!.binding!), peer.proof?.bytes);
    }
    assert.deepEqual(connection.peer.proof?.binding?.exporter, accepted?.peer.proof?.binding?.exporter);
    assert.notDeepEqual(connection.peer.proof?.binding?.nonce, accepted?.peer.proof?.binding?.nonce);
  });

  it('is not asked of a peer under policy any, and what it shows is not looked at', async () => {
    await using server = await workerPort(vouching());
    const connection = await knock(server.listener.port, { identity: worker });
    assert.equal(connection.peer.attestation, 'none');
    assert.equal(server.accepted[0]?.peer.attestation, 'simulated');
  });

  it('of another connection is refused, and the peer is told why', async () => {
    let kept: Uint8Array | undefined;
    const replaying = await provenIdentity('worker', (binding) => (kept ??= bundleFor(binding)));
    await using server = await workerPort();
    const first = await knock(server.listener.port, { identity: replaying });
    await assert.rejects(knock(server.listener.port, { identity: replaying }), {
      code: 'TRANSPORT_REFUSED_BY_PEER',
      message: /TEST_BINDING: bound to something else/,
    });
    await eventually('the refusal', () => server.refusals.length === 1);
    assert.match(server.refusals[0]!, /TRANSPORT_PEER_REFUSED.*policy vouching.*TEST_BINDING/);
    assert.equal(endOf(first), undefined);
  });

  const dishonest: [string, (binding: Binding) => Uint8Array][] = [
    ['of another key', (binding) => bundleFor({ ...binding, publicKey: Buffer.alloc(32) })],
    ['of another role', (binding) => bundleFor({ ...binding, role: 'client' })],
    ['over random bytes of its own', (binding) => bundleFor({ ...binding, nonce: Buffer.alloc(32) })],
    ['that is garbage', () => Buffer.alloc(100_000, 0x5a)],
  ];
  for (const [what, make] of dishonest) {
    it(`${what} is refused`, async () => {
      await using server = await workerPort();
      const knocking = knock(server.listener.port, { identity: await provenIdentity('worker', make) });
      assert.equal(await codeOf(knocking), 'TRANSPORT_REFUSED_BY_PEER');
      assert.equal(server.accepted.length, 0);
    });
  }

  it('that proves to be a client opens no worker port', async () => {
    await using server = await workerPort();
    const knocking = knock(server.listener.port, { identity: await provenIdentity('client') });
    assert.equal(await codeOf(knocking), 'TRANSPORT_REFUSED_BY_PEER');
  });

  it('is missed at a peer that has none, in both directions', async () => {
    await using server = await workerPort();
    await assert.rejects(knock(server.listener.port), /EVIDENCE_MISSING: the peer shows no evidence/);
    await using open = await gate();
    await assert.rejects(knock(open.listener.port, { identity: worker, policy: vouching() }), {
      code: 'TRANSPORT_PEER_REFUSED',
      message: /EVIDENCE_MISSING.*what to do/,
    });
    await eventually('the other end knows', () => open.refusals.length === 1);
    assert.match(open.refusals[0]!, /TRANSPORT_REFUSED_BY_PEER/);
  });

  it('cannot be avoided by not speaking of it: a certificate alone is refused, also one that carries a quote', async () => {
    await using server = await workerPort();
    const secure = await rawClient(server.listener.port, []);
    await once(secure, 'close');
    await eventually('the refusal', () => server.refusals.length === 1);
    assert.match(server.refusals[0]!, /TRANSPORT_PEER_REFUSED.*does not speak bombyx-attest\/2/);
    await using theirs = await gate({ security: { identity: await createIdentity({ attestation: 'fake_tdx' }) } });
    const knocking = knock(theirs.listener.port, { policy: vouching() });
    await assert.rejects(knocking, /EVIDENCE_MISSING/);
  });

  it('does not pass where the stand-in of C++ machines is asked for', async () => {
    await using server = await gate({ security: { identity: proxy } });
    await assert.rejects(knock(server.listener.port, { policy: fakeTdxPolicy() }), /POLICY_KIND/);
  });

  it('of more than 1 MiB is refused by its length alone, and never made', async () => {
    await using server = await workerPort();
    const secure = await rawClient(server.listener.port, [FRESH_PROTOCOL]);
    secure.write(Buffer.concat([Buffer.alloc(32), length(MAX_EVIDENCE_BYTES + 1)]));
    await once(secure, 'close');
    await eventually('the refusal', () => server.refusals.length === 1);
    assert.match(server.refusals[0]!, /TRANSPORT_PROTOCOL.*1048577 bytes/);
    const large = await provenIdentity('worker', () => Buffer.alloc(MAX_EVIDENCE_BYTES + 1));
    assert.equal(await codeOf(knock(server.listener.port, { identity: large })), 'TRANSPORT_EVIDENCE');
  });

  it('of exactly 1 MiB is judged', async () => {
    await using server = await workerPort();
    const large = await provenIdentity('worker', () => Buffer.alloc(MAX_EVIDENCE_BYTES));
    assert.equal(await codeOf(knock(server.listener.port, { identity: large })), 'TRANSPORT_REFUSED_BY_PEER');
  });

  it('that never comes is waited for within a bound', async () => {
    const clock = new FakeClock(Date.now());
    await using server = await workerPort(vouching(), { clock });
    const secure = await rawClient(server.listener.port, [FRESH_PROTOCOL]);
    let received = 0;
    secure.on('data', (bytes: Buffer) => (received += bytes.length));
    secure.write(Buffer.alloc(32));
    await eventually('its own evidence', () => received === 32 + 4 + 32);
    clock.advance(20_000);
    await once(secure, 'close');
    await eventually('the refusal', () => server.refusals.length === 1);
    assert.match(server.refusals[0]!, /TRANSPORT_TIMEOUT: evidence took longer/);
  });

  it('of our own that cannot be made ends the connection with a code of its own', async () => {
    const broken = await provenIdentity('worker', () => Promise.reject(new Error('no device')));
    await using server = await workerPort();
    const knocking = knock(server.listener.port, { identity: broken });
    await assert.rejects(knocking, { code: 'TRANSPORT_EVIDENCE', message: /no device/ });
  });
});

describe('a verdict', () => {
  it('comes before a single packet of the peer is looked at', async () => {
    const pause = Promise.withResolvers<void>();
    const open = anyPolicy();
    const policy: PeerPolicy = {
      ...open,
      judgeCertificate: (...args) => pause.promise.then(() => open.judgeCertificate(...args)),
    };
    await using server = await gate({ security: { policy } });
    const secure = await rawClient(server.listener.port, []);
    const writer = new FrameWriter();
    secure.write(writer.transport({ kind: 'tcp.connect', id: 1n }));
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(server.accepted.length, 0);
    assert.equal(server.listener.handshakes, 1);
    pause.resolve();
    await eventually('the connection', () => server.accepted.length === 1);
  });

  it('that fails in itself is a refusal', async () => {
    const policy = vouching();
    policy.pause = Promise.reject(new Error('the thread is gone'));
    policy.pause.catch(() => {});
    await using server = await workerPort(policy);
    assert.notEqual(await codeOf(knock(server.listener.port, { identity: worker })), 'no error');
    await eventually('the refusal', () => server.refusals.length === 1);
    assert.match(server.refusals[0]!, /TRANSPORT_PEER_REFUSED.*VERDICT_FAILED: the thread is gone/);
    assert.equal(server.accepted.length, 0);
  });

  it('that does not come is waited for within a bound', async () => {
    const clock = new FakeClock(Date.now());
    const policy = vouching();
    policy.pause = new Promise(() => {});
    await using server = await workerPort(policy, { clock });
    const knocking = codeOf(knock(server.listener.port, { identity: worker }));
    await eventually('the verdict is waited for', () => policy.mostAtOnce === 1);
    clock.advance(20_000);
    assert.notEqual(await knocking, 'no error');
    await eventually('the refusal', () => server.refusals.length === 1);
    assert.match(server.refusals[0]!, /TRANSPORT_TIMEOUT: the verdict on the peer/);
  });

  it('is given for a few peers at once, and the others wait their turn', async () => {
    const policy = vouching();
    const pause = Promise.withResolvers<void>();
    policy.pause = pause.promise;
    await using server = await workerPort(policy);
    const knocking = Array.from({ length: 20 }, () => knock(server.listener.port, { identity: worker }));
    await eventually('all are there', () => server.listener.handshakes === 20 && policy.mostAtOnce === MAX_JUDGED);
    pause.resolve();
    await Promise.all(knocking);
    assert.equal(policy.judged, 20);
    assert.equal(policy.mostAtOnce, MAX_JUDGED);
  });
});

describe('a peer that was admitted', () => {
  it('counts from its verdict on, and no more when its handshake ends without a connection', async () => {
    let asked = 0;
    const reconsider: PeerPolicy['reconsider'] = (_, __, others = []) => {
      asked += 1;
      return [...others].map(() => ({ code: 'TEST_FULL', message: 'one is there' }));
    };
    await using server = await gate({ security: { policy: { ...anyPolicy(), reconsider } } });
    const silent = await rawClient(server.listener.port, []); // admitted, and sends no opening packet
    await eventually('its verdict', () => asked === 1);
    assert.equal(server.listener.connections.size, 0);
    await assert.rejects(knock(server.listener.port), /TEST_FULL/);
    silent.destroy();
    await eventually('its handshake is over', () => server.listener.handshakes === 0);
    await knock(server.listener.port);
  });

  it('is left at once when what it runs is not on the lists any more, and what was under way fails with a code', async () => {
    await using server = await workerPort();
    const connection = await knock(server.listener.port, { identity: worker, policy: vouching() });
    const other = await knock(server.listener.port, { identity: worker });
    const query = connection.query({ kind: 'client.getWorkerTypesV2' }, { timeoutMs: 60_000 });
    const failure = { code: 'IMAGE_NOT_LISTED', message: 'its image is not listed' };
    const ended = reconsider(
      [connection, other],
      ({ imageHash }) => (imageHash.equals(IMAGE) ? [failure] : []),
      silentLogger,
    );
    assert.equal(ended, 1);
    await assert.rejects(query, { code: 'TRANSPORT_PEER_REFUSED', failures: [failure] });
    assert.equal(endOf(connection), 'TRANSPORT_PEER_REFUSED');
    assert.equal(endOf(other), undefined);
    await eventually('its own end', () => server.listener.connections.size === 1);
  });

  it('proves itself again and again over the same connection, each time for new random bytes', async () => {
    const policy = vouching();
    const honest = await provenIdentity('worker');
    await using server = await gate({
      security: { identity: proxy, policy, peerRole: 'worker' },
      reattestEveryMs: 20,
    });
    const connection = await knock(server.listener.port, { identity: honest });
    const [accepted] = server.accepted;
    const first = accepted?.peer.proof?.binding?.nonce;
    await eventually('another proof', () => policy.judged >= 2);
    await eventually('its identity', () => accepted?.peer.proof?.binding?.nonce !== first);
    assert.equal(endOf(connection), undefined);
    assert.equal(endOf(accepted!), undefined);
  });

  it('and does not stand up to that is left, with a code for whatever was under way', async () => {
    const policy = vouching();
    await using server = await workerPort();
    const connection = await knock(server.listener.port, { identity: worker, policy, reattestEveryMs: 20 });
    const query = connection.query({ kind: 'client.getWorkerTypesV2' }, { timeoutMs: 60_000 });
    policy.refuses = { code: 'TEST_REVOKED', message: 'the platform was revoked' };
    await assert.rejects(query, { code: 'TRANSPORT_PEER_REFUSED', message: /TEST_REVOKED/ });
    await eventually('the other end', () => server.listener.connections.size === 0);
  });

  it('under policy any is asked for nothing more', async () => {
    let made = 0;
    const counting = await provenIdentity('worker', (binding) => {
      made += 1;
      return bundleFor(binding);
    });
    await using server = await gate({ security: { identity: proxy }, reattestEveryMs: 10 });
    await knock(server.listener.port, { identity: counting });
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(made, 1);
    assert.equal(server.accepted[0]?.signal.aborted, false);
  });

  it('is judged again before its verdict ends', async () => {
    const clock = new FakeClock(Date.now());
    const policy = vouching();
    policy.expiresAtMs = clock.nowMs() + 70_000;
    await using server = await workerPort(policy, { clock, handlers: () => recorder().handlers });
    const connection = await knock(server.listener.port, { identity: worker });
    const [accepted] = server.accepted;
    for (let i = 0; i < 6; i++) {
      clock.advance(10_000);
      await connection.query({ kind: 'client.getWorkerTypesV2' }, { timeoutMs: 50 }).catch(() => {}); // sign of life
    }
    await eventually('another verdict', () => policy.judged === 2);
    assert.equal(endOf(accepted!), undefined);
  });

  it('is asked for a proof only now and then: who asks more often is refused', async () => {
    await using server = await workerPort();
    const connection = await knock(server.listener.port, { identity: worker });
    const ask = () => connection.query({ kind: 'bombyx.attest', nonce: Buffer.alloc(32, 1) }, { timeoutMs: 5_000 });
    const answer = await ask();
    assert.equal(answer.kind, 'bombyx.evidence');
    await assert.rejects(ask(), (error) => error instanceof QueryError && error.code === 651);
    assert.equal(endOf(connection), undefined);
  });

  it('without evidence answers no such question', async () => {
    await using server = await gate();
    const connection = await knock(server.listener.port);
    const ask = connection.query({ kind: 'bombyx.attest', nonce: Buffer.alloc(32) }, { timeoutMs: 5_000 });
    await assert.rejects(ask, (error) => error instanceof QueryError && error.code === 621);
  });
});

describe('an identity', () => {
  it('is renewed while connections go on, and new ones show the new key', async () => {
    const clock = new FakeClock(Date.now() - 61 * 60_000);
    const quotes: Uint8Array[] = [];
    const quoteFor = async (publicKey: Uint8Array) => {
      quotes.push(publicKey);
      return Buffer.alloc(64, quotes.length);
    };
    const renewed = await createIdentity({ attestation: 'tdx', quoteFor, clock });
    await using server = await gate({
      security: { identity: renewed },
      handlers: (peer) => ({ ...recorder().handlers, onMessage: (message) => void peer.send(message) }),
    });
    let echoes = 0;
    const old = await knock(server.listener.port, { onMessage: () => void echoes++ });
    clock.advance(61 * 60_000); // a quote is made anew every hour
    await knock(server.listener.port); // sets it off
    await eventually('a new quote', () => quotes.length === 2);
    let { publicKey } = await renewed.credentials();
    await eventually('the new key', () => {
      void renewed.credentials().then((credentials) => ({ publicKey } = credentials));
      return !publicKey.equals(old.peer.publicKey!);
    });
    const next = await knock(server.listener.port);
    assert.deepEqual(next.peer.publicKey, publicKey);
    assert.notDeepEqual(next.peer.publicKey, old.peer.publicKey);
    old.send({ kind: 'bombyx.cancel', request_id: Buffer.alloc(32) });
    await eventually('the old connection goes on', () => echoes === 1);
  });

  it('whose quote cannot be renewed goes on with the last one, until that ends', async () => {
    const clock = new FakeClock(Date.now());
    let broken = false;
    const quoteFor = async () => {
      if (broken) throw new Error('no device');
      return Buffer.alloc(64);
    };
    const lasting = await createIdentity({ attestation: 'tdx', quoteFor, clock });
    const first = await lasting.credentials();
    broken = true;
    clock.advance(20 * 3_600_000);
    assert.equal(await lasting.credentials(), first);
    clock.advance(5 * 3_600_000);
    await assert.rejects(lasting.credentials(), /no device/);
    broken = false;
    assert.notEqual(await lasting.credentials(), first);
  });
});
