import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { decodeClaims, decodeEvidence, reportDataV1, reportDataV2, simulatedImageHash } from '@bombyx/attest';
import { nodeCrypto } from '@bombyx/attest/node';
import { Scope, silentLogger, systemClock } from '@bombyx/base';
import { attestationFields } from '@bombyx/config';
import { createSimulatedMachine, createSimulatedRoot, type EvidenceProvider } from '@bombyx/evidence';
import { eventually } from '@bombyx/testkit';
import { type Connection, connect, createIdentity, listen, type PeerPolicy } from '@bombyx/transport';
import { z } from 'zod';
import { CliError } from '../usage.ts';
import { evidenceSource, quoteMaker } from './evidence-source.ts';
import { Attestation } from './open.ts';

const folder = mkdtempSync(join(tmpdir(), 'bombyx-attestation-'));
after(() => rmSync(folder, { recursive: true }));
const deps = { clock: systemClock, log: silentLogger };
const Config = z.strictObject(attestationFields);
const measurement = createHash('sha384').update('an image').digest();
const image = Buffer.from(simulatedImageHash(measurement, nodeCrypto));
const MODEL = 'm@main:00';
const silent = { onMessage: () => {}, onQuery: () => Promise.reject(new Error('asks nothing')) };

/** Two machines of one network, known by its root. */
async function network(name: string) {
  const root = join(folder, name);
  const { publicKey } = await createSimulatedRoot(root);
  const roots = [Buffer.from(publicKey).toString('hex')];
  const configOf = async (role: string, more: object = {}) => {
    const file = join(root, `${role}.json`);
    await createSimulatedMachine({ root, file, measurement });
    const simulated = { attestation: 'simulated', simulated_key: file, simulated_roots: roots };
    return Config.parse({ ...simulated, ...more });
  };
  return { proxy: await configOf('proxy'), worker: await configOf('worker'), configOf };
}

/** A worker knocks at a proxy. */
async function meet(
  scope: Scope,
  sides: { proxy: Attestation; worker: Attestation; workers: PeerPolicy; proxies: PeerPolicy },
): Promise<{ connection: Connection; accepted: Connection }> {
  const identity = await sides.proxy.identity({ role: 'proxy', owner: '0:aa' });
  const security = {
    kind: 'tls',
    identity,
    policy: sides.workers,
    peerRole: 'worker',
    pow: { difficulty: 1 },
  } as const;
  let accepted: Connection | undefined;
  const onConnection = (connection: Connection) => {
    accepted = connection;
    return silent;
  };
  const listener = await listen({ host: '127.0.0.1', port: 0, security }, onConnection, deps);
  scope.defer(() => listener.close());
  const mine = await sides.worker.identity({ role: 'worker', owner: '0:bb', model: MODEL });
  const theirs = { kind: 'tls', identity: mine, policy: sides.proxies } as const;
  const connection = await connect({ host: '127.0.0.1', port: listener.port, security: theirs }, () => silent, deps);
  return { connection, accepted: accepted! };
}

function adopted(policy: PeerPolicy, images: 'any' | Buffer[] = 'any', models: 'any' | Buffer[] = 'any'): PeerPolicy {
  policy.adopt?.({ images, models });
  return policy;
}

describe('machines that are played', () => {
  it('prove to each other what they run, as long as the root contract lists it', async () => {
    await using scope = new Scope();
    const { proxy, worker } = await network('one');
    const sides = { proxy: new Attestation(proxy, deps, scope), worker: new Attestation(worker, deps, scope) };
    const model = createHash('sha256').update(MODEL).digest();
    const workers = adopted(sides.proxy.policy('simulated'), [image], [model]);
    const proxies = adopted(sides.worker.policy('simulated'), [image], []);
    const { connection, accepted } = await meet(scope, { ...sides, workers, proxies });
    assert.equal(connection.peer.attestation, 'simulated');
    assert.deepEqual(accepted.peer.imageHash, image);
    const { attested } = accepted.peer;
    assert.deepEqual([attested?.tier, attested?.model, attested?.owner], ['simulated', MODEL, '0:bb']);
    assert.deepEqual(workers.reconsider?.(attested!, 'worker'), []);
    adopted(workers, [Buffer.alloc(32)], [model]);
    assert.deepEqual(
      workers.reconsider?.(attested!, 'worker').map(({ code }) => code),
      ['POLICY_IMAGE'],
    );
    adopted(workers, [image], [Buffer.alloc(32)]);
    assert.deepEqual(
      workers.reconsider?.(attested!, 'worker').map(({ code }) => code),
      ['POLICY_MODEL'],
    );
  });

  const refusals: [string, string, RegExp][] = [
    ['a policy that asks for TDX', 'tdx', /POLICY_KIND: .*SIMULATED.*what to do/],
    ['a policy that asks for SEV-SNP', 'sev-snp', /POLICY_KIND: .*SIMULATED/],
  ];
  for (const [what, policy, reason] of refusals) {
    it(`are refused by ${what}, with what to do`, async () => {
      await using scope = new Scope();
      const { proxy, configOf } = await network(`asks-${policy}`);
      const worker = await configOf('worker', { pccs: [], kds: [], rims: [] });
      const sides = { proxy: new Attestation(proxy, deps, scope), worker: new Attestation(worker, deps, scope) };
      const workers = adopted(sides.proxy.policy('simulated'));
      const meeting = meet(scope, { ...sides, workers, proxies: adopted(sides.worker.policy(policy)) });
      await assert.rejects(meeting, { code: 'TRANSPORT_PEER_REFUSED', message: reason });
    });
  }

  it('of another network are refused, and hear why', async () => {
    await using scope = new Scope();
    const [ours, theirs] = [await network('ours'), await network('theirs')];
    const sides = {
      proxy: new Attestation(ours.proxy, deps, scope),
      worker: new Attestation(theirs.worker, deps, scope),
    };
    const workers = adopted(sides.proxy.policy('simulated'));
    const meeting = meet(scope, { ...sides, workers, proxies: sides.worker.policy('any') });
    await assert.rejects(meeting, { code: 'TRANSPORT_REFUSED_BY_PEER', message: /SIMULATED_ROOT/ });
  });

  it('are admitted by nobody before the lists of the root contract are known', async () => {
    await using scope = new Scope();
    const { proxy, worker } = await network('early');
    const sides = { proxy: new Attestation(proxy, deps, scope), worker: new Attestation(worker, deps, scope) };
    const meeting = meet(scope, {
      ...sides,
      workers: sides.proxy.policy('simulated'),
      proxies: sides.worker.policy('any'),
    });
    await assert.rejects(meeting, { code: 'TRANSPORT_REFUSED_BY_PEER', message: /POLICY_LIST_MISSING/ });
  });
});

describe('a bound on the connections of one platform', () => {
  it('holds for peers that are judged at the same time, and a place comes back when its peer leaves', async () => {
    await using scope = new Scope();
    const { proxy, worker } = await network('bounded');
    const platforms = { maxPeers: 1 };
    const roots = proxy.simulated_roots;
    const one = { name: 'one', type: 'simulated', measurements: 'any', models: 'any', roots, platforms };
    const bounded = Config.parse({ ...proxy, policies: [one] });
    const sides = { proxy: new Attestation(bounded, deps, scope), worker: new Attestation(worker, deps, scope) };
    const policy = sides.proxy.policy('one');
    // no verdict is told before all are given
    const [all, given] = [5, Promise.withResolvers<void>()];
    let judged = 0;
    const workers: PeerPolicy = {
      name: policy.name,
      wantsFresh: policy.wantsFresh,
      judgeCertificate: (...args) => policy.judgeCertificate(...args),
      async judgeEvidence(...args) {
        const verdict = await policy.judgeEvidence(...args);
        judged += 1;
        if (judged >= all) given.resolve();
        await given.promise;
        return verdict;
      },
      reconsider: (...args) => policy.reconsider?.(...args) ?? [],
    };
    const identity = await sides.proxy.identity({ role: 'proxy', owner: '0:aa' });
    const security = { kind: 'tls', identity, policy: workers, peerRole: 'worker', pow: { difficulty: 1 } } as const;
    const listener = await listen({ host: '127.0.0.1', port: 0, security }, () => silent, deps);
    scope.defer(() => listener.close());
    const mine = await sides.worker.identity({ role: 'worker', owner: '0:bb', model: MODEL });
    const theirs = { kind: 'tls', identity: mine, policy: sides.worker.policy('any') } as const;
    const knock = () => connect({ host: '127.0.0.1', port: listener.port, security: theirs }, () => silent, deps);

    const knocking = await Promise.allSettled(Array.from({ length: all }, knock));
    const refused = knocking.filter((result) => result.status === 'rejected');
    for (const { reason } of refused) assert.match(String(reason), /POLICY_PLATFORM_PEERS/);
    assert.deepEqual([judged, refused.length, listener.connections.size], [all, all - 1, 1]);

    await assert.rejects(knock(), /POLICY_PLATFORM_PEERS/);
    for (const result of knocking) if (result.status === 'fulfilled') result.value.close('done');
    await eventually('it left', () => listener.connections.size === 0);
    await knock();
  });
});

describe('the configuration of attestation', () => {
  const scope = new Scope();
  after(() => scope[Symbol.asyncDispose]());
  const open = (json: object) => new Attestation(Config.parse({ attestation: 'none', ...json }), deps, scope);
  const roots = { simulated_roots: ['11'.repeat(32)] };
  const mine = { name: 'mine', type: 'simulated', measurements: 'any', models: 'any', roots: ['11'.repeat(32)] };
  const wrong: [string, object, string, RegExp][] = [
    ['a policy that is not there', {}, 'mine', /no policy "mine"; there are any, fake_tdx, tdx/],
    ['simulated machines of no root', {}, 'simulated', /needs "simulated_roots"/],
    ['two policies of one name', { policies: [mine, mine] }, 'mine', /two policies are called "mine"/],
    ['the name of a built-in one', { policies: [{ ...mine, name: 'tdx' }] }, 'any', /built-in/],
    ['an unknown key', { policies: [{ ...mine, modells: [] }] }, 'any', /modells/],
    ['a file that is not there', { policies: '/nowhere/policies.json' }, 'any', /cannot be read/],
  ];
  for (const [what, json, name, reason] of wrong) {
    it(`names ${what}`, () => {
      const bad = (error: unknown) => error instanceof CliError && reason.test(error.message);
      assert.throws(() => open(json).policy(name), bad);
    });
  }

  it('takes policies from a file', () => {
    const file = join(folder, 'policies.json');
    writeFileSync(file, JSON.stringify([mine]));
    assert.equal(open({ ...roots, policies: file }).policy('mine').name, 'mine');
  });

  it('takes no file of policies in which a name stands twice: the last one would open what the first had closed', () => {
    const file = join(folder, 'doubled.json');
    const text = JSON.stringify([{ ...mine, measurements: ['22'.repeat(32)] }]);
    writeFileSync(file, text.replace('"models"', '"measurements":"any","models"'));
    assert.throws(() => open({ ...roots, policies: file }).policy('mine'), {
      code: 'CLI_CONFIG',
      message: /"measurements" stands twice/,
    });
  });

  it('asks for fresh evidence wherever a certificate cannot hold it, and for TDX where it is told to', () => {
    assert.equal(open(roots).policy('simulated').wantsFresh, true);
    assert.equal(open({}).policy('sev-snp').wantsFresh, true);
    assert.equal(open({}).policy('tdx').wantsFresh, false);
    assert.equal(open({ fresh_evidence: true }).policy('tdx').wantsFresh, true);
    assert.equal(open({}).policy('any').wantsFresh, false);
  });

  it('needs a key to play a machine', async () => {
    const opening = open({ attestation: 'simulated' }).identity({ role: 'worker', owner: '' });
    await assert.rejects(opening, /needs a "simulated_key"/);
  });
});

describe('what a machine shows', () => {
  const binding = {
    role: 'worker',
    nonce: Buffer.alloc(32, 1),
    exporter: Buffer.alloc(32, 2),
    publicKey: Buffer.alloc(32, 3),
  } as const;
  const asked: Uint8Array[] = [];
  const machine = (kind: EvidenceProvider['kind'], size = 64): EvidenceProvider => ({
    kind,
    async collect({ reportData }) {
      asked.push(reportData);
      return [{ kind: 'tdx', data: Buffer.alloc(size, reportData[0]) }];
    },
    async [Symbol.asyncDispose]() {},
  });
  const facts = { role: 'worker', owner: '0:bb', model: MODEL, imageVersion: '1' } as const;
  const signal = new AbortController().signal;

  it('covers the claims and this connection', async () => {
    const bundle = await evidenceSource(facts, { machine: machine('tdx') }, systemClock).evidence(binding, signal);
    const { claims } = decodeEvidence(bundle);
    assert.deepEqual(asked.at(-1), reportDataV2(binding, claims, nodeCrypto));
    const { role, model, owner, notBeforeSec, notAfterSec } = decodeClaims(claims);
    assert.deepEqual([role, model, owner], ['worker', MODEL, '0:bb']);
    assert.ok(notBeforeSec * 1_000 < Date.now() && notAfterSec * 1_000 > Date.now());
  });

  it('has evidence of its GPUs made once for a key, and again when that failed', async () => {
    let made = 0;
    const provider = {
      async collect() {
        made += 1;
        if (made === 1) throw new Error('the driver is busy');
        return [{ kind: 'nvidia-gpu', data: Buffer.alloc(100, made), certificates: 'PEM' } as const];
      },
    };
    const source = evidenceSource(facts, { machine: machine('tdx'), gpus: { provider, count: 1 } }, systemClock);
    await assert.rejects(source.evidence(binding, signal), /busy/);
    const bundles = await Promise.all([1, 2].map(() => source.evidence(binding, signal)));
    assert.equal(made, 2);
    for (const bundle of bundles) {
      const { claims, items } = decodeEvidence(bundle);
      assert.deepEqual(
        items.map(({ kind }) => kind),
        ['tdx', 'nvidia-gpu'],
      );
      const { gpuDigests, gpuNonce } = decodeClaims(claims);
      assert.equal(gpuNonce?.length, 32);
      assert.deepEqual(Buffer.from(gpuDigests[0]!), createHash('sha256').update(items[1]!.data).digest());
    }
    await source.evidence({ ...binding, publicKey: Buffer.alloc(32, 4) }, signal);
    assert.equal(made, 3, 'another key');
  });

  it('puts a quote over the key alone into the certificate for C++ peers, and only a TDX machine has one', async () => {
    const quoteFor = quoteMaker(machine('tdx'));
    const identity = await createIdentity({ attestation: 'tdx', quoteFor });
    const { publicKey } = await identity.credentials();
    assert.deepEqual(asked.at(-1), reportDataV1(publicKey, nodeCrypto));
    assert.equal(quoteMaker(machine('sev-snp')), undefined);
    await assert.rejects(quoteMaker(machine('tdx', 32_769))!(publicKey, signal), { code: 'TSM_TOO_LARGE' });
  });
});
