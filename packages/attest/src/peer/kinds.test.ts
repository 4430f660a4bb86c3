import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readBytes, snpCases, snpInput } from '../../testing/devices-vectors.ts';
import { vectorCollateral } from '../../testing/intel-cases.ts';
import { codesOf, Machine, options, signingKey } from '../../testing/peer-world.ts';
import { nodeCrypto } from '../crypto/node.ts';
import { builtinPolicy, type Policy, withMeasurements } from '../policy/policy.ts';
import { reportDataV2 } from './binding.ts';
import { encodeClaims } from './claims.ts';
import type { EvidenceKind } from './evidence.ts';
import { judgePeer } from './judge.ts';

const root = signingKey();
const worker = new Machine(root);
const open = { images: 'any', models: 'any' } as const;
const desk = withMeasurements(builtinPolicy('simulated', [root.publicKey]), open);
const [snp] = snpCases.map(snpInput);
assert.ok(snp);
const trust = {
  intel: { collateral: vectorCollateral('tdx/collateral/90c06f-2026-02-01.json') },
  amd: snp.certificates,
};

// Every kind of evidence under every policy. What is written is the first failure; nothing for a peer that is let in.
const shown = {
  nothing: () => [],
  simulated: (reportData: Uint8Array) => [worker.report(reportData)],
  'a stand-in': (reportData: Uint8Array) => [{ kind: 'tdx', data: reportData }],
  'a stand-in of zeros': () => [{ kind: 'tdx', data: new Uint8Array(64) }],
  'a TDX quote': () => [{ kind: 'tdx', data: readBytes('tdx/quotes/cocoon-v4.bin') }],
  'a TDX quote with empty registers': () => [{ kind: 'tdx', data: readBytes('tdx/quotes/phala-v5-td15.bin') }],
  'an SGX quote': () => [{ kind: 'sgx', data: readBytes('sgx/quotes/phala-v3.bin') }],
  'an SGX quote called TDX': () => [{ kind: 'tdx', data: readBytes('sgx/quotes/phala-v3.bin') }],
  'a SEV-SNP report': () => [{ kind: 'sev-snp', data: readBytes('snp/gcp-v5-vmpl0.bin') }],
  'simulated, called TDX': (reportData: Uint8Array) => [{ ...worker.report(reportData), kind: 'tdx' }],
  'simulated, called SEV-SNP': (reportData: Uint8Array) => [{ ...worker.report(reportData), kind: 'sev-snp' }],
  'a stand-in called simulated': (reportData: Uint8Array) => [{ kind: 'simulated', data: reportData }],
  'a TDX quote called simulated': () => [{ kind: 'simulated', data: readBytes('tdx/quotes/cocoon-v4.bin') }],
  'a quote and simulated': (reportData: Uint8Array) => [
    { kind: 'tdx', data: readBytes('tdx/quotes/cocoon-v4.bin') },
    worker.report(reportData),
  ],
  'simulated twice': (reportData: Uint8Array) => [worker.report(reportData), worker.report(reportData)],
} as const satisfies Record<string, (reportData: Uint8Array) => { kind: EvidenceKind; data: Uint8Array }[]>;

type Row = Readonly<Record<Exclude<Policy['type'], 'any'>, string | undefined>>;
const expected: Readonly<Record<keyof typeof shown, Row>> = {
  nothing: all('EVIDENCE_MISSING'),
  simulated: { ...all('POLICY_KIND'), simulated: undefined },
  'a stand-in': { fake_tdx: undefined, tdx: 'POLICY_FAKE_QUOTE', 'sev-snp': 'POLICY_KIND', simulated: 'POLICY_KIND' },
  'a stand-in of zeros': {
    fake_tdx: 'BINDING_REPORT_DATA',
    tdx: 'POLICY_FAKE_QUOTE',
    'sev-snp': 'POLICY_KIND',
    simulated: 'POLICY_KIND',
  },
  'a TDX quote': {
    fake_tdx: 'POLICY_NOT_FAKE',
    tdx: 'BINDING_REPORT_DATA', // a good quote, of another connection
    'sev-snp': 'POLICY_KIND',
    simulated: 'POLICY_KIND',
  },
  'a TDX quote with empty registers': {
    fake_tdx: 'POLICY_NOT_FAKE',
    tdx: 'TCB_NOT_SUPPORTED',
    'sev-snp': 'POLICY_KIND',
    simulated: 'POLICY_KIND',
  },
  'an SGX quote': all('POLICY_KIND'),
  'an SGX quote called TDX': {
    fake_tdx: 'POLICY_NOT_FAKE',
    tdx: 'POLICY_SGX',
    'sev-snp': 'POLICY_KIND',
    simulated: 'POLICY_KIND',
  },
  'a SEV-SNP report': { ...all('POLICY_KIND'), 'sev-snp': 'POLICY_PRODUCT' },
  'simulated, called TDX': {
    fake_tdx: 'POLICY_NOT_FAKE',
    tdx: 'QUOTE_FORMAT',
    'sev-snp': 'POLICY_KIND',
    simulated: 'POLICY_KIND',
  },
  'simulated, called SEV-SNP': { ...all('POLICY_KIND'), 'sev-snp': 'SNP_FORMAT' },
  'a stand-in called simulated': { ...all('POLICY_KIND'), simulated: 'SIMULATED_FORMAT' },
  'a TDX quote called simulated': { ...all('POLICY_KIND'), simulated: 'SIMULATED_FORMAT' },
  'a quote and simulated': all('EVIDENCE_AMBIGUOUS'),
  'simulated twice': all('EVIDENCE_AMBIGUOUS'),
};
function all(code: string): Row {
  return { fake_tdx: code, tdx: code, 'sev-snp': code, simulated: code };
}

for (const [name, items] of Object.entries(shown)) {
  for (const [type, code] of Object.entries(expected[name as keyof typeof shown])) {
    it(`${code === undefined ? 'lets in' : 'refuses'} a peer with ${name} under ${type}`, () => {
      const policy = type === 'simulated' ? desk : withMeasurements(builtinPolicy(type as Policy['type']), open);
      const binding = worker.connection();
      const claims = encodeClaims(worker.claims());
      const evidence = { claims, items: items(reportDataV2(binding, claims, nodeCrypto)) };
      const verdict = judgePeer(evidence, binding, policy, trust, options);
      if (code === undefined) {
        assert.ok(verdict.ok, JSON.stringify(codesOf(verdict)));
        assert.equal(verdict.peer.tier, 'simulated');
        return;
      }
      assert.ok(!verdict.ok);
      assert.equal(verdict.failures[0]?.code, code);
      if (code.startsWith('POLICY_') || code === 'EVIDENCE_MISSING') assert.ok(verdict.failures[0]?.fix);
    });
  }
  it(`counts a peer with ${name} as open where nothing is asked`, () => {
    const binding = worker.connection();
    const claims = encodeClaims(worker.claims());
    const evidence = { claims, items: items(reportDataV2(binding, claims, nodeCrypto)) };
    const verdict = judgePeer(evidence, binding, builtinPolicy('any'), trust, options);
    assert.ok(verdict.ok);
    const { tier, attestation, imageHash, fresh, measurements } = verdict.peer;
    assert.deepEqual([tier, attestation, fresh, measurements], ['open', 'none', false, {}]);
    assert.deepEqual(imageHash, new Uint8Array(32));
  });
}

it('says to a network with policy tdx and simulated workers why, and what to do', () => {
  const binding = worker.connection();
  const policy = withMeasurements(builtinPolicy('tdx'), open);
  const verdict = judgePeer(worker.prove(binding), binding, policy, trust, options);
  assert.ok(!verdict.ok);
  assert.deepEqual(verdict.failures, [
    {
      code: 'POLICY_KIND',
      message: 'the peer shows SIMULATED evidence, which proves no enclave; the policy "tdx" asks for a TDX quote',
      fix: 'run the peer inside a TDX guest with the evidence provider "tdx"; to try things out on a desk, choose the policy "simulated"',
    },
  ]);
});
