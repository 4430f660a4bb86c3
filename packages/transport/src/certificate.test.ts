import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { judgeCertificate as judge, MalformedError, type Role, readCertificate } from '@bombyx/attest';
import { nodeCrypto } from '@bombyx/attest/node';
import { eventually, FakeClock } from '@bombyx/testkit';
import fc from 'fast-check';
import { ExtendedKeyUsage, Extension, type Flaws, makeCertificate } from '../testing/certificates.ts';
import type { PeerPolicy } from './attested.ts';
import { createIdentity } from './identity.ts';
import { anyPolicy, FAKE_IMAGE_HASH, fakeTdxPolicy } from './policy.ts';

const judgeCertificate = (der: Uint8Array, role: Role, nowMs: number) => judge(der, role, nowMs, nodeCrypto);
const now = Date.UTC(2026, 5, 1);
const judging = { role: 'proxy', address: '192.0.2.1', signal: AbortSignal.abort() } as const;

describe('certificates of the reference generator', () => {
  const folder = new URL('../testing/ratls/', import.meta.url);
  const expected = JSON.parse(readFileSync(new URL('expected.json', folder), 'utf8')) as {
    publicKeyA: string;
    cases: { file: string; policy: Record<'any' | 'fake_tdx', 'accept' | 'reject'>; why?: string }[];
  };
  assert.ok(expected.cases.length >= 8);
  const policies: PeerPolicy[] = [anyPolicy(), fakeTdxPolicy()];
  for (const { file, policy: verdicts, why } of expected.cases) {
    for (const policy of policies) {
      const wanted = verdicts[policy.name as 'any' | 'fake_tdx'];
      it(`${wanted}s ${file} under policy ${policy.name}${why ? `: ${why}` : ''}`, async () => {
        const der = new X509Certificate(readFileSync(new URL(file, folder))).raw;
        const verdict = judgeCertificate(der, 'server', Date.UTC(2026, 1, 1, 12));
        const admitted = verdict.ok && (await policy.judgeCertificate(der, judging)).ok;
        assert.equal(admitted, wanted === 'accept');
      });
    }
  }

  it('finds the public key and the fake image hash', async () => {
    const der = new X509Certificate(readFileSync(new URL('fake-good.pem', folder))).raw;
    const certificate = readCertificate(der);
    assert.deepEqual(certificate.publicKey, { kind: 'ed25519', bytes: Buffer.from(expected.publicKeyA, 'hex') });
    const admitted = await fakeTdxPolicy({ imageHashes: [FAKE_IMAGE_HASH] }).judgeCertificate(der, judging);
    assert.ok(admitted.ok);
    assert.equal(
      Buffer.from(admitted.peer.imageHash).toString('hex'),
      '5c55c8f4db4010ba9203d83536d0609856af8c847ac039e37e7dde8fbd574b61',
    );
  });

  it('refuses a fake machine whose image hash is not on the list', async () => {
    const der = new X509Certificate(readFileSync(new URL('fake-good.pem', folder))).raw;
    const verdict = await fakeTdxPolicy({ imageHashes: ['00'.repeat(32)] }).judgeCertificate(der, judging);
    assert.ok(!verdict.ok);
    assert.deepEqual(
      verdict.failures.map(({ code }) => code),
      ['POLICY_IMAGE'],
    );
  });
});

describe('judging a certificate', () => {
  const flawed: [string, Flaws, string][] = [
    ['an expired one', { validFromMs: -86_500_000 }, 'expired'],
    ['one of tomorrow', { validFromMs: 120_000 }, 'not valid yet'],
    ['one that lives for a year', { validForMs: 365 * 86_400_000 }, 'valid for more than two days'],
    ['another key type', { keyType: 'P-256' }, 'key is not Ed25519'],
    ['one without the server name', { names: ['localhost'] }, 'no DNS:127.0.0.1'],
    ['one without any name', { names: [] }, 'no DNS:127.0.0.1'],
    ['one of an authority', { authority: true }, 'certificate of an authority'],
    ['one for clients only', { usages: [ExtendedKeyUsage.clientAuth] }, 'not meant for a TLS server'],
    ['one that somebody else issued', { issued: true }, 'not signed by its own key'],
    [
      'one with a critical extension nobody knows',
      { extra: () => [new Extension('1.3.6.1.4.1.12345.3', true, Buffer.of(5, 0))] },
      'unknown critical extension 1.3.6.1.4.1.12345.3',
    ],
    [
      'one whose quote is too large',
      { extra: () => [new Extension('1.3.6.1.4.1.12345.1', true, Buffer.alloc(32_769))] },
      'quote too large',
    ],
  ];
  for (const [what, flaws, failure] of flawed) {
    it(`refuses ${what}`, async () => {
      const { der } = await makeCertificate(flaws, now);
      assert.deepEqual(judgeCertificate(der, 'server', now), { ok: false, failures: [failure] });
    });
  }

  it('names every failed check, not only the first', async () => {
    const { der } = await makeCertificate({ validFromMs: -90_000_000, names: [], authority: true }, now);
    const verdict = judgeCertificate(der, 'server', now);
    assert.ok(!verdict.ok);
    assert.deepEqual(verdict.failures, ['expired', 'certificate of an authority', 'no DNS:127.0.0.1']);
  });

  it('accepts a flawless one in both roles, a client without a name too, and forgives a minute of clock difference', async () => {
    const flawless = await makeCertificate({}, now);
    assert.ok(judgeCertificate(flawless.der, 'server', now).ok);
    assert.ok(judgeCertificate(flawless.der, 'client', now - 60_000 - 60_000).ok);
    const nameless = await makeCertificate({ names: [] }, now);
    assert.ok(judgeCertificate(nameless.der, 'client', now).ok);
  });

  it('sees any flipped bit, by the self-signature or before', async () => {
    const { der } = await makeCertificate({}, now);
    await fc.assert(
      fc.asyncProperty(fc.nat(der.length * 8 - 1), async (bit) => {
        const changed = Buffer.from(der);
        changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
        assert.equal(judgeCertificate(changed, 'server', now).ok, false);
      }),
      { numRuns: 300 },
    );
  });

  it('answers hostile bytes with DerError and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        assert.throws(() => readCertificate(Buffer.from(bytes)), MalformedError);
      }),
    );
  });
});

describe('our own identity', () => {
  it('is what the reference generator makes, apart from its times and keys', async () => {
    const identity = await createIdentity({ attestation: 'fake_tdx', clock: new FakeClock(now) });
    const ours = readCertificate((await identity.credentials()).certificateDer);
    const theirs = readCertificate(
      new X509Certificate(readFileSync(new URL('../testing/ratls/fake-good.pem', import.meta.url))).raw,
    );
    assert.deepEqual(ours.subject, theirs.subject);
    assert.deepEqual([...ours.extensions.keys()], [...theirs.extensions.keys()]);
    for (const oid of ['2.5.29.19', '2.5.29.15', '2.5.29.37', '2.5.29.17']) {
      assert.deepEqual(ours.extensions.get(oid), theirs.extensions.get(oid));
    }
  });

  it('is renewed before its day ends, also after the machine slept through that', async () => {
    const clock = new FakeClock(now);
    const identity = await createIdentity({ clock });
    const first = await identity.credentials();
    clock.advance(11 * 3_600_000);
    assert.equal(await identity.credentials(), first);
    clock.advance(2 * 3_600_000);
    assert.equal(await identity.credentials(), first, 'what is valid serves until there is a new one');
    let latest = first;
    await eventually('new credentials', () => {
      void identity.credentials().then((credentials) => (latest = credentials));
      return latest !== first;
    });
    const [second, same] = await Promise.all([identity.credentials(), identity.credentials()]);
    assert.equal(same, second);
    assert.notDeepEqual(second.publicKey, first.publicKey);
    assert.ok(judgeCertificate(second.certificateDer, 'server', clock.nowMs()).ok);
    clock.advance(10 * 86_400_000);
    assert.ok(judgeCertificate((await identity.credentials()).certificateDer, 'client', clock.nowMs()).ok);
  });
});
