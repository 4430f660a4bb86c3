import assert from 'node:assert/strict';
import { it } from 'node:test';
import { gpuOf, gpuTrust, STATEMENTS_END_MS } from '../../testing/peer-devices.ts';
import { codesOf, Machine, options, random32, signingKey } from '../../testing/peer-world.ts';
import { nodeCrypto as crypto } from '../crypto/node.ts';
import {
  builtinPolicy,
  enclaveDefaults,
  type GpuRules,
  type SimulatedPolicy,
  withMeasurements,
} from '../policy/policy.ts';
import { gpuNonceOf } from './binding.ts';
import type { Claims } from './claims.ts';
import { type EvidenceItem, gpuDigest } from './evidence.ts';
import { judgePeer } from './judge.ts';

const root = signingKey();
const worker = new Machine(root);
const desk = withMeasurements(builtinPolicy('simulated', [root.publicKey]), {
  images: 'any',
  models: 'any',
}) as SimulatedPolicy;
const rules: GpuRules = { ...enclaveDefaults.gpu, required: true };

interface Shown {
  readonly gpus?: (nonce: Uint8Array) => readonly EvidenceItem[];
  readonly claims?: Partial<Claims>;
  readonly rules?: Partial<GpuRules>;
  readonly trust?: Partial<typeof gpuTrust>;
  readonly stored?: Uint8Array;
}

function judge({ gpus = (nonce) => [gpuOf(nonce)], claims, rules: changes, trust = gpuTrust, stored }: Shown = {}) {
  const binding = worker.connection();
  const shown = gpus(gpuNonceOf(binding, stored, crypto));
  const evidence = worker.prove(binding, { ...(stored && { gpuNonce: stored }), ...claims }, shown);
  return judgePeer(evidence, binding, { ...desk, gpu: { ...rules, ...changes } }, trust, options);
}

it('admits a peer whose GPU was asked on this connection, and tells which it is', () => {
  const verdict = judge();
  assert.ok(verdict.ok, JSON.stringify(verdict));
  assert.deepEqual(verdict.peer.gpus, [
    { kind: 'gpu', chip: 'GH100', driver: '550.90.07', vbios: '96.00.9F.00.01', serial: '09' },
  ]);
  assert.ok(verdict.peer.expiresAtMs <= STATEMENTS_END_MS);
});

it('admits several GPUs, and ends the verdict with the first statement of their maker that ends', () => {
  const binding = worker.connection();
  const nonce = gpuNonceOf(binding, undefined, crypto);
  const atMs = STATEMENTS_END_MS - 60_000;
  const shown = [gpuOf(nonce, 3), gpuOf(nonce, 4)];
  const evidence = worker.prove(binding, { notBeforeSec: atMs / 1_000, notAfterSec: atMs / 1_000 + 3_600 }, shown);
  const verdict = judgePeer(evidence, binding, desk, gpuTrust, { ...options, atMs });
  assert.ok(verdict.ok, JSON.stringify(verdict));
  assert.deepEqual(
    verdict.peer.gpus.map(({ serial }) => serial),
    ['03', '04'],
  );
  assert.equal(verdict.peer.expiresAtMs, STATEMENTS_END_MS);
});

it('takes GPU evidence made before the connection only for the random bytes in the claims, and this key', () => {
  const stored = random32();
  assert.deepEqual(codesOf(judge({ stored })), []);
  const other = new Machine(root);
  const borrowed = gpuOf(gpuNonceOf(other.connection(), stored, crypto));
  assert.deepEqual(codesOf(judge({ stored, gpus: () => [borrowed] })), ['GPU_NONCE']);
  assert.deepEqual(codesOf(judge({ stored, claims: { gpuNonce: random32() } })), ['GPU_NONCE']);
});

const refused: readonly (readonly [name: string, shown: Shown, ...codes: string[]])[] = [
  ['GPU evidence for another connection', { gpus: () => [gpuOf(random32())] }, 'GPU_NONCE'],
  ['a GPU that the claims do not name', { claims: { gpuDigests: [] } }, 'GPU_NOT_CLAIMED'],
  ['one GPU that answered twice', { gpus: (nonce) => [gpuOf(nonce), gpuOf(nonce)] }, 'GPU_TWICE'],
  ['a peer without the GPU that is required', { gpus: () => [] }, 'POLICY_GPU_MISSING'],
  ['another chip', { rules: { architectures: ['GB100'] } }, 'POLICY_GPU_ARCHITECTURE'],
  ['an older driver', { rules: { minDriver: '550.100' } }, 'POLICY_GPU_DRIVER'],
  ['an older VBIOS', { rules: { minVbios: { GH100: '96.00.A0.00.00' } } }, 'POLICY_GPU_VBIOS'],
  ['another mode', { rules: { modes: ['multi', 'protected-pcie'] } }, 'POLICY_GPU_MODE'],
  [
    'a GPU without reference values',
    { trust: { ...gpuTrust, rims: [] } },
    'GPU_DRIVER_RIM_MISSING',
    'GPU_VBIOS_RIM_MISSING',
  ],
  [
    'reference values of another root',
    { trust: { nvidiaRoot: gpuTrust.nvidiaRoot, rims: gpuTrust.rims } },
    'RIM_ROOT',
    'RIM_ROOT',
  ],
  ['a GPU of another root', { trust: { rims: gpuTrust.rims, rimRoot: gpuTrust.rimRoot } }, 'GPU_ROOT'],
  [
    'GPU evidence with certificates that are bytes',
    { gpus: (nonce) => [{ ...gpuOf(nonce), certificates: Uint8Array.of(1) }] },
    'GPU_CERT_FORMAT',
  ],
];
for (const [name, shown, ...codes] of refused) {
  it(`refuses ${name}`, () => assert.deepEqual(codesOf(judge(shown)), codes));
}

it('takes what is exactly the least that is asked for', () => {
  const least = {
    architectures: ['GH100'],
    minDriver: '550.90.07',
    minVbios: { GH100: '96.00.9F.00.01' },
    modes: ['single'],
  };
  assert.deepEqual(codesOf(judge({ rules: least as Partial<GpuRules> })), []);
  assert.deepEqual(codesOf(judge({ rules: { minDriver: '550.9.8', minVbios: { GH100: '96.0.9e' } } })), []);
});

it('refuses GPUs of one machine spliced into the evidence of another', () => {
  const [mine, theirs] = [worker.connection(), new Machine(root).connection()];
  const borrowed = gpuOf(gpuNonceOf(theirs, undefined, crypto));
  const evidence = worker.prove(mine, { gpuDigests: [gpuDigest(borrowed, crypto)] }, [borrowed]);
  assert.deepEqual(codesOf(judgePeer(evidence, mine, desk, gpuTrust, options)), ['GPU_NONCE']);
});

it('refuses GPU evidence with a bit turned', () => {
  const turned = (nonce: Uint8Array): EvidenceItem[] => {
    const good = gpuOf(nonce);
    return [{ ...good, data: good.data.with(200, (good.data[200] ?? 0) ^ 1) }];
  };
  assert.ok(codesOf(judge({ gpus: turned })).includes('GPU_SIGNATURE'));
});
