import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { gpuCase, gpuInput } from '../../testing/devices-vectors.ts';
import { codesOf, Machine, MODEL, NOW_MS, options, random32, signingKey } from '../../testing/peer-world.ts';
import { concat, toHex } from '../bytes.ts';
import { nodeCrypto } from '../crypto/node.ts';
import { builtinPolicy, type Policy, withMeasurements } from '../policy/policy.ts';
import { type Binding, reportDataV2 } from './binding.ts';
import { type Claims, encodeClaims } from './claims.ts';
import { type EvidenceItem, type EvidenceKind, encodeEvidence, evidenceDigest, gpuDigest } from './evidence.ts';
import { judgePeer } from './judge.ts';
import { simulatedImageHash } from './simulated.ts';

const root = signingKey();
const worker = new Machine(root);
const proxy = new Machine(root, 'proxy');
const open = { images: 'any', models: 'any' } as const;
const desk = withMeasurements(builtinPolicy('simulated', [root.publicKey]), open);
const judge = (
  machine: Machine,
  policy: Policy = desk,
  changes: Partial<Claims> = {},
  more: readonly EvidenceItem[] = [],
) => {
  const binding = machine.connection();
  return judgePeer(machine.prove(binding, changes, more), binding, policy, {}, options);
};

it('tells everything about a peer that it lets in', () => {
  const binding = worker.connection();
  const promptKey = random32();
  const evidence = worker.prove(binding, { promptKey });
  const verdict = judgePeer(evidence, binding, desk, {}, options);
  assert.ok(verdict.ok, JSON.stringify(verdict));
  assert.deepEqual(verdict.peer, {
    tier: 'simulated',
    attestation: 'simulated',
    imageHash: simulatedImageHash(worker.measurement, nodeCrypto),
    publicKey: worker.tls.publicKey,
    model: MODEL,
    modelHash: nodeCrypto.hash('sha256', new TextEncoder().encode(MODEL)),
    imageVersion: '1.0.0',
    owner: 'EQowner',
    promptKey,
    measurements: { measurement: toHex(worker.measurement) },
    advisories: [],
    platform: nodeCrypto.hash('sha256', worker.platformKey.publicKey),
    gpus: [],
    evidenceDigest: evidenceDigest(evidence, nodeCrypto),
    fresh: true,
    notBeforeMs: NOW_MS - 5_000,
    expiresAtMs: NOW_MS + 3_600_000,
  });
  assert.deepEqual(judgePeer(encodeEvidence(evidence), binding, desk, {}, options), verdict);
});

it('ends a verdict with the shortest of claims and policy', () => {
  const short = { ...desk, quoteMaxAgeSec: 600 } as Policy;
  const verdict = judge(worker, short);
  assert.ok(verdict.ok);
  assert.equal(verdict.peer.expiresAtMs, NOW_MS + 600_000);
});

// Evidence in the wrong place.
it('refuses evidence replayed on another connection: its exporter differs', () => {
  const first = worker.connection();
  const evidence = worker.prove(first);
  const second = { ...first, exporter: random32() };
  assert.deepEqual(codesOf(judgePeer(evidence, second, desk, {}, options)), ['BINDING_REPORT_DATA']);
});

it('refuses evidence for a nonce that was ours once', () => {
  const first = worker.connection();
  const evidence = worker.prove(first);
  assert.deepEqual(codesOf(judgePeer(evidence, { ...first, nonce: random32() }, desk, {}, options)), [
    'BINDING_REPORT_DATA',
  ]);
});

it("refuses a proxy's evidence shown as a worker's", () => {
  const binding = proxy.connection();
  const evidence = proxy.prove(binding);
  const codes = codesOf(judgePeer(evidence, { ...binding, role: 'worker' }, desk, {}, options));
  assert.deepEqual(codes, ['CLAIMS_ROLE', 'BINDING_REPORT_DATA']);
});

it("refuses a proxy's report under claims that say worker", () => {
  const binding = proxy.connection();
  const claims = encodeClaims(proxy.claims({ role: 'worker', model: MODEL }));
  const evidence = { claims, items: [proxy.report(reportDataV2(binding, claims, nodeCrypto))] };
  assert.deepEqual(codesOf(judgePeer(evidence, { ...binding, role: 'worker' }, desk, {}, options)), [
    'BINDING_REPORT_DATA',
  ]);
});

it('refuses evidence passed on by a machine between: the key of the connection is another', () => {
  const middle = signingKey();
  const far = worker.connection();
  const near = { ...far, publicKey: middle.publicKey, exporter: random32() };
  assert.deepEqual(codesOf(judgePeer(worker.prove(far), near, desk, {}, options)), [
    'CLAIMS_KEY',
    'BINDING_REPORT_DATA',
  ]);
});

it('refuses our own evidence that the peer sends back to us', () => {
  const ours = worker.connection();
  const theirs = { ...ours, role: 'proxy' as const, publicKey: signingKey().publicKey };
  const codes = codesOf(judgePeer(worker.prove(ours), theirs, desk, {}, options));
  assert.deepEqual(codes, ['CLAIMS_ROLE', 'CLAIMS_KEY', 'BINDING_REPORT_DATA']);
});

it('refuses claims of one machine beside the report of another', () => {
  const good = new Machine(root);
  const binding = good.connection();
  const [claims, items] = [good.prove(binding).claims, worker.prove(binding).items];
  assert.deepEqual(codesOf(judgePeer({ claims, items }, binding, desk, {}, options)), ['BINDING_REPORT_DATA']);
});

it('refuses claims that were changed after the report was made', () => {
  const binding = worker.connection();
  const { items } = worker.prove(binding);
  for (const changes of [{ owner: 'EQthief' }, { model: 'other' }, { promptKey: random32() }, { imageVersion: '2' }]) {
    const claims = encodeClaims(worker.claims(changes));
    assert.deepEqual(codesOf(judgePeer({ claims, items }, binding, desk, {}, options)), ['BINDING_REPORT_DATA']);
  }
});

it('refuses claims that name another platform than the report is from', () => {
  assert.deepEqual(codesOf(judge(worker, desk, { platform: random32() })), ['CLAIMS_PLATFORM']);
  assert.ok(judge(worker, desk, { platform: nodeCrypto.hash('sha256', worker.platformKey.publicKey) }).ok);
});

it('refuses simulated evidence of another network', () => {
  assert.deepEqual(codesOf(judge(new Machine(signingKey()))), ['SIMULATED_ROOT']);
  assert.deepEqual(codesOf(judge(worker, withMeasurements(builtinPolicy('simulated'), open))), ['SIMULATED_ROOT']);
});

// Time.
const nowSec = NOW_MS / 1_000;
const dates: readonly (readonly [name: string, changes: Partial<Claims>, ...codes: string[]])[] = [
  ['that hold from within a minute', { notBeforeSec: nowSec + 60 }],
  ['that ended within a minute', { notBeforeSec: nowSec - 600, notAfterSec: nowSec - 60 }],
  ['that hold for a day', { notBeforeSec: nowSec, notAfterSec: nowSec + 86_400 }],
  ['of the future', { notBeforeSec: nowSec + 61 }, 'CLAIMS_FUTURE'],
  ['of the past', { notBeforeSec: nowSec - 600, notAfterSec: nowSec - 61 }, 'CLAIMS_EXPIRED'],
  ['that hold for more than a day', { notBeforeSec: nowSec, notAfterSec: nowSec + 86_401 }, 'CLAIMS_SPAN'],
  ['that end before they begin', { notBeforeSec: nowSec, notAfterSec: nowSec - 1 }, 'CLAIMS_SPAN'],
  ['of the end of time', { notBeforeSec: 2 ** 53 - 1, notAfterSec: 2 ** 53 - 1 }, 'CLAIMS_FUTURE'],
  ['for all time', { notBeforeSec: 0, notAfterSec: 2 ** 53 - 1 }, 'CLAIMS_SPAN'],
];
for (const [name, changes, ...codes] of dates) {
  it(`${codes.length > 0 ? 'refuses' : 'takes'} claims ${name}`, () => {
    for (const policy of [desk, builtinPolicy('any')]) assert.deepEqual(codesOf(judge(worker, policy, changes)), codes);
  });
}
it('holds claims to the span of the policy', () => {
  assert.deepEqual(codesOf(judge(worker, { ...desk, certMaxSpanSec: 3_000 } as Policy)), ['CLAIMS_SPAN']);
});

// Lists.
const listing = (images: readonly Uint8Array[], models: readonly string[]) =>
  withMeasurements(builtinPolicy('simulated', [root.publicKey]), {
    images,
    models: models.map((model) => nodeCrypto.hash('sha256', new TextEncoder().encode(model))),
  });
const image = simulatedImageHash(worker.measurement, nodeCrypto);

it('lets in an image and a model that the root contract lists, and nothing else', () => {
  assert.deepEqual(codesOf(judge(worker, listing([random32(), image], ['x', MODEL]))), []);
  assert.deepEqual(codesOf(judge(worker, listing([random32()], [MODEL]))), ['POLICY_IMAGE']);
  assert.deepEqual(codesOf(judge(worker, listing([image], ['x']))), ['POLICY_MODEL']);
  assert.deepEqual(codesOf(judge(worker, listing([image], [MODEL]), { model: `${MODEL} ` })), ['POLICY_MODEL']);
});

it('lets in nobody while the lists are empty', () => {
  assert.deepEqual(codesOf(judge(worker, listing([], []))), ['POLICY_IMAGE', 'POLICY_MODEL']);
});

it('lets in nobody before the lists of the root contract arrived', () => {
  const waiting = builtinPolicy('simulated', [root.publicKey]);
  assert.deepEqual(codesOf(judge(worker, waiting)), ['POLICY_LIST_MISSING', 'POLICY_LIST_MISSING']);
});

it('asks a worker for its model, and no one else', () => {
  const binding = worker.connection();
  const { model: _, ...silent } = worker.claims();
  const claims = encodeClaims(silent);
  const items = [worker.report(reportDataV2(binding, claims, nodeCrypto))];
  assert.deepEqual(codesOf(judgePeer({ claims, items }, binding, listing([image], [MODEL]), {}, options)), [
    'POLICY_MODEL_MISSING',
  ]);
  assert.deepEqual(codesOf(judge(proxy, listing([image], []))), []);
});

it('holds platforms to the lists of the policy', () => {
  const mine = toHex(nodeCrypto.hash('sha256', worker.platformKey.publicKey));
  const other = toHex(random32());
  const under = (platforms: object) => codesOf(judge(worker, { ...desk, platforms } as Policy));
  assert.deepEqual(under({ allow: [other, mine], deny: [other] }), []);
  assert.deepEqual(under({ allow: [other], deny: [] }), ['POLICY_PLATFORM']);
  assert.deepEqual(under({ deny: [mine] }), ['POLICY_PLATFORM']);
});

it('counts the peers of one platform, and refuses where nobody counts', () => {
  const mine = toHex(nodeCrypto.hash('sha256', worker.platformKey.publicKey));
  const policy = { ...desk, platforms: { deny: [], maxPeers: 2 } } as Policy;
  const binding = worker.connection();
  const under = (platformPeers?: ReadonlyMap<string, number>) =>
    codesOf(
      judgePeer(worker.prove(binding), binding, policy, {}, { ...options, ...(platformPeers && { platformPeers }) }),
    );
  assert.deepEqual(under(new Map()), []);
  assert.deepEqual(under(new Map([[mine, 1]])), []);
  assert.deepEqual(under(new Map([[mine, 2]])), ['POLICY_PLATFORM_PEERS']);
  assert.deepEqual(under(), ['POLICY_PLATFORM_PEERS']);
});

// GPUs.
const { evidence: data, certificates } = gpuInput(gpuCase('h100-550.90.07.bin'));
const h100: EvidenceItem = { kind: 'nvidia-gpu', data, certificates };

it('refuses GPU evidence that answers the nonce of somebody else', () => {
  const codes = codesOf(judge(worker, desk, {}, [h100]));
  assert.equal(codes[0], 'GPU_NONCE');
  assert.ok(codes.includes('GPU_DRIVER_RIM_MISSING'));
});

it('refuses GPU evidence that the claims do not name', () => {
  assert.deepEqual(codesOf(judge(worker, desk, { gpuDigests: [] }, [h100])), ['GPU_NOT_CLAIMED']);
});

it('refuses claims that name GPU evidence which is not shown', () => {
  const digest = gpuDigest(h100, nodeCrypto);
  assert.deepEqual(codesOf(judge(worker, desk, { gpuDigests: [digest] })), ['GPU_EVIDENCE_MISSING']);
  const codes = codesOf(judge(worker, desk, { gpuDigests: [digest, random32()] }, [h100]));
  assert.equal(codes[0], 'GPU_EVIDENCE_MISSING');
});

it('refuses one GPU evidence shown twice', () => {
  const gpuDigests = [gpuDigest(h100, nodeCrypto)];
  assert.equal(codesOf(judge(worker, desk, { gpuDigests }, [h100, h100]))[0], 'GPU_TWICE');
});

it('refuses a peer without the GPU that the policy requires', () => {
  const policy = { ...desk, gpu: { required: true, minVbios: {}, modes: ['single'] } } as Policy;
  assert.deepEqual(codesOf(judge(worker, policy)), ['POLICY_GPU_MISSING']);
});

it('spends no time on the GPUs of a peer whose claims nothing covers', () => {
  const binding = worker.connection();
  const evidence = worker.prove(binding, {}, [h100]);
  const codes = codesOf(judgePeer(evidence, { ...binding, nonce: random32() }, desk, {}, options));
  assert.deepEqual(codes, ['BINDING_REPORT_DATA']);
});

it('spends no time on the GPUs of a machine that is not genuine, though its report is about these claims', () => {
  const binding = worker.connection();
  const { claims, items } = worker.prove(binding, {}, [h100]);
  const forged = items.map((item) => {
    if (item.kind !== 'simulated') return item;
    const data = concat(item.data);
    data[data.length - 1] = (data[data.length - 1] ?? 0) ^ 1; // of the platform's key
    return { ...item, data };
  });
  const codes = codesOf(judgePeer({ claims, items: forged }, binding, desk, {}, options));
  assert.deepEqual(codes, ['SIMULATED_ENDORSEMENT', 'SIMULATED_SIGNATURE']);
});

it('refuses an event log of a machine that has no registers to hold it against', () => {
  assert.deepEqual(codesOf(judge(worker, desk, {}, [{ kind: 'event-log', data: Uint8Array.of(0xa0) }])), [
    'LOG_WITHOUT_REGISTERS',
  ]);
});

// Hostile bytes.
it('answers hostile bytes with a verdict under every policy', () => {
  const policies = [desk, ...(['any', 'fake_tdx', 'tdx', 'sev-snp'] as const).map((name) => builtinPolicy(name))];
  const binding = worker.connection();
  const kinds = fc.constantFrom<EvidenceKind>('tdx', 'sgx', 'sev-snp', 'simulated', 'nvidia-gpu', 'event-log');
  const item = fc.record({ kind: kinds, data: fc.uint8Array({ minLength: 1, maxLength: 200 }) });
  const items = fc.array(item, { maxLength: 4 });
  fc.assert(
    fc.property(fc.constantFrom(...policies), items, (policy, list) => {
      const claims = encodeClaims(worker.claims());
      const verdict = judgePeer({ claims, items: list }, binding, policy, {}, options);
      assert.equal(verdict.ok, policy.type === 'any');
    }),
    { numRuns: 300 },
  );
  for (const policy of policies) {
    assert.deepEqual(codesOf(judgePeer(new Uint8Array(9), binding, policy, {}, options)), ['EVIDENCE_FORMAT']);
    const bad = { claims: new Uint8Array(9), items: [] };
    assert.deepEqual(codesOf(judgePeer(bad, binding, policy, {}, options)), ['EVIDENCE_FORMAT']);
  }
});

it('refuses evidence in which any one bit was changed', () => {
  const binding: Binding = worker.connection();
  const good = encodeEvidence(worker.prove(binding));
  assert.ok(judgePeer(good, binding, desk, {}, options).ok);
  fc.assert(
    fc.property(fc.nat({ max: good.length * 8 - 1 }), (bit) => {
      const bytes = concat(good);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.ok(!judgePeer(bytes, binding, desk, {}, options).ok);
    }),
    { numRuns: 1_000 },
  );
});
