/** Records of AMD chips and of NVIDIA's reference values, from services on this machine. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pem } from '../../../attest/testing/devices-pki.ts';
import { makeRim, makeRimMaker } from '../../../attest/testing/devices-rim.ts';
import { CHIP_ID, gpuTrust, SNP_TCB, STATEMENTS_END_MS, snpTrust } from '../../../attest/testing/peer-devices.ts';
import { NOW_MS } from '../../../attest/testing/peer-world.ts';
import { memoryLog, WallClock } from '../../testing/clocks.ts';
import { type HttpReply, httpServer } from '../../testing/http-server.ts';
import { vector } from '../../testing/vectors.ts';
import { CollateralStore, type CollateralStoreOptions } from '../index.ts';

const random = { bytes: (size: number) => new Uint8Array(size).fill(128) };
const { signal } = new AbortController();
const chipId = Buffer.from(CHIP_ID).toString('hex');
const chip = { product: 'Genoa', chipId, tcb: SNP_TCB } as const;
const driver = { id: 'NV_GPU_DRIVER_GH100_550.90.07' };

function open(options: CollateralStoreOptions, atMs = NOW_MS) {
  const clock = new WallClock(atMs);
  const store = new CollateralStore(options, { clock, random, log: memoryLog() });
  return { clock, store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

describe('certificates of AMD chips', () => {
  const { vcek, chain, crl, roots } = snpTrust;
  const honest = (path: string): HttpReply | undefined => {
    if (path === '/vcek/v1/Genoa/cert_chain') return { type: 'application/x-pem-file', body: chain.map(pem).join('') };
    if (path === '/vcek/v1/Genoa/crl') return { type: 'application/pkix-crl', body: crl };
    const levels = 'blSPL=1&teeSPL=2&snpSPL=3&ucodeSPL=4';
    return path === `/vcek/v1/Genoa/${chipId}?${levels}` ? { type: 'application/pkix-cert', body: vcek } : undefined;
  };

  it('are fetched for one chip at one TCB, judged to the root, and kept on disk', async () => {
    await using server = await httpServer(honest);
    const folder = mkdtempSync(join(tmpdir(), 'amd-'));
    await using world = open({ amd: { endpoints: [{ url: server.url }], roots }, folder });
    const { certificates } = await world.store.amd.get(chip, signal);
    assert.deepEqual(certificates, { vcek, chain, crl });
    const trust = await world.store.trustFor({ amd: chip, rims: [] }, signal);
    assert.deepEqual(trust.ok && trust.trust.amd, { ...certificates, roots });
    assert.equal(server.asked.length, 3);
    await using offline = open({ amd: { endpoints: [], roots }, folder });
    assert.deepEqual((await offline.store.amd.get(chip, signal)).certificates, { vcek, chain, crl });
    assert.equal(readdirSync(join(folder, 'amd')).length, 1);
    await using bundled = open({ amd: { endpoints: [], roots } });
    assert.deepEqual(await bundled.store.addBundle(folder), { kept: 1, refused: [] });
    rmSync(folder, { recursive: true });
  });

  const lies: [string, (path: string) => HttpReply | undefined, string][] = [
    ['of another TCB', (path) => honest(path.replace('ucodeSPL=9', 'ucodeSPL=4')), 'COLLATERAL_REFUSED'],
    [
      'without a chain',
      (path) => (path.endsWith('cert_chain') ? { type: 'text/plain', body: pem(vcek) } : honest(path)),
      'COLLATERAL_RESPONSE',
    ],
    [
      'with a list nobody signed',
      (path) => (path.endsWith('crl') ? { body: Buffer.from(crl).fill(0, crl.length - 5) } : honest(path)),
      'COLLATERAL_REFUSED',
    ],
    ['that are a page', () => ({ type: 'text/html', body: '<html>' }), 'COLLATERAL_RESPONSE'],
    ['that are text', () => ({ type: 'text/plain', body: 'no such chip' }), 'COLLATERAL_RESPONSE'],
    ['that are not there', () => undefined, 'COLLATERAL_NOT_FOUND'],
  ];
  for (const [what, answer, code] of lies) {
    it(`${what} are ${code}`, async () => {
      await using server = await httpServer(answer);
      await using world = open({ amd: { endpoints: [{ url: server.url }], roots } });
      const need = what === 'of another TCB' ? { ...chip, tcb: { ...SNP_TCB, microcode: 9 } } : chip;
      await assert.rejects(world.store.amd.get(need, signal), { code });
    });
  }

  it('under a root that is not pinned are refused, and by a clock far off too', async () => {
    await using server = await httpServer(honest);
    const endpoints = [{ url: server.url }];
    for (const [options, atMs, code] of [
      [{ amd: { endpoints } }, NOW_MS, 'COLLATERAL_REFUSED'],
      [{ amd: { endpoints, roots } }, Date.UTC(2020), 'COLLATERAL_FUTURE'],
      [{ amd: { endpoints, roots } }, STATEMENTS_END_MS + 1_000, 'COLLATERAL_EXPIRED'],
    ] as const) {
      await using world = open(options, atMs);
      await assert.rejects(world.store.amd.get(chip, signal), { code });
    }
  });
});

describe("NVIDIA's reference values", () => {
  const { rimRoot, rims } = gpuTrust;
  const [xml = ''] = rims;
  const answerOf = (text: string, over: object = {}): HttpReply => {
    const body = Buffer.from(text);
    const sha256 = createHash('sha256').update(body).digest('hex');
    return {
      type: 'application/json',
      body: JSON.stringify({ id: driver.id, rim: body.toString('base64'), sha256, ...over }),
    };
  };

  it('are fetched by name, judged to the root, and kept on disk', async () => {
    await using server = await httpServer((path) => (path === `/v1/rim/${driver.id}` ? answerOf(xml) : undefined));
    const folder = mkdtempSync(join(tmpdir(), 'rim-'));
    await using world = open({ nvidia: { endpoints: [{ url: server.url }], rimRoot }, folder });
    assert.equal((await world.store.nvidia.get(driver, signal)).xml, xml);
    await using offline = open({ nvidia: { endpoints: [], rimRoot }, folder });
    assert.equal((await offline.store.nvidia.get(driver, signal)).xml, xml);
    rmSync(folder, { recursive: true });
  });

  const real = vector('nvidia/rim/driver-gh100-550.144.03.xml').toString();
  const bomb = `<!DOCTYPE x [<!ENTITY a "${'y'.repeat(1_000)}">]><x>&a;</x>`;
  const lies: [string, HttpReply, string][] = [
    ['of another version', answerOf(rims[1] ?? ''), 'COLLATERAL_REFUSED'],
    ['that were edited', answerOf(xml.replace('550.90.07', '550.90.08')), 'COLLATERAL_REFUSED'],
    ['under another root', answerOf(real), 'COLLATERAL_REFUSED'],
    ['that are an entity bomb', answerOf(bomb), 'COLLATERAL_REFUSED'],
    ['whose digest is another', answerOf(xml, { sha256: '00' }), 'COLLATERAL_RESPONSE'],
    ['without content', answerOf(xml, { rim: 7 }), 'COLLATERAL_RESPONSE'],
    ['that are no JSON', { type: 'application/json', body: '[' }, 'COLLATERAL_RESPONSE'],
    ['that are a page', { type: 'text/html', body: '<html>' }, 'COLLATERAL_RESPONSE'],
    ['above 2 MiB', { type: 'application/json', body: Buffer.alloc(2_097_153, ' ') }, 'COLLATERAL_LIMIT'],
  ];
  for (const [what, answer, code] of lies) {
    it(`${what} are ${code}`, async () => {
      await using server = await httpServer(() => answer);
      await using world = open({ nvidia: { endpoints: [{ url: server.url }], rimRoot } });
      await assert.rejects(world.store.nvidia.get(driver, signal), { code });
    });
  }

  it('of another chip are refused, though NVIDIA signed them and the version is the same', async () => {
    const maker = makeRimMaker(Date.UTC(2026, 0, 1), STATEMENTS_END_MS);
    const vbios = { id: 'NV_GPU_VBIOS_1010_0200_882_96009F0001', product: 'GH100' };
    for (const [need, version] of [
      [driver, '550.90.07'],
      [{ ...driver, product: 'GH100' }, '550.90.07'],
      [vbios, '96.00.9F.00.01'],
    ] as const) {
      const values = [{ index: 1, hashes: ['ab'.repeat(48)] }];
      const rimOf = (product: string) => makeRim({ version, product, values }, maker);
      let planted = 'GB100';
      await using server = await httpServer(() => answerOf(rimOf(planted)));
      await using world = open({ nvidia: { endpoints: [{ url: server.url }], rimRoot: maker.root } });
      await assert.rejects(world.store.nvidia.get(need, signal), { code: 'COLLATERAL_REFUSED', message: /GB100/ });
      assert.equal(world.store.nvidia.peek(need), undefined, 'nothing of it is kept');
      planted = 'GH100';
      world.clock.skippedMs += 10_001;
      assert.equal((await world.store.nvidia.get(need, signal)).id, need.id);
    }
  });

  it('of NVIDIA itself pass under the pinned root, while they are good', async () => {
    const record = { id: 'NV_GPU_DRIVER_GH100_550.144.03', xml: real };
    await using world = open({});
    await world.store.nvidia.add(record);
    assert.equal(world.store.nvidia.peek({ id: record.id }), record);
    await using later = open({}, Date.UTC(2027, 5, 1));
    await assert.rejects(later.store.nvidia.add(record), { code: 'COLLATERAL_EXPIRED' });
  });

  it('by a name that is none are not asked for', async () => {
    await using server = await httpServer(() => answerOf(xml));
    await using world = open({ nvidia: { endpoints: [{ url: server.url }], rimRoot } });
    for (const id of ['../../secret', 'NV_', `NV_${'x'.repeat(200)}`, 'nv_gpu']) {
      await assert.rejects(world.store.nvidia.get({ id }, signal), { code: 'COLLATERAL_UNKNOWN' });
    }
    assert.deepEqual(server.asked, []);
  });
});
