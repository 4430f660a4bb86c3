/** The GPUs of a peer: each named in the claims, asked on this connection, genuine. Source: attestation.md §14.5. */
import { toHex } from '../bytes.ts';
import type { AttestCrypto } from '../crypto/port.ts';
import { type GpuDevice, verifyGpu } from '../nvidia/verify-gpu.ts';
import { gpuFaults } from '../policy/gpu-rules.ts';
import type { GpuRules } from '../policy/policy.ts';
import type { Failure } from '../verdict.ts';
import { type Binding, gpuNonceOf } from './binding.ts';
import type { Claims } from './claims.ts';
import { type EvidenceItem, gpuDigest } from './evidence.ts';
import type { JudgeOptions, Trust } from './trust.ts';
import type { AttestedGpu } from './verdict.ts';

export interface JudgedGpus {
  readonly gpus: readonly AttestedGpu[];
  readonly failures: readonly Failure[];
  /** When the first of NVIDIA's statements ends. */
  readonly expiresAtMs: number;
}

/** Claims and evidence name the same GPUs: none is shown that the machine did not vouch for, and none held back. */
export function* pairingFaults(
  items: readonly EvidenceItem[],
  claims: Claims,
  rules: GpuRules,
  crypto: AttestCrypto,
): Generator<Failure> {
  const shown = items.filter(isGpu).map((item) => toHex(gpuDigest(item, crypto)));
  const claimed = claims.gpuDigests.map(toHex);
  const fix = 'collect the evidence of all GPUs before the claims are made, and send it with them';
  for (const digest of claimed.filter((digest) => !shown.includes(digest)))
    yield { code: 'GPU_EVIDENCE_MISSING', message: `the claims name GPU evidence ${digest}, which was not sent`, fix };
  for (const digest of shown.filter((digest) => !claimed.includes(digest)))
    yield { code: 'GPU_NOT_CLAIMED', message: `the claims do not name the GPU evidence ${digest}`, fix };
  if (new Set(shown).size < shown.length) yield { code: 'GPU_TWICE', message: 'one GPU evidence is shown twice' };
  if (rules.required && shown.length === 0) {
    yield {
      code: 'POLICY_GPU_MISSING',
      message: 'the policy requires a GPU, and the peer shows none',
      fix: 'give the worker a GPU in confidential-computing mode and a provider of its evidence',
    };
  }
}

export function judgeGpus(
  items: readonly EvidenceItem[],
  claims: Claims,
  binding: Binding,
  rules: GpuRules,
  trust: Trust,
  { atMs, crypto }: JudgeOptions,
): JudgedGpus {
  const nonce = gpuNonceOf(binding, claims.gpuNonce, crypto);
  const claimed = new Set(claims.gpuDigests.map(toHex));
  const roots = {
    ...(trust.nvidiaRoot && { root: trust.nvidiaRoot }),
    ...(trust.rimRoot && { rimRoot: trust.rimRoot }),
  };
  const devices: GpuDevice[] = [];
  const failures: Failure[] = [];
  for (const item of items.filter(isGpu)) {
    if (!claimed.delete(toHex(gpuDigest(item, crypto)))) continue; // told about by pairingFaults, and bounds the work
    const certificates = typeof item.certificates === 'string' ? item.certificates : '';
    const input = { evidence: item.data, certificates };
    const verdict = verifyGpu(input, { atMs, crypto, nonce, rims: trust.rims ?? [], ...roots });
    if (!verdict.ok) failures.push(...verdict.failures);
    const device = verdict.ok ? verdict : verdict.seen;
    if (device === undefined) continue;
    devices.push(device);
    failures.push(...gpuFaults(rules, device));
  }
  if (new Set(devices.map(({ serial }) => serial)).size < devices.length)
    failures.push({ code: 'GPU_TWICE', message: 'two evidences are of one GPU' });
  if (rules.required && devices.length > 0 && !devices.some(({ kind }) => kind === 'gpu'))
    failures.push({
      code: 'POLICY_GPU_MISSING',
      message: 'the policy requires a GPU, and the peer shows only switches',
    });
  return {
    gpus: devices.map(asShown),
    failures,
    expiresAtMs: Math.min(...devices.map(({ expiresAtMs }) => expiresAtMs)),
  };
}

function isGpu({ kind }: EvidenceItem): boolean {
  return kind === 'nvidia-gpu';
}

function asShown({ kind, chip, driver, vbios, serial }: GpuDevice): AttestedGpu {
  return { kind, chip, driver: driver ?? '', vbios: vbios ?? '', serial };
}
