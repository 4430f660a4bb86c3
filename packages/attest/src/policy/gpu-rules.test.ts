import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { GpuDevice } from '../nvidia/verify-gpu.ts';
import { gpuFaults } from './gpu-rules.ts';
import { enclaveDefaults, type GpuRules } from './policy.ts';
import { platformFaults } from './rules.ts';

const gpu: GpuDevice = {
  kind: 'gpu',
  chip: 'GH100',
  serial: '09',
  driver: '550.90.07',
  vbios: '96.00.9F.00.01',
  mode: 'single',
  fwid: new Uint8Array(48),
  nonce: new Uint8Array(32),
  rims: [],
  policyFindings: [],
  revocation: 'not given',
  expiresAtMs: 0,
};
const nvSwitch: GpuDevice = { ...gpu, kind: 'switch', chip: 'LS_10', driver: undefined, mode: undefined };
const strict: GpuRules = {
  required: true,
  architectures: ['GH100'],
  minDriver: '550.90.07',
  minVbios: { GH100: '96.00.9F.00.01', LS_10: '96.00.9F.00.01' },
  modes: ['single'],
};
const codes = (device: GpuDevice, rules: GpuRules = strict) => [...gpuFaults(rules, device)].map(({ code }) => code);

it('takes a GPU that has what is asked for, and a switch by the rules that mean something for it', () => {
  assert.deepEqual(codes(gpu), []);
  assert.deepEqual(codes(nvSwitch), []);
  assert.deepEqual(codes({ ...nvSwitch, vbios: '96.00.9E.00.01' }), ['POLICY_GPU_VBIOS']);
});

it('refuses a GPU that does not say what is asked for', () => {
  const silent = { ...gpu, driver: undefined, vbios: undefined, mode: undefined };
  assert.deepEqual(codes(silent), ['POLICY_GPU_VBIOS', 'POLICY_GPU_DRIVER', 'POLICY_GPU_MODE']);
  assert.deepEqual(codes(silent, enclaveDefaults.gpu), []);
  assert.deepEqual(codes({ ...gpu, driver: 'latest' }), ['POLICY_GPU_DRIVER']);
});

it('refuses a GPU whose firmware cannot be compared, whatever the policy', () => {
  const unknown: GpuDevice = { ...gpu, policyFindings: ['NO_FWID'] };
  assert.deepEqual(codes(unknown, enclaveDefaults.gpu), ['POLICY_GPU_FIRMWARE']);
});

it('finds no minimum under the name of a method of objects', () => {
  assert.deepEqual(codes({ ...gpu, chip: 'toString' }, enclaveDefaults.gpu), []);
});

it('refuses a machine that does not tell its platform where platforms are listed', () => {
  const faults = (rules: Parameters<typeof platformFaults>[0]) =>
    [...platformFaults(rules, undefined, new Map())].map(({ code }) => code);
  assert.deepEqual(faults({ deny: [] }), []);
  for (const rules of [{ deny: ['00'.repeat(32)] }, { allow: [], deny: [] }, { deny: [], maxPeers: 9 }])
    assert.deepEqual(faults(rules), ['POLICY_PLATFORM']);
});
