import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { it } from 'node:test';
import type { AttestedPeer } from '@bombyx/attest';
import { type PeerIdentity, QueryError } from '@bombyx/transport';
import { createBench, leaks, type Peer, turns } from '../testing/harness.ts';
import { connectWorker, head, lastPart, MODEL, run, used } from '../testing/messages.ts';

const IMAGE = Buffer.alloc(32, 0x1a);
const BUNDLE = Buffer.from('what the worker showed');
const DIGEST = createHash('sha256').update(BUNDLE).digest();
const TEXT = `${MODEL}@abc:00`;

/** Ids of the requests that a worker got. */
const jobs = (worker: Peer) => worker.got('bombyx.runJob').map(({ request_id }) => request_id);

const attested: AttestedPeer = {
  tier: 'simulated',
  attestation: 'simulated',
  imageHash: IMAGE,
  publicKey: Buffer.alloc(32, 2),
  model: TEXT,
  owner: '',
  measurements: {},
  advisories: [],
  gpus: [],
  fresh: true,
  notBeforeMs: 0,
  expiresAtMs: Number.POSITIVE_INFINITY,
};
const binding = {
  role: 'worker',
  nonce: Buffer.alloc(32, 3),
  exporter: Buffer.alloc(32, 4),
  publicKey: Buffer.alloc(32, 2),
} as const;
const proven: Partial<PeerIdentity> = {
  attestation: 'simulated',
  imageHash: IMAGE,
  publicKey: Buffer.alloc(32, 2),
  attested,
  proof: { form: 'fresh', bytes: BUNDLE, binding, policy: 'simulated', judgedAtMs: 1_000 },
};
const shown = {
  kind: 'bombyx.servedBy',
  tier: 'simulated',
  model: TEXT,
  image_hash: IMAGE,
  flags: 1,
  evidence: DIGEST,
};

it('tells a client of version 4 with the head who answers, streamed or whole, and one of version 3 nothing', async () => {
  using bench = createBench();
  const worker = await bench.worker({}, proven);
  const [four, three] = [await bench.client({ version: 4 }), await bench.client({ version: 3 })];
  for (const client of [four, three]) {
    client.tell(run());
    const id = jobs(worker).at(-1)!;
    worker.tell(head(id));
    worker.tell(lastPart(id, 'text', used(1, 1)));
    await turns();
  }
  assert.deepEqual(four.the('bombyx.provenHead').worker, shown);
  assert.equal(four.got('bombyx.answerHead').length, 0);
  assert.equal(three.got('bombyx.provenHead').length, 0);
  assert.equal(three.got('bombyx.answerHead').length, 1);
  assert.deepEqual(leaks(bench), []);
});

it('calls a worker that proved nothing open, and names no evidence', async () => {
  using bench = createBench();
  const [worker, client] = [await bench.worker(), await bench.client({ version: 4 })];
  client.tell(run());
  worker.tell(head(jobs(worker)[0]!));
  const { tier, evidence, flags } = client.the('bombyx.provenHead').worker;
  assert.deepEqual({ tier, evidence, flags }, { tier: 'open', evidence: undefined, flags: 0 });
});

it('hands out the proofs of its workers, all or the one that an answer named, with what they are bound to', async () => {
  using bench = createBench();
  await bench.worker({}, proven);
  await bench.worker();
  const client = await bench.client({ version: 4 });
  for (const evidence of [Buffer.alloc(0), DIGEST]) {
    const answer = await client.ask({ kind: 'bombyx.getWorkerProofs', evidence });
    assert.ok(answer.kind === 'bombyx.workerProofs');
    assert.equal(answer.workers.length, 1);
    const [one] = answer.workers;
    assert.deepEqual(one?.worker, shown);
    assert.deepEqual(one.proof, BUNDLE);
    assert.deepEqual([one.nonce, one.exporter], [binding.nonce, binding.exporter]);
  }
  const none = await client.ask({ kind: 'bombyx.getWorkerProofs', evidence: Buffer.alloc(32) });
  assert.ok(none.kind === 'bombyx.workerProofs' && none.workers.length === 0);
});

it('tells no proofs before a client has shown who it is', async () => {
  using bench = createBench();
  const ask = bench.clientPeer().ask({ kind: 'bombyx.getWorkerProofs', evidence: Buffer.alloc(0) });
  await assert.rejects(ask, QueryError);
});

it('refuses a worker that serves another model than its evidence names', async () => {
  using bench = createBench();
  const peer = bench.workerPeer(proven);
  await assert.rejects(peer.ask(connectWorker({ model: `${MODEL}@other:00` })), /not the one that the evidence/);
});

for (const what of ['image', 'model'] as const) {
  it(`ends the connection of a worker whose ${what} the root contract has withdrawn, and its requests with a code`, async () => {
    const lists = { workerHashes: [IMAGE], modelHashes: [createHash('sha256').update(TEXT).digest()] };
    using bench = createBench({ config: { check_worker_hashes: true }, root: lists });
    const [worker, client] = [await bench.worker({}, proven), await bench.client({ version: 4 })];
    client.tell(run());
    worker.tell(head(jobs(worker)[0]!));
    const { self, sessions } = bench.core.sessions;
    for (const session of sessions) session.reconsider();
    assert.equal(worker.connection.signal.aborted, false, 'nothing has changed yet');
    const now = what === 'image' ? { workerHashes: [Buffer.alloc(32)] } : { modelHashes: [Buffer.alloc(32)] };
    self.root = { ...self.root, ...now };
    for (const session of [...sessions]) session.reconsider();
    assert.equal(worker.connection.signal.aborted, true);
    assert.match(worker.connection.closedWith ?? '', /is not admitted any more: ROOT_(IMAGE|MODEL)/);
    await turns();
    bench.clock.advance(2_000);
    await turns();
    assert.equal(client.the('bombyx.answerError').reason, 'worker_lost');
    assert.equal(client.connection.signal.aborted, false);
    assert.deepEqual(leaks(bench), []);
  });
}

it('says to a client whose model has no worker why the last one was not let in', async () => {
  using bench = createBench();
  bench.core.sessions.self.refusedWorker = 'the worker at 192.0.2.1 was not let in: POLICY_KIND';
  const client = await bench.client({ version: 4 });
  client.tell(run());
  await turns();
  assert.match(client.the('bombyx.answerError').message, /unknown model .*; the worker at .* POLICY_KIND/);
  await bench.worker();
  assert.equal(bench.core.sessions.self.refusedWorker, undefined);
});
