import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { gpuCase, gpuCases, gpuInput, readBytes, snpCases } from '../../testing/devices-vectors.ts';
import type { EvidenceItem, EvidenceKind } from './evidence.ts';
import { needsOf } from './needs.ts';

function gpu(file: string): EvidenceItem {
  const { evidence: data, certificates } = gpuInput(gpuCase(file));
  return { kind: 'nvidia-gpu', data, certificates };
}

it('names the collateral of a TDX quote', () => {
  const data = readBytes('tdx/quotes/cocoon-v4.bin');
  assert.deepEqual(needsOf({ items: [{ kind: 'tdx', data }] }), {
    intel: { tee: 'tdx', fmspc: '90c06f000000', ca: 'platform' },
    rims: [],
  });
});

it('names the certificate of an AMD chip, by the layout of its product', () => {
  assert.ok(snpCases.length > 0);
  for (const { file, chipId, reportedTcb } of snpCases) {
    const bytes = Buffer.from(reportedTcb, 'hex');
    const [bootLoader, tee, snp, microcode] = [0, 1, 6, 7].map((at) => bytes[at]);
    const needs = needsOf({ items: [{ kind: 'sev-snp', data: readBytes(file) }] });
    assert.deepEqual(needs, { amd: { product: 'Milan', chipId, tcb: { bootLoader, tee, snp, microcode } }, rims: [] });
  }
});

it('names the reference values of all GPUs, each once', () => {
  const items = [gpu('h100-535.86.09.bin'), gpu('h100-550.90.07.bin'), gpu('h100-550.90.07.bin')];
  assert.deepEqual(
    needsOf({ items }).rims.map(({ id }) => id),
    [
      'NV_GPU_DRIVER_GH100_535.86.09',
      'NV_GPU_VBIOS_1010_0200_882_96005E0001',
      'NV_GPU_DRIVER_GH100_550.90.07',
      'NV_GPU_VBIOS_1010_0200_882_96009F0001',
    ],
  );
  for (const entry of gpuCases) {
    const { evidence: data, certificates } = gpuInput(entry);
    assert.ok(needsOf({ items: [{ kind: 'nvidia-gpu', data, certificates }] }).rims.length > 0);
  }
});

it('names nothing for evidence that needs nothing, or that cannot be read', () => {
  const data = readBytes('tdx/quotes/cocoon-v4.bin');
  for (const kind of ['sgx', 'simulated', 'event-log'] as const)
    assert.deepEqual(needsOf({ items: [{ kind, data }] }), { rims: [] });
  assert.deepEqual(needsOf({ items: [{ kind: 'tdx', data: data.subarray(0, 1_000) }] }), { rims: [] });
  assert.deepEqual(needsOf({ items: [{ ...gpu('h100-550.90.07.bin'), certificates: Uint8Array.of(1) }] }), {
    rims: [],
  });
});

it('throws for no bytes whatever', () => {
  const kind = fc.constantFrom<EvidenceKind>('tdx', 'sgx', 'sev-snp', 'simulated', 'nvidia-gpu', 'event-log');
  const item = fc.record({ kind, data: fc.uint8Array({ maxLength: 300 }), certificates: fc.string() });
  fc.assert(fc.property(fc.array(item), (items) => void needsOf({ items })));
});
