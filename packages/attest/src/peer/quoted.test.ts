import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { vectorCollateral } from '../../testing/intel-cases.ts';
import { intelWorld, WORLD_AT_MS } from '../../testing/intel-world.ts';
import { codesOf, random32 } from '../../testing/peer-world.ts';
import { nodeCrypto as crypto } from '../crypto/node.ts';
import { builtinPolicy, type FakeTdxPolicy, type Policy, type TdxPolicy, withMeasurements } from '../policy/policy.ts';
import { CLAIMS_OID, judgeCertificate, QUOTE_OID } from '../ra-tls.ts';
import type { Certificate, Extension } from '../x509/certificate.ts';
import { readPemCertificates } from '../x509/pem.ts';
import { reportDataV1, reportDataV2 } from './binding.ts';
import { judgeQuotedCertificate } from './quoted.ts';
import type { Trust } from './trust.ts';

const publicKey = random32();
const FAKE_IMAGE = '5c55c8f4db4010ba9203d83536d0609856af8c847ac039e37e7dde8fbd574b61';
const HOUR_MS = 3_600_000;
const tdx = withMeasurements(builtinPolicy('tdx'), { images: 'any', models: 'any' }) as TdxPolicy;
const fake = builtinPolicy('fake_tdx') as FakeTdxPolicy;

interface Shown {
  readonly quote?: Uint8Array;
  readonly claims?: Uint8Array;
  readonly critical?: boolean;
  readonly claimsCritical?: boolean;
  readonly fromMs?: number;
  readonly untilMs?: number;
  readonly key?: Certificate['publicKey'];
}

/** What a judge reads of a certificate that passed all checks which no policy decides. */
function certificate(shown: Shown): Certificate {
  const { quote, claims = quote && publicKey, critical = true, claimsCritical = critical } = shown;
  const extensions = new Map<string, Extension>();
  if (quote) extensions.set(QUOTE_OID, { critical, value: quote });
  if (claims) extensions.set(CLAIMS_OID, { critical: claimsCritical, value: claims });
  const { fromMs = WORLD_AT_MS - HOUR_MS, untilMs = fromMs + 24 * HOUR_MS } = shown;
  const nothing = new Uint8Array(0);
  return {
    der: nothing,
    serial: nothing,
    publicKey: 'key' in shown ? shown.key : { kind: 'ed25519', bytes: publicKey },
    spki: nothing,
    notBeforeMs: fromMs,
    notAfterMs: untilMs,
    issuer: nothing,
    subject: nothing,
    extensions,
    signed: nothing,
    signature: nothing,
    scheme: 'ed25519',
  };
}

const judge = (shown: Shown, policy: Policy, trust: Trust = {}) =>
  judgeQuotedCertificate(certificate(shown), policy, trust, { atMs: WORLD_AT_MS, crypto });
const standIn = reportDataV1(publicKey, crypto);

it('counts any certificate as open where nothing is asked, whatever quote it shows', () => {
  for (const quote of [undefined, standIn, random32()]) {
    const verdict = judge(quote === undefined ? {} : { quote }, builtinPolicy('any'));
    assert.ok(verdict.ok);
    const { tier, attestation, imageHash, fresh } = verdict.peer;
    assert.deepEqual([tier, attestation, fresh], ['open', 'none', false]);
    assert.deepEqual(imageHash, new Uint8Array(32));
  }
});

it('admits the stand-in under fake_tdx, as a simulated peer with the image hash of C++', () => {
  const verdict = judge({ quote: standIn }, fake);
  assert.ok(verdict.ok);
  assert.deepEqual([verdict.peer.tier, verdict.peer.attestation], ['simulated', 'fake_tdx']);
  assert.equal(Buffer.from(verdict.peer.imageHash).toString('hex'), FAKE_IMAGE);
  assert.equal(verdict.peer.measurements['mrTd'], '00'.repeat(48));
});

const refused: readonly (readonly [name: string, shown: Shown, ...codes: string[]])[] = [
  ['no quote', {}, 'EVIDENCE_MISSING'],
  ['claims without a quote', { claims: publicKey }, 'EVIDENCE_MISSING'],
  ['a quote that is no stand-in', { quote: new Uint8Array(65) }, 'POLICY_NOT_FAKE'],
  ['the report data of another key', { quote: reportDataV1(random32(), crypto) }, 'BINDING_REPORT_DATA'],
  ['claims that name another key', { quote: standIn, claims: random32() }, 'CLAIMS_KEY'],
  ['extensions that are not critical', { quote: standIn, critical: false }, 'CERT_NOT_CRITICAL'],
  ['claims that are not critical', { quote: standIn, claimsCritical: false }, 'CERT_NOT_CRITICAL'],
  ['a key of another kind', { quote: standIn, key: { kind: 'p256', point: new Uint8Array(64) } }, 'CERT_KEY'],
  ['a key that nobody knows', { quote: standIn, key: undefined }, 'CERT_KEY'],
  [
    'several faults',
    { quote: reportDataV1(random32(), crypto), claims: random32(), critical: false },
    'CLAIMS_KEY',
    'CERT_NOT_CRITICAL',
    'BINDING_REPORT_DATA',
  ],
];
for (const [name, shown, ...codes] of refused) {
  it(`refuses under fake_tdx a certificate with ${name}`, () => assert.deepEqual(codesOf(judge(shown, fake)), codes));
}

it('refuses a quote without claims', () => {
  const { extensions, ...rest } = certificate({ quote: standIn });
  const bare = { ...rest, extensions: new Map([...extensions].filter(([oid]) => oid === QUOTE_OID)) };
  const verdict = judgeQuotedCertificate(bare, fake, {}, { atMs: WORLD_AT_MS, crypto });
  assert.deepEqual(codesOf(verdict), ['CERT_CLAIMS_MISSING']);
});

it('holds the registers of a stand-in, all zero, against the lists', () => {
  const zero = '00'.repeat(48);
  const one = '01'.repeat(48);
  const under = (lists: Partial<FakeTdxPolicy>) => codesOf(judge({ quote: standIn }, { ...fake, ...lists }));
  const good = { mrTd: [one, zero], rtmrs: [[zero, zero, zero, zero]], collateralRootHashes: [zero] };
  assert.deepEqual(under({ ...good, measurements: [{ imageHash: FAKE_IMAGE }] }), []);
  assert.deepEqual(under({ measurements: [{ imageHash: '00'.repeat(32) }] }), ['POLICY_IMAGE']);
  assert.deepEqual(under({ mrTd: [one] }), ['POLICY_MRTD']);
  assert.deepEqual(under({ rtmrs: [[zero, zero, zero, one]] }), ['POLICY_RTMR']);
  assert.deepEqual(under({ collateralRootHashes: [one] }), ['POLICY_COLLATERAL_ROOT']);
});

// Real quotes, of a maker of our own.
const world = (reportData: Uint8Array, kind: 'td10' | 'td15' | 'sgx' = 'td10') => {
  const quotedBody = (body: Uint8Array) => {
    if (kind === 'sgx') return void body.set(reportData, 320);
    body.set(Buffer.from('e702060000000000', 'hex'), 128);
    body.set(reportData, 520);
  };
  const { quote, collateral, root } = intelWorld({ body: kind, quotedBody });
  return { quote, trust: { intel: { collateral, root } } };
};
const good = world(standIn);

it('admits a quote over the key of the certificate under tdx, and calls it not fresh', () => {
  const verdict = judge({ quote: good.quote }, tdx, good.trust);
  assert.ok(verdict.ok, JSON.stringify(verdict));
  const { tier, attestation, fresh, tcbStatus, expiresAtMs, notBeforeMs } = verdict.peer;
  assert.deepEqual([tier, attestation, fresh, tcbStatus], ['tdx', 'tdx', false, 'UpToDate']);
  assert.equal(notBeforeMs, WORLD_AT_MS - HOUR_MS);
  assert.equal(expiresAtMs, WORLD_AT_MS + 23 * HOUR_MS);
  assert.deepEqual(verdict.peer.publicKey, publicKey);
});

const connection = { role: 'worker', nonce: random32(), exporter: random32(), publicKey } as const;
const judged: readonly (readonly [name: string, shown: Shown, policy: Policy, trust: Trust, ...codes: string[]])[] = [
  ['the stand-in', { quote: standIn }, tdx, good.trust, 'POLICY_FAKE_QUOTE'],
  ['no quote', {}, tdx, good.trust, 'EVIDENCE_MISSING'],
  ['a quote without collateral', { quote: good.quote }, tdx, {}, 'COLLATERAL_MISSING'],
  ['a quote of another key', ...shownOf(world(reportDataV1(random32(), crypto))), 'BINDING_REPORT_DATA'],
  ['a quote of the fresh form', ...shownOf(world(reportDataV2(connection, random32(), crypto))), 'BINDING_REPORT_DATA'],
  ['an SGX quote', ...shownOf(world(standIn, 'sgx')), 'POLICY_SGX'],
  ['bytes that are no quote', { quote: new Uint8Array(1_000) }, tdx, good.trust, 'QUOTE_FORMAT'],
  ['an image that is not listed', { quote: good.quote }, { ...tdx, measurements: [] }, good.trust, 'POLICY_IMAGE'],
  ['a list that is awaited', { quote: good.quote }, builtinPolicy('tdx'), good.trust, 'POLICY_LIST_MISSING'],
  ['two days of life', { quote: good.quote, untilMs: WORLD_AT_MS + 47 * HOUR_MS }, tdx, good.trust, 'CERT_SPAN'],
  ['an old quote', { quote: good.quote, fromMs: WORLD_AT_MS - 25 * HOUR_MS }, tdx, good.trust, 'CERT_AGE'],
  [
    'no GPU where one is required',
    { quote: good.quote },
    { ...tdx, gpu: { ...tdx.gpu, required: true } },
    good.trust,
    'POLICY_GPU_MISSING',
  ],
  ['evidence of another kind than SEV-SNP', { quote: good.quote }, builtinPolicy('sev-snp'), good.trust, 'CERT_FORM'],
  ['evidence of another kind than simulated', { quote: standIn }, builtinPolicy('simulated'), {}, 'CERT_FORM'],
];
function shownOf({ quote, trust }: ReturnType<typeof world>): [Shown, Policy, Trust] {
  return [{ quote }, tdx, trust];
}
for (const [name, shown, policy, trust, ...codes] of judged) {
  it(`refuses a certificate with ${name}`, () => assert.deepEqual(codesOf(judge(shown, policy, trust)), codes));
}

// Certificates as C++ peers make them, and what each policy says of them.
interface RatlsCase {
  readonly file: string;
  readonly policy: Readonly<Record<'any' | 'fake_tdx' | 'tdx', 'accept' | 'reject'>>;
}
const ratls = (file: string) =>
  readFileSync(new URL(`../../../transport/testing/ratls/${file}`, import.meta.url), 'utf8');
const { cases } = JSON.parse(ratls('expected.json')) as { cases: readonly RatlsCase[] };
const real = { intel: { collateral: vectorCollateral('tdx/collateral/90c06f-2026-02-01.json') } };

it('has certificates of C++ peers to judge', () => assert.ok(cases.length >= 8));
for (const { file, policy } of cases) {
  it(`judges ${file} as each policy must`, () => {
    const [der] = readPemCertificates(ratls(file));
    assert.ok(der);
    const at = { atMs: Date.UTC(2026, 1, 1, 12), crypto };
    const read = judgeCertificate(der, 'server', at.atMs, crypto);
    for (const judged of [builtinPolicy('any'), fake, tdx] as const) {
      const ok = read.ok && judgeQuotedCertificate(read.certificate, judged, real, at).ok;
      assert.equal(ok ? 'accept' : 'reject', policy[judged.type as keyof typeof policy], judged.type);
    }
  });
}

it('refuses a certificate by a clock that is no number', () => {
  const verdict = judgeQuotedCertificate(certificate({ quote: good.quote }), tdx, good.trust, {
    atMs: Number.NaN,
    crypto,
  });
  assert.ok(codesOf(verdict).includes('CERT_AGE'));
});
