import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { memoryLog, WallClock } from '../../testing/clocks.ts';
import { type Behaviour, type Part, PccsServer, type Reply } from '../../testing/pccs-server.ts';
import { collateralVector, QUOTE_AT_MS } from '../../testing/vectors.ts';
import { CollateralStore, type CollateralStoreOptions, EvidenceError, type EvidenceErrorCode } from '../index.ts';

const need = { tee: 'tdx', fmspc: '90c06f000000', ca: 'platform' } as const;
const older = collateralVector('90c06f-2026-01-12');
const newer = collateralVector('90c06f-2026-02-01');
const random = { bytes: (size: number) => new Uint8Array(size).fill(128) };
const { signal } = new AbortController();
const coded = (code: EvidenceErrorCode, ...words: readonly string[]) => {
  return (error: unknown) => {
    assert.ok(error instanceof EvidenceError, `${error}`);
    assert.equal(error.code, code, error.message);
    for (const word of words) assert.ok(error.message.includes(word), `${word} in ${error.message}`);
    return true;
  };
};

/** Servers in the order in which they are asked, and a store in front of them. */
async function open(behaviours: readonly (Behaviour | undefined)[] = [undefined], over: CollateralStoreOptions = {}) {
  const servers = await Promise.all(behaviours.map(() => PccsServer.open(newer)));
  for (const [i, behave] of behaviours.entries()) if (behave) Object.assign(servers[i] ?? {}, { behave });
  const clock = new WallClock(QUOTE_AT_MS);
  const log = memoryLog();
  const endpoints = servers.map(({ url }, i) => ({ url, timeoutMs: behaviours[i] ? 1_500 : 20_000 }));
  const store = new CollateralStore({ intel: { endpoints, fmspcs: 'any' }, ...over }, { clock, random, log });
  const [server] = servers;
  assert.ok(server);
  return {
    server,
    servers,
    store,
    clock,
    log,
    get: () => store.intel.get(need, signal),
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      for (const one of servers) await one[Symbol.asyncDispose]();
    },
  };
}

const only =
  (which: Part, change: (honest: Reply) => ReturnType<Behaviour>): Behaviour =>
  (part, honest) =>
    part === which ? change(honest) : honest;
const always =
  (reply: ReturnType<Behaviour>): Behaviour =>
  () =>
    reply;
const text = (reply: Reply) => reply.body.toString();

describe('collateral from a PCCS', () => {
  it('is the nine texts exactly as they were signed, asked for once', async () => {
    await using world = await open();
    assert.deepEqual(await world.get(), newer);
    assert.deepEqual(await world.get(), newer);
    assert.equal(world.server.asked.length, 4);
    assert.equal(world.store.version, 1);
  });

  it('is fetched once for all who ask at the same time, though some leave', async () => {
    await using world = await open();
    const leaving = new AbortController();
    const left = world.store.intel.get(need, leaving.signal);
    const asked = Array.from({ length: 20 }, world.get);
    leaving.abort(new Error('gone'));
    await assert.rejects(left, /gone/);
    for (const collateral of await Promise.all(asked)) assert.deepEqual(collateral, newer);
    assert.equal(world.server.asked.length, 4);
  });

  it('takes lists in hex and in DER, and white space around the JSON', async () => {
    await using world = await open([
      (part, honest) => {
        if (part === 'pckcrl') return { ...honest, body: (honest.body as Buffer).toString('hex').toUpperCase() };
        if (part === 'rootcacrl') return { ...honest, body: Buffer.from(text(honest), 'hex') };
        return {
          ...honest,
          body: `\n${text(honest).replace(/^\{/, '{ ').replace(',"signature":', ' , "signature" : ')}\n`,
        };
      },
    ]);
    assert.deepEqual(await world.get(), newer);
  });

  const page: Reply = { headers: { 'content-type': 'text/html' }, body: '<html>Sign in</html>' };
  const hostile: [string, Behaviour, EvidenceErrorCode, string][] = [
    ['hangs', always('silence'), 'COLLATERAL_UNREACHABLE', 'no answer within'],
    ['stops in the middle', only('tcb', () => 'half'), 'COLLATERAL_UNREACHABLE', 'no answer within'],
    ['closes early', only('identity', () => 'close'), 'COLLATERAL_UNREACHABLE', '127.0.0.1'],
    ['announces a gigabyte', only('tcb', () => 'huge'), 'COLLATERAL_LIMIT', '524288 bytes'],
    ['sends without end', only('tcb', () => 'endless'), 'COLLATERAL_LIMIT', '524288 bytes'],
    ['answers a sign-in page', always(page), 'COLLATERAL_RESPONSE', 'a web page'],
    [
      'calls its page JSON',
      always({ ...page, headers: { 'content-type': 'application/json' } }),
      'COLLATERAL_RESPONSE',
      'a web page',
    ],
    [
      'answers plain text',
      only('tcb', (honest) => ({ ...honest, headers: { ...honest.headers, 'content-type': 'text/plain' } })),
      'COLLATERAL_RESPONSE',
      'text/plain',
    ],
    [
      'sends us elsewhere',
      always({ status: 302, headers: { location: '/x' }, body: '' }),
      'COLLATERAL_RESPONSE',
      '302',
    ],
    [
      'wants a key',
      always({ status: 401, headers: { 'content-type': 'application/json' }, body: '{}' }),
      'COLLATERAL_RESPONSE',
      '401',
    ],
    [
      'does not know the platform',
      only('tcb', () => ({ status: 404, body: 'no' })),
      'COLLATERAL_NOT_FOUND',
      'fmspc=90c06f000000',
    ],
    ['fails', always({ status: 503, body: '' }), 'COLLATERAL_UNREACHABLE', '503'],
    ['answers nothing', only('pckcrl', (honest) => ({ ...honest, body: '' })), 'COLLATERAL_RESPONSE', 'empty'],
    [
      'answers other JSON',
      only('tcb', (honest) => ({ ...honest, body: '{"tcbInfo":"x","signature":"00"}' })),
      'COLLATERAL_RESPONSE',
      'tcbInfo',
    ],
    [
      'leaves a chain out',
      only('tcb', ({ body }) => ({ body, headers: { 'content-type': 'application/json' } })),
      'COLLATERAL_RESPONSE',
      'TCB-Info-Issuer-Chain',
    ],
    [
      'encodes a chain wrongly',
      only('tcb', (honest) => ({ ...honest, headers: { ...honest.headers, 'TCB-Info-Issuer-Chain': '%E0%A4%A' } })),
      'COLLATERAL_RESPONSE',
      'percent-encoded',
    ],
    [
      'sends text for a list',
      only('pckcrl', (honest) => ({ ...honest, body: 'revoked: none' })),
      'COLLATERAL_RESPONSE',
      'neither DER nor hex',
    ],
    [
      'edits what was signed',
      only('tcb', (honest) => ({ ...honest, body: text(honest).replace('UpToDate', 'UpToDatE') })),
      'COLLATERAL_REFUSED',
      'TCB_INFO_SIGNATURE',
    ],
    [
      'writes the JSON anew',
      only('tcb', (honest) => ({ ...honest, body: text(honest).replaceAll('":', '": ') })),
      'COLLATERAL_REFUSED',
      'TCB_INFO_SIGNATURE',
    ],
    [
      'gives the list of another authority',
      only('rootcacrl', (honest) => ({ ...honest, body: newer.pck_crl })),
      'COLLATERAL_REFUSED',
      'ROOT_CRL_',
    ],
  ];
  for (const [what, behave, code, word] of hostile) {
    it(`of a server that ${what} is ${code}, and the next server is asked`, async () => {
      await using alone = await open([behave]);
      await assert.rejects(alone.get(), coded(code, word));
      assert.deepEqual(alone.store.intel.kept, []);
      await using both = await open([behave, undefined]);
      assert.deepEqual(await both.get(), newer);
    });
  }

  it('of another platform is refused, though every signature is good', async () => {
    await using world = await open();
    world.server.collateral = collateralVector('00a06d-2026-01-12');
    await assert.rejects(world.get(), coded('COLLATERAL_REFUSED', '00a06d080000'));
  });

  it('never goes back: an older answer is told and the newer record stays', async () => {
    await using world = await open();
    await world.get();
    await assert.rejects(world.store.intel.add(older), coded('COLLATERAL_OLDER'));
    assert.deepEqual(await world.get(), newer);
  });

  it('is kept within bounded memory, whatever a server pours', async () => {
    await using world = await open([only('tcb', () => 'endless')]);
    const before = process.memoryUsage().rss;
    await assert.rejects(world.get(), coded('COLLATERAL_LIMIT'));
    assert.ok(process.memoryUsage().rss - before < 128 * 1_048_576);
  });

  it('what cannot be had is not asked for again within seconds, then it is', async () => {
    await using world = await open([always({ status: 404, body: '' })]);
    for (let i = 0; i < 5; i++) await assert.rejects(world.get(), coded('COLLATERAL_NOT_FOUND'));
    const asked = world.server.asked.length;
    assert.ok(asked <= 4, `${asked} requests`);
    world.server.behave = (_, honest) => honest;
    world.clock.skippedMs += 10_001;
    assert.deepEqual(await world.get(), newer);
  });

  it('of a platform that is not on the list is not fetched', async () => {
    await using world = await open();
    const fmspcs = ['B0C06F000000'];
    await using listed = new CollateralStore(
      { intel: { endpoints: [{ url: world.server.url }], fmspcs } },
      { clock: world.clock, random, log: world.log },
    );
    await assert.rejects(listed.intel.get(need, signal), coded('COLLATERAL_UNKNOWN'));
    await assert.rejects(listed.intel.get({ ...need, fmspc: '../etc/passwd' }, signal), coded('COLLATERAL_UNKNOWN'));
    assert.deepEqual(world.server.asked, []);
  });

  it('a flood of invented platforms causes no flood of requests', async () => {
    await using world = await open([always({ status: 404, body: '' })]);
    const invented = Array.from({ length: 200 }, (_, i) => ({ ...need, fmspc: i.toString(16).padStart(12, '0') }));
    const outcomes = await Promise.allSettled(invented.map((one) => world.store.intel.get(one, signal)));
    const codes = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : 'had'));
    assert.ok(codes.every((code) => code === 'COLLATERAL_NOT_FOUND' || code === 'COLLATERAL_LIMIT'));
    assert.ok(world.server.asked.length <= 4 * 40, `${world.server.asked.length} requests`);
  });

  it('judged by a clock far behind or far ahead is refused, and nothing of it is kept', async () => {
    for (const [year, code] of [
      [2020, 'COLLATERAL_FUTURE'],
      [2030, 'COLLATERAL_EXPIRED'],
    ] as const) {
      await using world = await open();
      world.clock.wallMs = Date.UTC(year);
      await assert.rejects(world.get(), coded(code));
      assert.deepEqual(world.store.intel.kept, []);
    }
  });

  it('that has ended is worth nothing, and a server that has nothing newer does not change that', async () => {
    await using world = await open();
    await world.get();
    world.clock.wallMs = Date.UTC(2026, 2, 10);
    await assert.rejects(world.get(), coded('COLLATERAL_EXPIRED'));
    assert.equal(world.store.intel.peek(need), undefined);
    world.server.collateral = collateralVector('90c06f-2026-02-18');
    world.clock.skippedMs += 10_001;
    assert.deepEqual(await world.get(), world.server.collateral);
  });

  it('a store that closes ends what it fetches', async () => {
    const world = await open([always('silence')]);
    const waiting = world.get();
    await world.store[Symbol.asyncDispose]();
    await assert.rejects(waiting, coded('COLLATERAL_CLOSED'));
    await assert.rejects(world.get(), coded('COLLATERAL_CLOSED'));
    await world[Symbol.asyncDispose]();
  });

  it('of Intel itself has its root list elsewhere', async () => {
    await using world = await open();
    const rootCrlUrl = `${world.server.url}/sgx/certification/v4/rootcacrl`;
    const endpoints = [{ url: `${world.server.url}/`, rootCrlUrl }];
    const deps = { clock: world.clock, random, log: world.log };
    await using store = new CollateralStore({ intel: { endpoints, fmspcs: 'any' } }, deps);
    assert.deepEqual(await store.intel.get(need, signal), newer);
    assert.throws(
      () => new CollateralStore({ intel: { endpoints: [{ url: 'ftp://x' }], fmspcs: 'any' } }, deps),
      TypeError,
    );
  });
});
