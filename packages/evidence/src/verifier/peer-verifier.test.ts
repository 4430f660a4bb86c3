import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { builtinPolicy, encodeEvidence, gpuNonceOf, type PeerVerdict } from '@bombyx/attest';
import { nodeCrypto } from '@bombyx/attest/node';
import { WORLD_AT_MS } from '../../../attest/testing/intel-world.ts';
import {
  CHIP_ID,
  certificateTable,
  gpuOf,
  gpuTrust,
  SNP_TCB,
  snpChip,
  snpOf,
  snpTrust,
} from '../../../attest/testing/peer-devices.ts';
import { Machine, NOW_MS, signingKey } from '../../../attest/testing/peer-world.ts';
import { httpServer } from '../../testing/http-server.ts';
import { PccsServer } from '../../testing/pccs-server.ts';
import { makeTlsCertificate } from '../../testing/ra-tls.ts';
import { quote, vector } from '../../testing/vectors.ts';
import {
  certifiedTd,
  freshEvidence,
  open,
  openVerifier,
  simulatedPolicy,
  snpPolicy,
  tdAbout,
  tdxPolicy,
} from '../../testing/verifier-world.ts';

function codesOf(verdict: PeerVerdict): string[] {
  return verdict.ok ? [] : verdict.failures.map(({ code }) => code);
}

/** As a host hands it to its guest. */
function tableOf({ vcek, chain: [ask, ark] }: typeof snpTrust): Uint8Array {
  return certificateTable([
    ['ark', ark ?? vcek],
    ['ask', ask ?? vcek],
    ['vcek', vcek],
  ]);
}

/** The one moment at which the statements of both makers hold, of Intel's part and of AMD's and NVIDIA's. */
const BOTH_AT_MS = Date.UTC(2026, 5, 1);

/** A TD in a certificate, the service that knows its platform, and a verifier in front of both. */
async function tdNetwork({ timeoutMs = 30_000, atMs = WORLD_AT_MS } = {}) {
  const td = certifiedTd(atMs);
  const server = await PccsServer.open(td.world.collateral);
  const intel = { endpoints: [{ url: server.url }], fmspcs: 'any', root: td.world.root } as const;
  const { rimRoot } = gpuTrust;
  const store = { intel, amd: { endpoints: [], roots: snpTrust.roots }, nvidia: { endpoints: [], rimRoot } };
  const world = openVerifier(atMs, store, { timeoutMs });
  return {
    ...world,
    td,
    server,
    judge: (der = td.der, policy = tdxPolicy) => world.verifier.judgeCertificate(der, 'server', policy, world.asking),
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe('a peer in the fresh form', () => {
  it('that plays a machine passes as simulated, on its own connection only', async () => {
    const machine = new Machine(signingKey());
    const policy = simulatedPolicy(machine);
    await using world = openVerifier(NOW_MS);
    const binding = machine.connection();
    const bytes = encodeEvidence(machine.prove(binding));
    const verdict = await world.verifier.judge(bytes, binding, policy, world.asking);
    assert.ok(verdict.ok, codesOf(verdict).join());
    assert.equal(verdict.peer.tier, 'simulated');
    const elsewhere = { ...binding, exporter: randomBytes(32) };
    const refused = await world.verifier.judge(bytes, elsewhere, policy, world.asking);
    assert.deepEqual(codesOf(refused), ['BINDING_REPORT_DATA']);
    const strict = await world.verifier.judge(bytes, binding, tdxPolicy, world.asking);
    assert.ok(codesOf(strict).includes('POLICY_KIND'));
  });

  it('in a TD is judged by collateral that is fetched for it, and its GPUs by reference values', async () => {
    let root = new Uint8Array();
    let collateral: ReturnType<typeof tdAbout>['collateral'] | undefined;
    const gpus = (binding: Parameters<typeof gpuNonceOf>[0]) => [gpuOf(gpuNonceOf(binding, undefined, nodeCrypto))];
    const { bytes, binding } = freshEvidence(
      BOTH_AT_MS,
      (reportData) => {
        const made = tdAbout(reportData);
        root = Uint8Array.from(made.root);
        collateral = made.collateral;
        return [{ kind: 'tdx', data: made.quote }];
      },
      gpus,
    );
    assert.ok(collateral);
    await using server = await PccsServer.open(collateral);
    const { nvidiaRoot, rimRoot, rims } = gpuTrust;
    const store = {
      intel: { endpoints: [{ url: server.url }], fmspcs: 'any', root },
      nvidia: { endpoints: [], root: nvidiaRoot, rimRoot },
    } as const;
    await using world = openVerifier(BOTH_AT_MS, store);
    const without = await world.verifier.judge(bytes, binding, tdxPolicy, world.asking);
    assert.deepEqual(codesOf(without), ['COLLATERAL_NOT_FOUND', 'COLLATERAL_NOT_FOUND']);
    for (const [i, xml] of rims.entries()) {
      const id = i === 0 ? 'NV_GPU_DRIVER_GH100_550.90.07' : 'NV_GPU_VBIOS_1010_0200_882_96009F0001';
      await world.collateral?.nvidia.add({ id, xml });
    }
    world.clock.skippedMs += 20_000;
    const verdict = await world.verifier.judge(bytes, binding, tdxPolicy, world.asking);
    assert.ok(verdict.ok, JSON.stringify(verdict));
    assert.equal(verdict.peer.tier, 'tdx');
    assert.ok(verdict.peer.fresh);
    assert.equal(verdict.peer.gpus[0]?.chip, 'GH100');
  });

  it('in a SEV-SNP guest is judged by the certificates of its chip', async () => {
    const { bytes, binding } = freshEvidence(NOW_MS, (reportData) => [snpOf(reportData)]);
    const { vcek, chain, crl, roots } = snpTrust;
    await using world = openVerifier(NOW_MS, { amd: { endpoints: [], roots } });
    const before = await world.verifier.judge(bytes, binding, snpPolicy, world.asking);
    assert.deepEqual(codesOf(before), ['COLLATERAL_NOT_FOUND']);
    const need = { product: 'Genoa', chipId: Buffer.from(CHIP_ID).toString('hex'), tcb: SNP_TCB } as const;
    await world.collateral?.amd.add({ need, certificates: { vcek, chain, crl } });
    const verdict = await world.verifier.judge(bytes, binding, snpPolicy, world.asking);
    assert.ok(verdict.ok, JSON.stringify(verdict));
    assert.equal(verdict.peer.tier, 'sev-snp');
    const other = { ...need, tcb: { ...SNP_TCB, microcode: 9 } };
    await assert.rejects(world.collateral?.amd.add({ need: other, certificates: { vcek, chain, crl } }) ?? turn(), {
      code: 'COLLATERAL_REFUSED',
    });
  });

  it('that shows anything else is refused with a code, never with an error', async () => {
    const machine = new Machine(signingKey());
    const policy = simulatedPolicy(machine);
    await using world = openVerifier(NOW_MS);
    const binding = machine.connection();
    const good = encodeEvidence(machine.prove(binding));
    const shown = [
      Buffer.alloc(0),
      randomBytes(1_000),
      good.subarray(0, 200),
      Buffer.concat([good, Buffer.alloc(1)]),
      Buffer.alloc(65_536, 0x9f),
    ];
    for (const bytes of shown) {
      assert.deepEqual(codesOf(await world.verifier.judge(bytes, binding, policy, world.asking)), ['EVIDENCE_FORMAT']);
    }
    const tooLarge = await world.verifier.judge(Buffer.alloc(1_048_577), binding, policy, world.asking);
    assert.deepEqual(codesOf(tooLarge), ['VERIFIER_SIZE']);
  });
});

describe('a peer in the certificate form', () => {
  it('passes, and is known when it comes again', async () => {
    await using world = await tdNetwork();
    const verdict = await world.judge();
    assert.ok(verdict.ok, JSON.stringify(verdict));
    assert.deepEqual([verdict.peer.tier, verdict.peer.fresh], ['tdx', false]);
    assert.equal(await world.judge(), verdict);
    assert.deepEqual(world.judges.steps, ['inspect', 'screen', 'judge', 'inspect']);
    assert.equal(world.server.asked.length, 4);
  });

  it('with endless unsigned tails on one quote is verified once, and takes one place', async () => {
    await using world = await tdNetwork();
    const { key, world: maker } = world.td;
    for (let i = 0; i < 5; i++) {
      const variant = makeTlsCertificate(key, Buffer.concat([maker.quote, randomBytes(1 + i)]), WORLD_AT_MS);
      assert.ok((await world.judge(variant)).ok);
    }
    assert.equal(world.judges.count('judge'), 1);
  });

  it('is looked at again each time for what a clock changes', async () => {
    await using world = await tdNetwork();
    assert.ok((await world.judge()).ok);
    world.clock.wallMs += 2 * 3_600_000;
    assert.deepEqual(codesOf(await world.judge()), ['CERT_INVALID']);
  });

  it('does not come back to life when the host sets the clock back', async () => {
    await using world = await tdNetwork();
    assert.ok((await world.judge()).ok);
    world.clock.wallMs += 20 * 86_400_000; // collateral and certificate have ended
    assert.ok(!(await world.judge()).ok);
    world.clock.wallMs = WORLD_AT_MS;
    world.clock.skippedMs += 5_001;
    assert.ok(!(await world.judge()).ok);
  });

  it('with a quote under another key, a changed quote or none is refused', async () => {
    await using world = await tdNetwork();
    const { key, world: maker } = world.td;
    const changed = Uint8Array.from(maker.quote);
    changed[600] = (changed[600] ?? 0) ^ 1;
    const shown: [Uint8Array, string][] = [
      [certifiedTd(WORLD_AT_MS).der, 'PCK_CHAIN'],
      [makeTlsCertificate(key, changed, WORLD_AT_MS), 'QUOTE_SIGNATURE'],
      [makeTlsCertificate(key, undefined, WORLD_AT_MS), 'EVIDENCE_MISSING'],
      [makeTlsCertificate(key, randomBytes(5_000), WORLD_AT_MS), 'QUOTE_FORMAT'],
      [makeTlsCertificate(key, Buffer.alloc(64), WORLD_AT_MS), 'POLICY_FAKE_QUOTE'],
      [randomBytes(1_000), 'CERT_INVALID'],
    ];
    for (const [der, code] of shown) {
      const codes = codesOf(await world.judge(der));
      assert.ok(codes.includes(code), `${code} in ${codes}`);
    }
    assert.deepEqual(codesOf(await world.judge(Buffer.alloc(100_000))), ['VERIFIER_SIZE']);
  });

  it('is judged anew when collateral comes, when the policy is another, and after a flush', async () => {
    await using world = await tdNetwork({ atMs: BOTH_AT_MS });
    const judged = async (policy = tdxPolicy) => {
      assert.ok((await world.judge(world.td.der, policy)).ok);
      return world.judges.count('judge');
    };
    assert.deepEqual([await judged(), await judged()], [1, 1]);
    const { vcek, chain, crl } = snpTrust;
    const need = { product: 'Genoa', chipId: Buffer.from(CHIP_ID).toString('hex'), tcb: SNP_TCB } as const;
    await world.collateral?.amd.add({ need, certificates: { vcek, chain, crl } });
    assert.deepEqual([await judged(), await judged()], [2, 2]);
    assert.equal(await judged(open(builtinPolicy('tdx'))), 3);
    assert.equal(await judged(), 3);
    world.verifier.flush();
    assert.equal(await judged(), 4);
  });

  it('that was refused is judged again after seconds, not at once', async () => {
    await using world = await tdNetwork();
    const policy = { ...tdxPolicy, xfam: '00'.repeat(8) };
    const judge = async () => codesOf(await world.judge(world.td.der, policy));
    const first = await judge();
    assert.ok(first.length > 0);
    assert.deepEqual(await judge(), first);
    assert.equal(world.judges.count('judge'), 1);
    world.clock.skippedMs += 5_001;
    assert.deepEqual(await judge(), first);
    assert.equal(world.judges.count('judge'), 2);
  });

  it('of a platform that counts its peers is counted each time', async () => {
    await using world = await tdNetwork();
    const policy = { ...tdxPolicy, platforms: { deny: [], maxPeers: 1 } };
    const ask = (platformPeers: ReadonlyMap<string, number>) =>
      world.verifier.judgeCertificate(world.td.der, 'server', policy, { ...world.asking, platformPeers });
    const verdict = await ask(new Map());
    assert.ok(verdict.ok, JSON.stringify(verdict));
    const platform = Buffer.from(verdict.peer.platform ?? []).toString('hex');
    assert.ok(codesOf(await ask(new Map([[platform, 1]]))).length > 0);
    assert.ok((await ask(new Map())).ok);
  });

  it('under a policy that asks nothing needs nothing', async () => {
    await using world = await tdNetwork();
    const verdict = await world.judge(world.td.der, builtinPolicy('any'));
    assert.equal(verdict.ok && verdict.peer.tier, 'open');
    assert.deepEqual(world.server.asked, []);
  });

  it('without a source of collateral is refused', async () => {
    await using world = openVerifier(WORLD_AT_MS);
    const { der } = certifiedTd(WORLD_AT_MS);
    const verdict = await world.verifier.judgeCertificate(der, 'server', tdxPolicy, world.asking);
    assert.deepEqual(codesOf(verdict), ['COLLATERAL_NOT_CONFIGURED']);
  });
});

describe('what strangers cost', () => {
  it('a quote that is not genuine causes no request, whatever platform it names', async () => {
    await using world = await tdNetwork();
    const { key, world: maker } = world.td;
    for (const at of [60, 300, 640, 800, 1_500, 2_500]) {
      const forged = Uint8Array.from(maker.quote);
      forged[at] = (forged[at] ?? 0) ^ 1;
      assert.ok(!(await world.judge(makeTlsCertificate(key, forged, WORLD_AT_MS))).ok, `byte ${at}`);
    }
    assert.ok(!(await world.judge(makeTlsCertificate(key, quote, WORLD_AT_MS))).ok, 'a real one, under another root');
    assert.deepEqual(world.server.asked, []);
  });

  it('a SEV-SNP report that its own certificate table belies causes no request, and a genuine one does', async () => {
    const [chip, forger] = [snpChip('Genoa'), snpChip('Genoa')];
    await using server = await httpServer(() => undefined);
    const store = { amd: { endpoints: [{ url: server.url }], roots: chip.trust.roots } };
    await using world = openVerifier(NOW_MS, store);
    const judged = async (certificates: Uint8Array | undefined, edit?: (data: Uint8Array) => void, from = chip) => {
      const { bytes, binding } = freshEvidence(NOW_MS, (reportData) => {
        const item = from.report(reportData);
        edit?.(item.data);
        return [certificates === undefined ? item : { ...item, certificates }];
      });
      return codesOf(await world.verifier.judge(bytes, binding, snpPolicy, world.asking));
    };
    const genuine = tableOf(chip.trust);
    const madeUp = (data: Uint8Array) => data.set(randomBytes(64), 416);
    assert.deepEqual(await judged(genuine, madeUp), ['SNP_CHIP_ID', 'SNP_SIGNATURE']);
    assert.deepEqual(await judged(genuine, (data) => data.set([9], 300)), ['SNP_SIGNATURE']);
    assert.deepEqual(await judged(tableOf(forger.trust), undefined, forger), ['SNP_ROOT']);
    const newer = await judged(genuine, (data) => data.set([9], 391)); // the host's table is of an older microcode
    assert.deepEqual(newer, ['SNP_TCB', 'SNP_SIGNATURE']);
    assert.deepEqual(server.asked, []);
    assert.deepEqual(await judged(genuine), ['COLLATERAL_NOT_FOUND']);
    assert.ok(server.asked.length > 0);
  });

  it('a SEV-SNP report of a product that the policy does not list causes no request', async () => {
    const chip = snpChip('Milan');
    await using server = await httpServer(() => undefined);
    await using world = openVerifier(NOW_MS, { amd: { endpoints: [{ url: server.url }], roots: chip.trust.roots } });
    const { bytes, binding } = freshEvidence(NOW_MS, (reportData) => [chip.report(reportData)]);
    const refused = await world.verifier.judge(bytes, binding, snpPolicy, world.asking);
    assert.deepEqual(codesOf(refused), ['POLICY_PRODUCT']);
    assert.deepEqual(server.asked, []);
  });

  it('made-up chips of one address leave the requests of others alone', async () => {
    await using server = await httpServer(() => undefined);
    await using world = openVerifier(NOW_MS, { amd: { endpoints: [{ url: server.url }] } });
    const ask = async (address: string) => {
      const { bytes, binding } = freshEvidence(NOW_MS, (reportData) => {
        return [snpOf(reportData, (report) => report.set(randomBytes(64), 416))];
      });
      return codesOf(await world.verifier.judge(bytes, binding, snpPolicy, { ...world.asking, address }));
    };
    const codes: string[] = [];
    for (let i = 0; i < 40; i++) codes.push(...(await ask(`2001:db8::${i}`))); // one customer's network
    assert.deepEqual(codes.slice(0, 8), Array(8).fill('COLLATERAL_NOT_FOUND'));
    assert.ok(
      codes.slice(8).every((code) => code === 'COLLATERAL_LIMIT'),
      codes.join(),
    );
    assert.deepEqual(await ask('2001:db8:0:1::1'), ['COLLATERAL_NOT_FOUND']);
  });

  it('a flood of 200 different garbage quotes does not block the event loop', async () => {
    await using world = openVerifier(WORLD_AT_MS, { intel: { endpoints: [], fmspcs: 'any' } });
    const { key } = certifiedTd(WORLD_AT_MS);
    const garbage = Array.from({ length: 200 }, (_, i) => {
      const bytes = Uint8Array.from(quote);
      bytes[100 + i] = (bytes[100 + i] ?? 0) ^ 1;
      return makeTlsCertificate(key, bytes, WORLD_AT_MS);
    });
    const { signal } = world.asking;
    await world.verifier.judgeCertificate(garbage[0] ?? quote, 'server', tdxPolicy, { address: 'warm', signal });
    const before = performance.eventLoopUtilization();
    const judged = Promise.all(
      garbage.map((der, i) =>
        world.verifier.judgeCertificate(der, 'server', tdxPolicy, { address: `198.51.100.${i}`, signal }),
      ),
    );
    const verdicts = await judged;
    const { active } = performance.eventLoopUtilization(before);
    assert.ok(verdicts.every(({ ok }) => !ok));
    const codes = new Set(verdicts.flatMap(codesOf));
    assert.ok(codes.has('QUOTE_SIGNATURE'), [...codes].join());
    assert.ok(active < 200 * 5, `the event loop worked for ${active} ms`);
  });

  it('GPUs of nobody are looked at no further than the first of them', async () => {
    await using world = openVerifier(NOW_MS, {});
    const borrowed = Array.from({ length: 15 }, (_, i) => gpuOf(randomBytes(32), i + 1)); // of a root that is not NVIDIA's
    const faultsOf = async (gpus: typeof borrowed) => {
      const { binding, bytes } = freshEvidence(NOW_MS, () => gpus);
      return codesOf(await world.verifier.judge(bytes, binding, tdxPolicy, world.asking));
    };
    assert.deepEqual(await faultsOf(borrowed), await faultsOf(borrowed.slice(0, 1)));
  });

  it('the addresses of one IPv6 network share their places in the queue, too', async () => {
    await using world = openVerifier(NOW_MS, undefined, { maxWaitingPerAddress: 1 });
    const machine = new Machine(signingKey());
    const asked = Array.from({ length: 3 }, (_, i) => {
      const binding = machine.connection();
      const asking = { ...world.asking, address: `2001:db8::${i}` };
      return world.verifier.judge(encodeEvidence(machine.prove(binding)), binding, simulatedPolicy(machine), asking);
    });
    const codes = (await Promise.all(asked)).flatMap(codesOf);
    assert.ok(codes.includes('VERIFIER_BUSY'), codes.join());
  });

  it('one address gets so many verdicts and no more, others are not held back', async () => {
    await using world = openVerifier(NOW_MS, undefined, { rate: { perSecond: 1, burst: 3 } });
    const machine = new Machine(signingKey());
    const policy = simulatedPolicy(machine);
    const ask = async (address: string) => {
      const binding = machine.connection();
      const bytes = encodeEvidence(machine.prove(binding));
      return codesOf(await world.verifier.judge(bytes, binding, policy, { ...world.asking, address }));
    };
    const same = ['2001:db8::1', '2001:db8::2', '2001:db8::3'];
    for (const address of same) assert.deepEqual(await ask(address), []);
    assert.deepEqual(await ask('2001:db8::4'), ['VERIFIER_RATE']);
    assert.deepEqual(await ask('2001:db8:0:1::1'), []);
    world.clock.skippedMs += 1_000;
    assert.deepEqual(await ask('2001:db8::4'), []);
  });

  it('what is asked many times at once is judged once, and who leaves does not end it for others', async () => {
    await using world = await tdNetwork();
    const leaving = new AbortController();
    const left = world.verifier.judgeCertificate(world.td.der, 'server', tdxPolicy, {
      address: '192.0.2.8',
      signal: leaving.signal,
    });
    const asked = Array.from({ length: 10 }, () => world.judge());
    leaving.abort(new Error('gone'));
    await assert.rejects(left, /gone/);
    const verdicts = await Promise.all(asked);
    assert.ok(verdicts.every((verdict) => verdict.ok && verdict === verdicts[0]));
    assert.deepEqual(world.judges.steps, ['inspect', 'screen', 'judge']);
  });

  it('what is shown is judged as it was, though the caller reuses his buffer', async () => {
    await using world = await tdNetwork();
    const der = Uint8Array.from(world.td.der);
    const verdict = world.judge(der);
    der.fill(0);
    assert.ok((await verdict).ok);
  });

  it('what strangers show is bounded over all of them', async () => {
    await using world = openVerifier(NOW_MS);
    const machine = new Machine(signingKey());
    const asked = Array.from({ length: 70 }, (_, i) => {
      const asking = { ...world.asking, address: `198.51.100.${i}` };
      return world.verifier.judge(Buffer.alloc(1_048_576, i), machine.connection(), simulatedPolicy(machine), asking);
    });
    const codes = (await Promise.all(asked)).flatMap(codesOf);
    const count = (code: string) => codes.filter((one) => one === code).length;
    assert.deepEqual([count('EVIDENCE_FORMAT'), count('VERIFIER_BUSY')], [64, 6]);
  });

  it('a service that hangs ends in a verdict, in time', async () => {
    await using world = await tdNetwork({ timeoutMs: 1_500 });
    world.server.behave = () => 'silence';
    assert.deepEqual(codesOf(await world.judge()), ['VERIFIER_TIMEOUT']);
  });

  it('a service that lies ends in a verdict that says so', async () => {
    await using world = await tdNetwork();
    world.server.collateral = JSON.parse(vector('tdx/collateral/90c06f-2026-02-18.json').toString());
    assert.deepEqual(codesOf(await world.judge()), ['COLLATERAL_REFUSED']);
  });

  it('judges that fail end in a verdict that refuses', async () => {
    await using world = openVerifier(NOW_MS);
    world.judges.gate = Promise.reject(new Error('unforeseen'));
    world.judges.gate.catch(() => {});
    const machine = new Machine(signingKey());
    const binding = machine.connection();
    const bytes = encodeEvidence(machine.prove(binding));
    const verdict = await world.verifier.judge(bytes, binding, simulatedPolicy(machine), world.asking);
    assert.deepEqual(codesOf(verdict), ['VERIFIER_FAULT']);
  });

  it('a verifier that closes refuses those who wait', async () => {
    const world = openVerifier(NOW_MS);
    const machine = new Machine(signingKey());
    const binding = machine.connection();
    const bytes = encodeEvidence(machine.prove(binding));
    const waiting = world.verifier.judge(bytes, binding, simulatedPolicy(machine), world.asking);
    await turn();
    await world[Symbol.asyncDispose]();
    assert.deepEqual(codesOf(await waiting), ['VERIFIER_CLOSED']);
  });
});
