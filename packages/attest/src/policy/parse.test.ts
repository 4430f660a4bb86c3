import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { type PolicyFault, parsePolicy } from './parse.ts';
import { builtinPolicy, type Policy, policyTypes } from './policy.ts';

const [hash, other] = ['ab'.repeat(32), 'cd'.repeat(32)];
const register = 'ef'.repeat(48);
const tdx = { name: 'workers', type: 'tdx', measurements: [hash] };
const snp = { name: 'workers', type: 'sev-snp', measurements: [hash] };
const simulated = { name: 'desk', type: 'simulated', measurements: 'any', roots: [hash] };
const fake = { name: 'desk', type: 'fake_tdx' };

function read(json: unknown): Policy {
  const parsed = parsePolicy(json);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.policy;
}

it('reads a policy for TDX with the defaults of the specification', () => {
  assert.deepEqual(read(tdx), {
    name: 'workers',
    type: 'tdx',
    measurements: [{ imageHash: hash }],
    models: 'root-contract',
    quoteMaxAgeSec: 86_400,
    certMaxSpanSec: 86_400,
    platforms: { deny: [] },
    gpu: { required: false, minVbios: {}, modes: ['single', 'multi', 'protected-pcie'] },
    tcbStatus: ['UpToDate'],
    advisories: { deny: [] },
    tdAttributes: '0000001000000000',
    mrServiceTd: '00'.repeat(48),
    xfam: 'e702060000000000',
  } satisfies Policy);
});

it('leaves Milan out where a policy for SEV-SNP does not ask for it, built in or written', () => {
  for (const policy of [read(snp), builtinPolicy('sev-snp')]) {
    assert.ok(policy.type === 'sev-snp');
    assert.deepEqual(policy.products, ['Genoa', 'Turin']);
  }
});

it('reads every field there is', () => {
  const image = { imageHash: hash, tdAttributes: '0000003000000000', xfam: 'e700060000000000', mrSeam: [register] };
  const enclave = {
    description: 'd',
    measurements: [other, image],
    models: [hash],
    quoteMaxAgeSec: 3_600,
    certMaxSpanSec: 7_200,
    platforms: { allow: [hash], deny: [other], maxPeers: 2 },
    gpu: {
      required: true,
      architectures: ['GH100'],
      minDriver: '550.90.07',
      minVbios: { GH100: '96.00.5E.00.01' },
      modes: ['single'],
    },
  } as const;
  const td = {
    tcbStatus: ['UpToDate', 'SWHardeningNeeded'],
    advisories: { allow: ['INTEL-SA-00615'], deny: ['INTEL-SA-01036'] },
    minTcbDate: '2025-05-14',
    minEvaluationNumber: 19,
    tdAttributes: '0000001000000000',
    mrServiceTd: register,
    xfam: 'e702060000000000',
    mrSeam: [register],
  } as const;
  const measurements = [{ imageHash: other }, image];
  assert.deepEqual(read({ ...tdx, ...enclave, ...td }), { ...tdx, ...enclave, ...td, measurements });
  const minTcb = { bootLoader: 4, tee: 0, snp: 27, microcode: 222, fmc: 1 };
  const chips = { products: ['Milan', 'Turin'], minTcb } as const;
  assert.deepEqual(read({ ...snp, ...enclave, ...chips }), { ...snp, ...enclave, ...chips, measurements });
  assert.deepEqual(read({ ...simulated, ...enclave }), { ...simulated, ...enclave, measurements });
});

it('reads the lists of C++, in either case of letters and as text or list', () => {
  const tdx_config = {
    allowed_mrtd: [register.toUpperCase()],
    allowed_rtmr: [[register, register, register, register]],
    allowed_image_hashes: hash.toUpperCase(),
    allowed_collateral_root_hashes: register,
  };
  const policy = read({ name: 'p', type: 'tdx', tdx_config });
  assert.ok(policy.type === 'tdx');
  assert.deepEqual(policy.measurements, [{ imageHash: hash }]);
  assert.deepEqual(policy.mrTd, [register]);
  assert.deepEqual(policy.rtmrs, tdx_config.allowed_rtmr);
  assert.deepEqual(policy.collateralRootHashes, [register]);
  const older = read({ ...fake, tdx_config: { allowed_image_hash: [hash, other] } });
  assert.ok(older.type === 'fake_tdx');
  assert.deepEqual(older.measurements, [{ imageHash: hash }, { imageHash: other }]);
});

it('leaves images open only in so many words', () => {
  for (const words of ['any', 'root-contract'] as const) {
    const policy = read({ ...tdx, measurements: words, models: words });
    assert.ok(policy.type === 'tdx' && policy.measurements === words && policy.models === words);
  }
});

const faults: readonly (readonly [name: string, json: unknown, ...codes: PolicyFault[]])[] = [
  ['no object', null, 'POLICY_FORMAT'],
  ['a list', [tdx], 'POLICY_FORMAT'],
  ['a type that nobody knows', { ...tdx, type: 'sgx' }, 'POLICY_UNKNOWN_TYPE'],
  ['a type named like a method', { ...tdx, type: 'toString' }, 'POLICY_UNKNOWN_TYPE'],
  ['no type', { name: 'p' }, 'POLICY_MISSING'],
  ['no name', { type: 'any' }, 'POLICY_MISSING'],
  ['an empty name', { type: 'any', name: '' }, 'POLICY_VALUE'],
  ['a key that nobody knows', { ...tdx, tcbstatus: [] }, 'POLICY_UNKNOWN_KEY'],
  ['two keys that nobody knows', { ...tdx, skip: 1, debug: 1 }, 'POLICY_UNKNOWN_KEY', 'POLICY_UNKNOWN_KEY'],
  ['a key of another type', { ...snp, xfam: 'e702060000000000' }, 'POLICY_UNKNOWN_KEY'],
  ['lists where everything is let in', { name: 'p', type: 'any', tdx_config: {} }, 'POLICY_UNKNOWN_KEY'],
  ['a wrong key inside', { ...tdx, gpu: { require: true } }, 'POLICY_UNKNOWN_KEY'],
  ['a wrong key inside the lists of C++', { ...fake, tdx_config: { allowed_mrtds: [register] } }, 'POLICY_UNKNOWN_KEY'],
  ['a wrong key in an image', { ...tdx, measurements: [{ imageHash: hash, mrtd: '' }] }, 'POLICY_UNKNOWN_KEY'],
  ['no measurements', { name: 'p', type: 'tdx' }, 'POLICY_MISSING'],
  [
    'no measurements but other lists',
    { name: 'p', type: 'tdx', tdx_config: { allowed_mrtd: [register] } },
    'POLICY_MISSING',
  ],
  ['no measurements for SEV-SNP', { name: 'p', type: 'sev-snp' }, 'POLICY_MISSING'],
  ['an empty list of products', { ...snp, products: [] }, 'POLICY_EMPTY_LIST'],
  ['a product that nobody knows', { ...snp, products: ['Genoa', 'milan'] }, 'POLICY_VALUE'],
  ['products of a TD', { ...tdx, products: ['Genoa'] }, 'POLICY_UNKNOWN_KEY'],
  ['no roots', { ...simulated, roots: undefined }, 'POLICY_MISSING'],
  ['an empty list of roots', { ...simulated, roots: [] }, 'POLICY_EMPTY_LIST'],
  ['an empty list of measurements', { ...tdx, measurements: [] }, 'POLICY_EMPTY_LIST'],
  ['an empty list of models', { ...tdx, models: [] }, 'POLICY_EMPTY_LIST'],
  ['an empty list of statuses', { ...tdx, tcbStatus: [] }, 'POLICY_EMPTY_LIST'],
  ['an empty list of platforms', { ...tdx, platforms: { allow: [] } }, 'POLICY_EMPTY_LIST'],
  ['an empty list of C++', { ...fake, tdx_config: { allowed_mrtd: [] } }, 'POLICY_EMPTY_LIST'],
  ['an empty list of image hashes of C++', { ...fake, tdx_config: { allowed_image_hashes: [] } }, 'POLICY_EMPTY_LIST'],
  ['RTMRs that are three', { ...fake, tdx_config: { allowed_rtmr: [[register, register, register]] } }, 'POLICY_VALUE'],
  ['RTMRs that are five', { ...fake, tdx_config: { allowed_rtmr: [Array(5).fill(register)] } }, 'POLICY_VALUE'],
  ['RTMRs that are text', { ...fake, tdx_config: { allowed_rtmr: [register] } }, 'POLICY_VALUE', 'POLICY_VALUE'],
  ['RTMRs that are a number', { ...fake, tdx_config: { allowed_rtmr: [4] } }, 'POLICY_VALUE'],
  ['an item that is a number', { ...tdx, measurements: [hash, 5] }, 'POLICY_VALUE'],
  ['an item of C++ that is a number', { ...fake, tdx_config: { allowed_mrtd: [register, 5] } }, 'POLICY_VALUE'],
  ['an item that is null', { ...tdx, measurements: [null] }, 'POLICY_VALUE'],
  ['a hash that is too short', { ...tdx, measurements: [hash.slice(2)] }, 'POLICY_VALUE'],
  ['a hash that is no hex', { ...tdx, measurements: [`x${hash.slice(1)}`] }, 'POLICY_VALUE'],
  ['a hash followed by a line break', { ...tdx, measurements: [`${hash}\n`] }, 'POLICY_VALUE'],
  ['another word in place of a list', { ...tdx, measurements: 'all' }, 'POLICY_VALUE'],
  ['an image twice', { ...tdx, measurements: [hash, { imageHash: hash.toUpperCase() }] }, 'POLICY_CONFLICT'],
  ['image hashes in two places', { ...tdx, tdx_config: { allowed_image_hashes: [hash] } }, 'POLICY_CONFLICT'],
  [
    'image hashes in both places of C++',
    { ...fake, tdx_config: { allowed_image_hashes: [hash], allowed_image_hash: hash } },
    'POLICY_CONFLICT',
  ],
  ['a lenient status without advisories', { ...tdx, tcbStatus: ['SWHardeningNeeded'] }, 'POLICY_MISSING'],
  ['a revoked TCB', { ...tdx, tcbStatus: ['Revoked'], advisories: { allow: ['INTEL-SA-1'] } }, 'POLICY_VALUE'],
  ['debugging', { ...tdx, tdAttributes: '0100001000000000' }, 'POLICY_VALUE'],
  [
    'debugging for one image',
    { ...tdx, measurements: [{ imageHash: hash, tdAttributes: '0100001000000000' }] },
    'POLICY_VALUE',
  ],
  ['an age of a week', { ...tdx, quoteMaxAgeSec: 604_800 }, 'POLICY_VALUE'],
  ['an age of nothing', { ...tdx, certMaxSpanSec: 0 }, 'POLICY_VALUE'],
  ['a date that is none', { ...tdx, minTcbDate: '2025-02-30' }, 'POLICY_VALUE'],
  ['no peers', { ...tdx, platforms: { maxPeers: 0 } }, 'POLICY_VALUE'],
  ['a mode that nobody knows', { ...tdx, gpu: { modes: ['cc-off'] } }, 'POLICY_VALUE'],
  [
    'a VBIOS minimum for a chip that is spelled wrong',
    { ...tdx, gpu: { minVbios: { H100: '96.00.5E.00.01' } } },
    'POLICY_VALUE',
  ],
  [
    'a VBIOS minimum for a chip in small letters',
    { ...tdx, gpu: { minVbios: { gh100: '96.00.5E.00.01' } } },
    'POLICY_VALUE',
  ],
  ['an architecture that is no chip', { ...tdx, gpu: { architectures: ['Hopper'] } }, 'POLICY_VALUE'],
  ['a driver that is no version', { ...tdx, gpu: { minDriver: 'latest' } }, 'POLICY_VALUE'],
  ['a TCB part that nobody knows', { ...snp, minTcb: { bootloader: 1 } }, 'POLICY_UNKNOWN_KEY'],
  [
    'several faults at once',
    { ...tdx, name: 'any', measurements: [], skip: true },
    'POLICY_RESERVED_NAME',
    'POLICY_EMPTY_LIST',
    'POLICY_UNKNOWN_KEY',
  ],
];
for (const [name, json, ...codes] of faults) {
  it(`refuses a policy with ${name}`, () => {
    const parsed = parsePolicy(json);
    assert.ok(!parsed.ok);
    assert.deepEqual(
      parsed.failures.map(({ code }) => code),
      codes,
    );
  });
}

it('refuses the name of a built-in policy, which in C++ silently replaced the strict one', () => {
  for (const name of policyTypes) {
    for (const json of [
      { ...tdx, name },
      { ...fake, name },
      { name, type: 'any' },
      { name, type: 'nothing' },
    ]) {
      const parsed = parsePolicy(json);
      assert.ok(!parsed.ok);
      assert.equal(parsed.failures[0]?.code, 'POLICY_RESERVED_NAME');
      assert.ok(parsed.failures[0]?.fix);
    }
  }
});

it('names the field that is wrong', () => {
  const parsed = parsePolicy({ ...tdx, measurements: [hash, { imageHash: hash, mrtd: '' }], gpu: { modes: [] } });
  assert.ok(!parsed.ok);
  assert.deepEqual(
    parsed.failures.map(({ message }) => message),
    ['"gpu.modes" must not be an empty list', '"measurements.1.mrtd" is no field of a policy of type tdx'],
  );
});

it('names the item of a list that is wrong, not only the list', () => {
  const parsed = parsePolicy({ ...tdx, measurements: [hash, 5], models: [hash, 'x'] });
  assert.ok(!parsed.ok);
  assert.deepEqual(
    new Set(parsed.failures.map(({ message }) => message)),
    new Set(['"measurements.1" must be an image hash, or an object with one', '"models.1" must be 32 bytes in hex']),
  );
});

it('never throws, and lets no built-in name through, whatever the JSON', () => {
  const pieces = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom(...policyTypes, hash, register, 'root-contract', [hash], tdx),
  );
  const keys = fc.constantFrom('name', 'type', 'measurements', 'models', 'tdx_config', 'gpu', 'roots', 'platforms');
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), fc.dictionary(keys, pieces)), (json) => {
      const parsed = parsePolicy(json);
      if (!parsed.ok) assert.ok(parsed.failures.length > 0);
      else assert.ok(!policyTypes.some((name) => name === parsed.policy.name));
    }),
  );
});

it('gives built-in policies that no field is missing from', () => {
  for (const name of policyTypes) {
    const policy = builtinPolicy(name);
    assert.equal(policy.name, name);
    assert.equal(policy.type, name);
  }
  const { name: _, ...builtin } = builtinPolicy('tdx');
  const { name: __, ...written } = read({ name: 'p', type: 'tdx', measurements: 'root-contract' });
  assert.deepEqual(builtin, written);
});

it('names the chip that nobody has, and what one looks like', () => {
  const parsed = parsePolicy({ ...tdx, gpu: { minVbios: { H100: '96.00.5E.00.01' } } });
  assert.ok(!parsed.ok);
  assert.deepEqual(
    parsed.failures.map(({ message }) => message),
    ['"gpu.minVbios.H100" must be a chip such as GH100 or LS_10'],
  );
});
