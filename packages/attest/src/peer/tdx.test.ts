import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { vectorBytes, vectorCollateral } from '../../testing/intel-cases.ts';
import { intelWorld, WORLD_AT_MS, type World, type WorldChange } from '../../testing/intel-world.ts';
import { codesOf, Machine, random32, signingKey } from '../../testing/peer-world.ts';
import { concat, toHex, utf8 } from '../bytes.ts';
import { nodeCrypto as crypto } from '../crypto/node.ts';
import { openCollateral } from '../intel/collateral.ts';
import { readQuote } from '../intel/quote.ts';
import { collateralRootHash, INTEL_ROOT } from '../intel/root.ts';
import { imageHash } from '../measure/image-hash.ts';
import { lineExtension, replay } from '../measure/registers.ts';
import { builtinPolicy, type TdxPolicy, withMeasurements } from '../policy/policy.ts';
import { type Binding, reportDataV2 } from './binding.ts';
import { type Claims, encodeClaims } from './claims.ts';
import type { EvidenceItem } from './evidence.ts';
import { judgePeer } from './judge.ts';
import { encodeLogs, logFaults } from './logs.ts';
import { judgeTdx } from './tdx.ts';

const open = withMeasurements(builtinPolicy('tdx'), { images: 'any', models: 'any' }) as TdxPolicy;

const tdxQuote = (name: string) => vectorBytes(`tdx/quotes/${name}.bin`);

// Quotes of real machines: bound to connections of long ago, and otherwise everything a peer's would be.
const COCOON_IMAGE = '04b3afd931d28680af91a15b09d672c40ad6b141f7f9089a8d67d595220f7436';
const REAL_AT_MS = Date.UTC(2026, 1, 5);
const real = { intel: { collateral: vectorCollateral('tdx/collateral/90c06f-2026-02-01.json') } };
const judgeReal = (name: string, changes: Partial<TdxPolicy> = {}, trust: Parameters<typeof judgeTdx>[2] = real) =>
  judgeTdx(tdxQuote(name), { ...open, ...changes }, trust, { atMs: REAL_AT_MS, crypto });
const realCodes = (...args: Parameters<typeof judgeReal>) => judgeReal(...args).failures.map(({ code }) => code);

it('admits the real machine of the reference project, and tells what it is', () => {
  const listed: Partial<TdxPolicy> = {
    measurements: [{ imageHash: COCOON_IMAGE }],
    mrTd: [toHex(tdxQuote('cocoon-v4').subarray(48 + 136, 48 + 184))],
    collateralRootHashes: [toHex(collateralRootHash(crypto))],
    minTcbDate: '2024-01-01',
    minEvaluationNumber: 18,
  };
  const { machine, failures } = judgeReal('cocoon-v4', listed);
  assert.deepEqual(failures, []);
  assert.equal(toHex(machine?.imageHash ?? new Uint8Array()), COCOON_IMAGE);
  assert.equal(machine?.tier, 'tdx');
  assert.equal(machine?.tcbStatus, 'UpToDate');
  assert.equal(machine?.evaluationNumber, 18);
  assert.match(machine?.measurements['rtmr0'] ?? '', /^251a7f3cfc68/);
});

const refusals: readonly (readonly [name: string, quote: string, changes: Partial<TdxPolicy>, ...codes: string[]])[] = [
  ['an image that is not listed', 'cocoon-v4', { measurements: [{ imageHash: '00'.repeat(32) }] }, 'POLICY_IMAGE'],
  ['an image while the list is awaited', 'cocoon-v4', { measurements: 'root-contract' }, 'POLICY_LIST_MISSING'],
  ['an MRTD that is not listed', 'cocoon-v4', { mrTd: ['00'.repeat(48)] }, 'POLICY_MRTD'],
  ['RTMRs that are not listed', 'cocoon-v4', { rtmrs: [Array(4).fill('00'.repeat(48))] }, 'POLICY_RTMR'],
  ['another collateral root', 'cocoon-v4', { collateralRootHashes: ['00'.repeat(48)] }, 'POLICY_COLLATERAL_ROOT'],
  ['another XFAM than the policy has', 'cocoon-v4', { xfam: 'e718060000000000' }, 'POLICY_XFAM'],
  [
    'another XFAM than the image was admitted with',
    'cocoon-v4',
    { measurements: [{ imageHash: COCOON_IMAGE, xfam: 'e718060000000000' }] },
    'POLICY_XFAM',
  ],
  [
    'other attributes than the image was admitted with',
    'cocoon-v4',
    { measurements: [{ imageHash: COCOON_IMAGE, tdAttributes: '0000003000000000' }] },
    'POLICY_TD_ATTRIBUTES',
  ],
  ['a module that is not listed', 'cocoon-v4', { mrSeam: ['00'.repeat(48)] }, 'POLICY_MRSEAM'],
  [
    'a module that the image was not admitted with',
    'cocoon-v4',
    { measurements: [{ imageHash: COCOON_IMAGE, mrSeam: ['00'.repeat(48)] }] },
    'POLICY_MRSEAM',
  ],
  ['an older TCB than asked for', 'cocoon-v4', { minTcbDate: '2030-01-01' }, 'POLICY_TCB_DATE'],
  ['an older evaluation than asked for', 'cocoon-v4', { minEvaluationNumber: 19 }, 'POLICY_EVALUATION_NUMBER'],
  ['a service TD where none is told', 'cocoon-v4', { mrServiceTd: '01'.repeat(48) }, 'POLICY_SERVICE_TD'],
  ['a platform on the deny list', 'cocoon-v4', { platforms: { deny: [platformOf('cocoon-v4')] } }, 'POLICY_PLATFORM'],
  ['a PERFMON TD', 'moemahhouk-perfmon-v4', {}, 'TCB_NOT_SUPPORTED', 'POLICY_TD_ATTRIBUTES'],
  ['a TD with a service TD', 'trustee-servtd-v5', {}, 'TCB_NOT_SUPPORTED', 'POLICY_SERVICE_TD', 'POLICY_XFAM'],
  ['a quote of a TD with empty registers', 'phala-v5-td15', {}, 'TCB_NOT_SUPPORTED', 'POLICY_XFAM'],
];
function platformOf(name: string): string {
  return toHex(judgeReal(name).machine?.platform ?? new Uint8Array());
}
for (const [name, quote, changes, ...codes] of refusals) {
  it(`refuses ${name}`, () => {
    const { failures, machine } = judgeReal(quote, changes);
    assert.deepEqual(
      failures.map(({ code }) => code),
      codes,
    );
    assert.ok(machine, 'what was seen is told all the same');
  });
}

it('refuses a debug TD, whose quote is good by all rules of Intel, even where a policy was told to take it', () => {
  const trust = { intel: { collateral: vectorCollateral('tdx/collateral/50806f-2023-06.json') } };
  const at = { atMs: Date.UTC(2023, 6, 1), crypto };
  const lenient = { ...open, tdAttributes: '0100001000000000', xfam: 'e742060000000000' };
  const { failures } = judgeTdx(tdxQuote('trustee-debug-v4'), lenient, trust, at);
  assert.deepEqual(
    failures.map(({ code }) => code),
    ['POLICY_DEBUG'],
  );
  assert.match(failures[0]?.fix ?? '', /without debugging/);
});

it('refuses a quote for which no collateral is at hand, and says how to get it', () => {
  const { failures } = judgeReal('cocoon-v4', {}, {});
  assert.deepEqual(
    failures.map(({ code }) => code),
    ['COLLATERAL_MISSING'],
  );
  assert.match(failures[0]?.fix ?? '', /collateral fetch/);
  assert.deepEqual(
    realCodes('cocoon-v4', {}, { intel: { collateral: vectorCollateral('tdx/collateral/b0c06f-2025-06.json') } })
      .length > 0,
    true,
  );
});

// Machines of a maker of our own, who signs what we like: the whole way from a connection to a verdict.
const worker = new Machine(signingKey());
const COCOON_XFAM = Buffer.from('e702060000000000', 'hex');

interface Shown extends WorldChange {
  readonly binding?: Binding;
  readonly claims?: Partial<Claims>;
  readonly registers?: readonly Uint8Array[];
  readonly more?: readonly EvidenceItem[];
  readonly tail?: Uint8Array;
}

const atSec = WORLD_AT_MS / 1_000;
function prove({
  binding = worker.connection(),
  claims: changes,
  registers = [],
  more = [],
  tail,
  ...change
}: Shown = {}) {
  const claims = encodeClaims(worker.claims({ notBeforeSec: atSec, notAfterSec: atSec + 3_600, ...changes }));
  const world: World = intelWorld({
    ...change,
    quotedBody(body) {
      body.set(COCOON_XFAM, 128);
      body.set(reportDataV2(binding, claims, crypto), 520);
      for (const [n, value] of registers.entries()) body.set(value, 328 + 48 * n);
      change.quotedBody?.(body);
    },
  });
  const data = tail === undefined ? world.quote : concat(world.quote, tail);
  return { world, binding, evidence: { claims, items: [{ kind: 'tdx', data }, ...more] as EvidenceItem[] } };
}
type Proof = ReturnType<typeof prove>;
const judge = ({ world, binding, evidence }: Proof, policy: TdxPolicy = open, atMs = WORLD_AT_MS) =>
  judgePeer(evidence, binding, policy, { intel: { collateral: world.collateral, root: world.root } }, { atMs, crypto });

it('admits a TDX peer that proves itself for this connection', () => {
  for (const body of ['td10', 'td15'] as const) {
    const proof = prove({ body });
    const [{ data }] = proof.evidence.items as [EvidenceItem];
    const image = imageHash(readQuote(data), crypto);
    const models = [crypto.hash('sha256', utf8(worker.claims().model ?? ''))];
    const verdict = judge(proof, withMeasurements(builtinPolicy('tdx'), { images: [image], models }) as TdxPolicy);
    assert.ok(verdict.ok, JSON.stringify(verdict));
    const { tier, attestation, fresh, tcbStatus, tcbDate, evaluationNumber, expiresAtMs, platform } = verdict.peer;
    assert.deepEqual([tier, attestation, fresh], ['tdx', 'tdx', true]);
    assert.deepEqual([tcbStatus, tcbDate, evaluationNumber], ['UpToDate', '2025-03-13T00:00:00Z', 17]);
    assert.equal(expiresAtMs, WORLD_AT_MS + 3_600_000);
    assert.deepEqual(platform, crypto.hash('sha256', new Uint8Array(16).fill(0xaa)));
    assert.deepEqual(verdict.peer.imageHash, image);
  }
});

it('gives one verdict for collateral that was opened before', () => {
  const proof = prove();
  const { root, collateral } = proof.world;
  const trust = { intel: { collateral: openCollateral(collateral, { crypto, root }), root } };
  assert.deepEqual(judgePeer(proof.evidence, proof.binding, open, trust, { atMs: WORLD_AT_MS, crypto }), judge(proof));
});

it('believes no root that it was not given', () => {
  const proof = prove();
  const { root, collateral } = proof.world;
  for (const intel of [
    { collateral },
    { collateral, root: INTEL_ROOT },
    { collateral: openCollateral(collateral, { crypto, root }) },
  ]) {
    const verdict = judgePeer(proof.evidence, proof.binding, open, { intel }, { atMs: WORLD_AT_MS, crypto });
    assert.ok(!verdict.ok);
  }
});

it('ends a verdict with the collateral', () => {
  const endMs = Date.parse('2026-07-01T00:00:00Z');
  const atMs = endMs - 60_000;
  const claims = { notBeforeSec: atMs / 1_000, notAfterSec: atMs / 1_000 + 3_600 };
  const verdict = judge(prove({ claims }), open, atMs);
  assert.ok(verdict.ok, JSON.stringify(verdict));
  assert.equal(verdict.peer.expiresAtMs, endMs);
});

it('refuses a TDX peer whose quote is of another connection, nonce, role or claims', () => {
  const first = prove();
  for (const binding of [
    { ...first.binding, exporter: random32() },
    { ...first.binding, nonce: random32() },
    { ...first.binding, role: 'proxy' as const },
  ]) {
    assert.ok(codesOf(judge({ ...first, binding })).includes('BINDING_REPORT_DATA'));
  }
  const { claims } = prove({ binding: first.binding, claims: { owner: 'EQthief' } }).evidence;
  assert.deepEqual(codesOf(judge({ ...first, evidence: { ...first.evidence, claims } })), ['BINDING_REPORT_DATA']);
});

it('refuses registers of a good machine spliced into the quote of another', () => {
  const { evidence, ...rest } = prove();
  const [quote] = evidence.items as [EvidenceItem];
  const data = quote.data.slice();
  data.set(new Uint8Array(48).fill(9), 54 + 136);
  assert.deepEqual(codesOf(judge({ ...rest, evidence: { ...evidence, items: [{ ...quote, data }] } })), [
    'QUOTE_SIGNATURE',
  ]);
});

const lenient = {
  tcbStatus: ['UpToDate', 'OutOfDate'],
  advisories: { allow: ['INTEL-SA-1', 'INTEL-SA-2', 'INTEL-SA-3'], deny: [] },
} as const;
const outdated: WorldChange = { body: 'td10', quotedBody: (body) => body.set([4], 0) };
const rules: readonly (readonly [name: string, shown: Shown, changes: Partial<TdxPolicy>, ...codes: string[]])[] = [
  ['takes an outdated module where status and advisory are allowed', outdated, lenient],
  ['refuses an outdated module', outdated, {}, 'POLICY_TCB_STATUS', 'POLICY_ADVISORY'],
  [
    'refuses an outdated module without a list of advisories',
    outdated,
    { tcbStatus: lenient.tcbStatus },
    'POLICY_ADVISORY',
  ],
  [
    'refuses an advisory that is not put up with',
    outdated,
    { ...lenient, advisories: { allow: ['INTEL-SA-1'], deny: [] } },
    'POLICY_ADVISORY',
  ],
  [
    'refuses an advisory that is on the deny list, allowed or not',
    outdated,
    { ...lenient, advisories: { allow: lenient.advisories.allow, deny: ['INTEL-SA-2'] } },
    'POLICY_ADVISORY_DENIED',
  ],
  ['refuses MIGRATABLE', { quotedBody: (body) => body.set([0x30], 123) }, {}, 'POLICY_TD_ATTRIBUTES'],
  ['refuses a TD without SEPT_VE_DISABLE', { quotedBody: (body) => body.set([0], 123) }, {}, 'POLICY_TD_ATTRIBUTES'],
  [
    'refuses attribute bits that nobody knows',
    { quotedBody: (body) => body.set([1], 124) },
    {},
    'POLICY_TD_ATTRIBUTES',
  ],
  [
    'refuses bits 1 to 7, whatever the policy says',
    { quotedBody: (body) => body.set([0x80], 120) },
    { tdAttributes: '8000001000000000' },
    'POLICY_DEBUG',
  ],
  ['refuses a service TD', { quotedBody: (body) => body.set([1], 600) }, {}, 'POLICY_SERVICE_TD'],
  [
    'takes the service TD that the policy names',
    { quotedBody: (body) => body.set([1], 600) },
    { mrServiceTd: `01${'00'.repeat(47)}` },
  ],
  [
    'refuses a platform that is not on the allow list',
    {},
    { platforms: { allow: ['00'.repeat(32)], deny: [] } },
    'POLICY_PLATFORM',
  ],
  ['refuses a revoked machine', { revoke: ['pck'] }, {}, 'PCK_REVOKED'],
];
for (const [name, shown, changes, ...codes] of rules) {
  it(name, () => assert.deepEqual(codesOf(judge(prove(shown), { ...open, ...changes })), codes));
}

// Event logs.
const lines = [`cocoon:spec.tree=${'ab'.repeat(32)}`, `cocoon:model=${worker.claims().model}`, 'cocoon:tdx_inited'];
const registers = replay(
  lines.map((line) => lineExtension(line, crypto)),
  crypto,
);
const log = (text: readonly string[]): EvidenceItem => ({
  kind: 'event-log',
  data: encodeLogs({ lines: utf8(text.map((line) => `${line}\n`).join('')) }),
});
const specHash = new Uint8Array(32).fill(0xab);
const logs: readonly (readonly [name: string, shown: Shown, ...codes: string[]])[] = [
  [
    'takes a log that leads to the registers and says what the claims say',
    { registers, claims: { specHash }, more: [log(lines)] },
  ],
  ['refuses a log of another boot', { registers, more: [log(lines.slice(1))] }, 'LOG_REGISTER_MISMATCH'],
  [
    'refuses claims of another model than was measured',
    { registers, claims: { model: 'x' }, more: [log(lines)] },
    'LOG_MODEL',
  ],
  [
    'refuses claims of another specification than was measured',
    { registers, claims: { specHash: new Uint8Array(32) }, more: [log(lines)] },
    'LOG_SPEC',
  ],
  ['refuses two logs', { registers, more: [log(lines), log(lines)] }, 'EVIDENCE_AMBIGUOUS'],
  [
    'refuses a log that is none',
    { registers, more: [{ kind: 'event-log', data: Uint8Array.of(0xff) }] },
    'LOG_MALFORMED',
  ],
];
for (const [name, shown, ...codes] of logs) it(name, () => assert.deepEqual(codesOf(judge(prove(shown))), codes));

it('takes the log of a real machine beside its quote, and beside no other', () => {
  const data = encodeLogs({ ccel: vectorBytes('tdx/eventlog/google-cos-ccel-data.bin') });
  const faults = (name: string) => {
    const { body } = readQuote(tdxQuote(name));
    assert.ok(body.kind !== 'sgx');
    return [...logFaults([{ kind: 'event-log', data }], body.rtmr, worker.claims(), crypto)].map(({ code }) => code);
  };
  assert.deepEqual(faults('google-cos-v4'), []);
  assert.deepEqual(new Set(faults('cocoon-v4')), new Set(['LOG_REGISTER_MISMATCH']));
});

it('refuses a proven peer in which any one bit was changed, but for the tail of its quote, which nobody signed', () => {
  const proof = prove({ tail: new Uint8Array(8) });
  const [quote] = proof.evidence.items as [EvidenceItem];
  const { collateral, root } = proof.world;
  const trust = { intel: { collateral: openCollateral(collateral, { crypto, root }), root } };
  const judged = (data: Uint8Array) =>
    judgePeer({ ...proof.evidence, items: [{ kind: 'tdx', data }] }, proof.binding, open, trust, {
      atMs: WORLD_AT_MS,
      crypto,
    });
  assert.ok(judged(quote.data).ok);
  fc.assert(
    fc.property(fc.nat({ max: quote.data.length * 8 - 1 }), (bit) => {
      const data = quote.data.slice();
      data[bit >> 3] = (data[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.equal(judged(data).ok, bit >> 3 >= data.length - 8);
    }),
    { numRuns: 300 },
  );
});
