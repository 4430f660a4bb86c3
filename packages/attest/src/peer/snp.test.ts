import assert from 'node:assert/strict';
import { it } from 'node:test';
import { CHIP_ID, SNP_TCB, STATEMENTS_END_MS, snpChip, snpOf, snpTrust } from '../../testing/peer-devices.ts';
import { codesOf, Machine, NOW_MS, options, random32, signingKey } from '../../testing/peer-world.ts';
import { toHex } from '../bytes.ts';
import { nodeCrypto as crypto } from '../crypto/node.ts';
import { builtinPolicy, type SevSnpPolicy, withMeasurements } from '../policy/policy.ts';
import { reportDataV2 } from './binding.ts';
import { encodeClaims } from './claims.ts';
import { judgePeer } from './judge.ts';
import { snpImageHash } from './snp.ts';
import type { Trust } from './trust.ts';

const worker = new Machine(signingKey());
const policy = withMeasurements(builtinPolicy('sev-snp'), { images: 'any', models: 'any' }) as SevSnpPolicy;
const image = snpImageHash(new Uint8Array(48).fill(6), crypto);

interface Shown {
  readonly changes?: Partial<SevSnpPolicy>;
  readonly trust?: Trust['amd'];
  readonly edit?: (report: Uint8Array) => void;
}

function judge({ changes, trust = snpTrust, edit }: Shown = {}) {
  const binding = worker.connection();
  const claims = encodeClaims(worker.claims());
  const items = [snpOf(reportDataV2(binding, claims, crypto), edit)];
  return judgePeer({ claims, items }, binding, { ...policy, ...changes }, { amd: trust }, options);
}

it('admits a SEV-SNP peer that proves itself for this connection', () => {
  const verdict = judge({ changes: { measurements: [{ imageHash: toHex(image) }], minTcb: SNP_TCB } });
  assert.ok(verdict.ok, JSON.stringify(verdict));
  const { tier, attestation, fresh, imageHash, platform, expiresAtMs, measurements } = verdict.peer;
  assert.deepEqual([tier, attestation, fresh], ['sev-snp', 'sev-snp', true]);
  assert.deepEqual(imageHash, image);
  assert.deepEqual(platform, crypto.hash('sha256', CHIP_ID));
  assert.equal(measurements['measurement'], '06'.repeat(48));
  assert.equal(expiresAtMs, NOW_MS + 3_600_000);
  assert.ok(STATEMENTS_END_MS > expiresAtMs);
});

const { crl: _, ...withoutList } = snpTrust;
const { roots: __, ...pinned } = snpTrust;
const refused: readonly (readonly [name: string, shown: Shown, ...codes: string[]])[] = [
  ['a guest that may be debugged', { edit: (report) => report.set([0x0a], 10) }, 'POLICY_SNP_DEBUG'],
  ['a guest that may be migrated', { edit: (report) => report.set([0x06], 10) }, 'POLICY_SNP_MIGRATION_AGENT'],
  ['a report of a less privileged level', { edit: (report) => report.set([1], 48) }, 'POLICY_SNP_VMPL'],
  ['a guest policy with unknown bits', { edit: (report) => report.set([1], 15) }, 'POLICY_SNP_POLICY_RESERVED'],
  ['a chip of a product that is not listed', { changes: { products: ['Turin'] } }, 'POLICY_PRODUCT'],
  ['an image that is not listed', { changes: { measurements: [{ imageHash: '00'.repeat(32) }] } }, 'POLICY_IMAGE'],
  ['an older microcode than asked for', { changes: { minTcb: { microcode: 5 } } }, 'POLICY_SNP_TCB'],
  ['a part that does not report its version', { changes: { minTcb: { fmc: 1 } } }, 'POLICY_SNP_TCB'],
  [
    'a platform on the deny list',
    { changes: { platforms: { deny: [toHex(crypto.hash('sha256', CHIP_ID))] } } },
    'POLICY_PLATFORM',
  ],
  ['a report without a list of revoked certificates', { trust: withoutList }, 'SNP_CRL_MISSING'],
  ['a report under a root that is not trusted', { trust: pinned }, 'SNP_ROOT'],
];
for (const [name, shown, ...codes] of refused) {
  it(`refuses ${name}`, () => assert.deepEqual(codesOf(judge(shown)), codes));
}

it('refuses a report for which no certificates are at hand, and says how to get them', () => {
  const binding = worker.connection();
  const claims = encodeClaims(worker.claims());
  const items = [snpOf(reportDataV2(binding, claims, crypto))];
  const verdict = judgePeer({ claims, items }, binding, policy, {}, options);
  assert.deepEqual(codesOf(verdict), ['SNP_CERTIFICATES_MISSING']);
  assert.match((!verdict.ok && verdict.failures[0]?.fix) || '', /"kds".*--vcek FILE/);
});

it('admits a Milan under a policy that lists the product, and under no other', () => {
  const { trust, report } = snpChip('Milan');
  const binding = worker.connection();
  const claims = encodeClaims(worker.claims());
  const items = [report(reportDataV2(binding, claims, crypto))];
  const codes = (changes: Partial<SevSnpPolicy>) =>
    codesOf(judgePeer({ claims, items }, binding, { ...policy, ...changes }, { amd: trust }, options));
  assert.deepEqual(codes({ products: ['Milan'] }), []);
  assert.deepEqual(codes({}), ['POLICY_PRODUCT']);
});

it('refuses a Milan before anybody asks for its certificates, and says why', () => {
  const binding = worker.connection();
  const claims = encodeClaims(worker.claims());
  const milan = (report: Uint8Array) => report.set([0x19, 0x01], 392);
  for (const edit of [milan, (report: Uint8Array) => report.set([2], 0)]) {
    const items = [snpOf(reportDataV2(binding, claims, crypto), edit)];
    const verdict = judgePeer({ claims, items }, binding, policy, {}, options);
    assert.deepEqual(codesOf(verdict), ['POLICY_PRODUCT']);
    assert.match((!verdict.ok && verdict.failures[0]?.fix) || '', /Genoa, Turin.*"products"/);
    const asked = { ...policy, products: ['Milan'] } as const;
    assert.deepEqual(codesOf(judgePeer({ claims, items }, binding, asked, {}, options)), ['SNP_CERTIFICATES_MISSING']);
  }
});

it('refuses a report of another connection, and one with a bit turned', () => {
  const binding = worker.connection();
  const claims = encodeClaims(worker.claims());
  const report = snpOf(reportDataV2(binding, claims, crypto));
  const judged = (data: Uint8Array, nonce = binding.nonce) =>
    codesOf(
      judgePeer({ claims, items: [{ ...report, data }] }, { ...binding, nonce }, policy, { amd: snpTrust }, options),
    );
  assert.deepEqual(judged(report.data), []);
  assert.deepEqual(judged(report.data, random32()), ['BINDING_REPORT_DATA']);
  assert.deepEqual(judged(report.data.with(200, 1)), ['SNP_SIGNATURE']);
});
