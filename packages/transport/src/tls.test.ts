import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { CLAIMS_OID, QUOTE_OID, reportDataV1 } from '@bombyx/attest';
import { nodeCrypto } from '@bombyx/attest/node';
import { eventually } from '@bombyx/testkit';
import { ExtendedKeyUsage, Extension, type Flaws, identityOf, makeCertificate } from '../testing/certificates.ts';
import { answerPuzzle, fakeIdentity, gate, identity, knock } from '../testing/listeners.ts';
import { codeOf, endOf, part, recorder } from '../testing/pairs.ts';
import { HIGH_WATER_BYTES } from './limits.ts';
import { FAKE_IMAGE_HASH, fakeTdxPolicy, NO_IMAGE_HASH } from './policy.ts';

const reportData = (publicKey: Uint8Array) => Buffer.from(reportDataV1(publicKey, nodeCrypto));

describe('a mutual handshake', () => {
  it('shows each side the key of the other; under policy any nobody counts as attested', async () => {
    await using server = await gate({ security: { identity: fakeIdentity } });
    const connection = await knock(server.listener.port);
    const [accepted] = server.accepted;
    const keyOf = async (who: typeof identity) => (await who.credentials()).publicKey;
    assert.deepEqual(connection.peer.publicKey, await keyOf(fakeIdentity));
    assert.deepEqual(accepted?.peer.publicKey, await keyOf(identity));
    assert.equal(connection.peer.attestation, 'none');
    assert.deepEqual(connection.peer.imageHash, NO_IMAGE_HASH);
    assert.deepEqual([connection.peer.address, connection.peer.port], ['127.0.0.1', server.listener.port]);
    assert.equal(accepted.peer.address, '127.0.0.1');
    assert.deepEqual([...server.listener.connections], [accepted]);
  });

  it('attests fake machines to each other under policy fake_tdx', async () => {
    await using server = await gate({ security: { identity: fakeIdentity, policy: fakeTdxPolicy() } });
    const connection = await knock(server.listener.port, { identity: fakeIdentity, policy: fakeTdxPolicy() });
    for (const { peer } of [connection, ...server.accepted]) {
      assert.equal(peer.attestation, 'fake_tdx');
      assert.deepEqual(peer.imageHash, FAKE_IMAGE_HASH);
    }
  });

  it('carries thousands of round trips without losing one', async () => {
    await using server = await gate({
      handlers: (connection) => ({ ...recorder().handlers, onMessage: (message) => void connection.send(message) }),
    });
    let next = () => {};
    const connection = await knock(server.listener.port, { onMessage: () => next() });
    for (let i = 0; i < 3_000; i++) {
      await new Promise<void>((resolve) => {
        next = resolve;
        connection.send(part(200));
      });
    }
    assert.equal(endOf(connection), undefined);
  });

  it('stops a sender whose peer does not read, at a few megabytes in the kernel, and loses nothing', async () => {
    let release = () => {};
    const blocked = new Promise<void>((resolve) => {
      release = resolve;
    });
    let received = 0;
    await using server = await gate({
      handlers: () => ({
        ...recorder().handlers,
        async onMessage() {
          await blocked;
          received++;
        },
      }),
    });
    const connection = await knock(server.listener.port);
    let sent = 0;
    let stuck = false;
    while (!stuck && sent < 2_000) {
      sent++;
      if (connection.send(part(100_000))) continue;
      stuck = !(await Promise.race([connection.drained().then(() => true), sleep(500, false)]));
    }
    assert.ok(stuck && sent < 300, `${sent} messages of 100 kB`);
    assert.ok(connection.bufferedBytes < HIGH_WATER_BYTES + 200_000);
    release();
    await connection.drained();
    await eventually('every message', () => received === sent);
  });
});

describe('a listener', () => {
  const attestation =
    (quote: (key: Buffer) => Buffer, claims = (key: Buffer) => key) =>
    (key: Buffer) => [new Extension(QUOTE_OID, true, quote(key)), new Extension(CLAIMS_OID, true, claims(key))];
  const refused: [string, Flaws, RegExp][] = [
    ['expired certificate', { validFromMs: -90_000_000 }, /expired/],
    ['certificate of tomorrow', { validFromMs: 90_000_000 }, /not valid yet/],
    ['other key type', { keyType: 'P-256' }, /not Ed25519/],
    ['certificate for servers only', { usages: [ExtendedKeyUsage.serverAuth] }, /not meant for a TLS client/],
    ['unknown critical extension', { extra: () => [new Extension('1.2.3.4', true, Buffer.of(5, 0))] }, /1\.2\.3\.4/],
    ['certificate issued by another', { issued: true }, /not signed by its own key/],
  ];
  for (const [what, flaws, reason] of refused) {
    it(`refuses a client: ${what}`, async () => {
      await using server = await gate();
      const made = await makeCertificate(flaws);
      assert.notEqual(await codeOf(knock(server.listener.port, { identity: identityOf(made) })), 'no error');
      await eventually('the refusal', () => server.refusals.length === 1);
      assert.match(server.refusals[0]!, reason);
      assert.match(server.refusals[0]!, /TRANSPORT_PEER_REFUSED/);
      assert.equal(server.accepted.length, 0);
    });
  }

  const unattested: [string, Flaws, RegExp][] = [
    ['no quote', {}, /EVIDENCE_MISSING/],
    [
      'the report data of another key',
      { extra: attestation(() => reportData(Buffer.alloc(32, 1))) },
      /BINDING_REPORT_DATA/,
    ],
    ['claims of another key', { extra: attestation(reportData, () => Buffer.alloc(32, 1)) }, /CLAIMS_KEY/],
    ['a quote of another size', { extra: attestation(() => Buffer.alloc(65)) }, /POLICY_NOT_FAKE/],
  ];
  for (const [what, flaws, reason] of unattested) {
    it(`refuses under policy fake_tdx: ${what}`, async () => {
      await using server = await gate({ security: { policy: fakeTdxPolicy() } });
      const made = await makeCertificate(flaws);
      assert.notEqual(await codeOf(knock(server.listener.port, { identity: identityOf(made) })), 'no error');
      await eventually('the refusal', () => server.refusals.length === 1);
      assert.match(server.refusals[0]!, reason);
    });
  }

  it('refuses a client without a certificate, also under policy any', async () => {
    await using server = await gate();
    assert.notEqual(await codeOf(knock(server.listener.port, { identity: identityOf(undefined) })), 'no error');
    await eventually('the refusal', () => server.refusals.length === 1);
    assert.match(server.refusals[0]!, /TRANSPORT_PEER_REFUSED.*no certificate/);
  });

  it('refuses TLS 1.2, and cuts a handshake that ends early', async () => {
    await using server = await gate();
    const attempts = [
      async (socket: net.Socket) => {
        const { certificatePem: cert, keyPem: key } = await makeCertificate().then(({ pem, keyPem }) => ({
          certificatePem: pem,
          keyPem,
        }));
        const secure = tls.connect({ socket, cert, key, maxVersion: 'TLSv1.2', rejectUnauthorized: false });
        secure.on('error', () => {});
      },
      async (socket: net.Socket) => socket.end(Buffer.from('16030100d6010000d20303', 'hex')),
      async (socket: net.Socket) => socket.write('GET / HTTP/1.1\r\n\r\n'),
    ];
    for (const [i, attempt] of attempts.entries()) {
      const socket = net.connect(server.listener.port, '127.0.0.1');
      socket.on('error', () => {});
      await answerPuzzle(socket);
      await attempt(socket);
      await eventually('the refusal', () => server.refusals.length === i + 1);
      assert.match(server.refusals[i]!, /TRANSPORT_TLS/);
    }
    assert.equal(server.accepted.length, 0);
    assert.equal(server.listener.handshakes, 0);
  });

  it('resumes no session: what a first connection leaves does not open a second one without a certificate', async () => {
    await using server = await gate();
    const made = await makeCertificate();
    const raw = async (options: tls.ConnectionOptions) => {
      const socket = net.connect(server.listener.port, '127.0.0.1');
      await answerPuzzle(socket);
      const secure = tls.connect({ socket, rejectUnauthorized: false, minVersion: 'TLSv1.3', ...options });
      secure.on('error', () => {});
      return secure;
    };
    const first = await raw({ cert: made.pem, key: made.keyPem });
    first.resume();
    const tickets: Buffer[] = [];
    first.on('session', (ticket) => tickets.push(ticket));
    await once(first, 'secureConnect');
    await sleep(200); // tickets follow the handshake
    const session = tickets.at(-1) ?? first.getSession();
    first.destroy();
    const second = await raw({ ...(session && { session }) });
    await Promise.race([once(second, 'secureConnect'), once(second, 'close')]);
    assert.equal(second.isSessionReused(), false);
    await eventually('the refusal', () => server.refusals.some((reason) => /no certificate/.test(reason)));
    assert.equal(server.accepted.length, 0);
  });
});

describe('a connector', () => {
  const refused: [string, Flaws, RegExp][] = [
    ['expired certificate', { validFromMs: -90_000_000 }, /expired/],
    ['other key type', { keyType: 'P-256' }, /not Ed25519/],
    ['no name', { names: [] }, /no DNS:127\.0\.0\.1/],
    ['other name', { names: ['localhost'] }, /no DNS:127\.0\.0\.1/],
    ['certificate for clients only', { usages: [ExtendedKeyUsage.clientAuth] }, /not meant for a TLS server/],
    ['unknown critical extension', { extra: () => [new Extension('1.2.3.4', true, Buffer.of(5, 0))] }, /1\.2\.3\.4/],
    ['certificate issued by another', { issued: true }, /not signed by its own key/],
  ];
  for (const [what, flaws, reason] of refused) {
    it(`refuses a server: ${what}`, async () => {
      const made = await makeCertificate(flaws);
      await using server = await gate({ security: { identity: identityOf(made) } });
      await assert.rejects(knock(server.listener.port), (error: Error & { code: string }) => {
        assert.equal(error.code, 'TRANSPORT_PEER_REFUSED');
        assert.match(error.message, reason);
        return true;
      });
      assert.equal(server.accepted.length, 0);
    });
  }

  it('refuses a server that is not the machine its policy asks for', async () => {
    await using server = await gate();
    assert.equal(await codeOf(knock(server.listener.port, { policy: fakeTdxPolicy() })), 'TRANSPORT_PEER_REFUSED');
    await using fake = await gate({ security: { identity: fakeIdentity } });
    const policy = fakeTdxPolicy({ imageHashes: ['11'.repeat(32)] });
    await assert.rejects(knock(fake.listener.port, { policy }), /POLICY_IMAGE/);
  });
});
