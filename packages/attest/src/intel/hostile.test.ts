/** Bytes and collateral of somebody who means harm: a coded refusal each, in bounded time, and nothing thrown. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { intelCases, questionOf, vectorBytes } from '../../testing/intel-cases.ts';
import { der, pem } from '../../testing/intel-der.ts';
import { randomFrom } from '../../testing/intel-mutations.ts';
import { intelWorld, WORLD_AT_MS, type WorldChange } from '../../testing/intel-world.ts';
import { nodeCrypto as crypto } from '../crypto/node.ts';
import { type Collateral, openCollateral } from './collateral.ts';
import { judgeCollateral } from './rules.ts';
import { type QuoteVerdict, verifyQuote } from './verify.ts';

const question = questionOf(intelCases()[0] ?? assert.fail('no case'));
const { quote, collateral, atMs } = question;
const opened = openCollateral(collateral, { crypto });
const FIELDS = Object.keys(collateral) as (keyof Collateral)[];
/** CPU for one verdict, in µs: far above what the worst takes, far below what an attack would be worth. */
const MAX_CPU = 400_000;

function bounded(what: string, verify: () => QuoteVerdict): string {
  const started = process.cpuUsage();
  const verdict = verify();
  const { user, system } = process.cpuUsage(started);
  assert.ok(user + system < MAX_CPU, `${what} took ${user + system} µs`);
  assert.ok(!verdict.ok, what);
  return verdict.failures[0]?.code ?? assert.fail(`${what}: no reason`);
}

const ofBytes = (what: string, bytes: Uint8Array) => bounded(what, () => verifyQuote(bytes, opened, { atMs, crypto }));
const ofCollateral = (what: string, changed: unknown) =>
  bounded(what, () => verifyQuote(quote, changed as Collateral, { atMs, crypto }));
const ofWorld = (what: string, change: WorldChange) => {
  const world = intelWorld(change);
  return bounded(what, () =>
    verifyQuote(world.quote, world.collateral, { atMs: WORLD_AT_MS, crypto, root: world.root }),
  );
};

for (const file of ['tdx/quotes/cocoon-v4.bin', 'tdx/quotes/google-v5-td15.bin', 'sgx/quotes/phala-v3.bin'])
  it(`refuses ${file} cut at every length`, () => {
    const whole = vectorBytes(file);
    const end = whole.length - (file.includes('cocoon') ? 70 : 0); // what follows is signed by nobody
    for (let length = 0; length < end; length++)
      assert.equal(ofBytes(`${length} bytes`, whole.subarray(0, length)), 'QUOTE_FORMAT');
  });

it('refuses bytes that are too many', () => {
  for (const size of [64 * 1024, 1024 * 1024]) {
    for (const fill of [0, 0xff, 4]) assert.equal(ofBytes(`${size}`, new Uint8Array(size).fill(fill)), 'QUOTE_FORMAT');
    const padded = new Uint8Array(size + 70_000);
    padded.set(quote);
    assert.equal(ofBytes(`quote padded to ${padded.length}`, padded), 'QUOTE_FORMAT');
  }
});

it('refuses random bytes, and random bytes behind a good header', () => {
  const random = randomFrom(1);
  for (let run = 0; run < 500; run++) {
    const bytes = Uint8Array.from({ length: random(8_192) }, () => random(256));
    assert.equal(ofBytes(`run ${run}`, bytes), 'QUOTE_FORMAT');
    const behind = quote.slice();
    behind.set(bytes.subarray(0, 4_000), 48 + random(900));
    ofBytes(`run ${run}, behind the header`, behind);
  }
});

const bombs: [string, Uint8Array][] = [
  ['a length of 16 MiB', Uint8Array.of(0x30, 0x83, 0xff, 0xff, 0xff, 1)],
  ['a length of 4 GiB', Uint8Array.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 1)],
  ['an indefinite length', Uint8Array.of(0x30, 0x80, 0, 0)],
  ['a length that is not minimal', Uint8Array.of(0x30, 0x81, 1, 0)],
  ['20,000 sequences in each other', nested(20_000)],
  ['a long-form tag', Uint8Array.of(0x3f, 0xff, 0xff, 0x7f, 0)],
  ['60 KiB of empty sequences', new Uint8Array(60_000).map((_, i) => (i % 2 === 0 ? 0x30 : 0))],
  ['60 KiB of continued object identifier', der(0x30, der(0x06, new Uint8Array(60_000).fill(0x81)))],
];

function nested(depth: number): Uint8Array {
  const bytes = new Uint8Array(4 * depth);
  for (let i = 0; i < depth; i++) {
    const length = bytes.length - 4 * (i + 1);
    bytes.set([0x30, 0x82, (length >> 8) & 0xff, length & 0xff], 4 * i);
  }
  return bytes;
}

for (const [what, bomb] of bombs) {
  it(`refuses ${what} as CRL, as certificate and as SGX extension`, () => {
    const hex = Buffer.from(bomb).toString('hex');
    assert.equal(ofCollateral('root CRL', { ...collateral, root_ca_crl: hex }), 'ROOT_CRL_FORMAT');
    assert.equal(ofCollateral('PCK CRL', { ...collateral, pck_crl: hex }), 'PCK_CRL_FORMAT');
    const chain = pem(bomb, bomb);
    assert.equal(ofCollateral('chain', { ...collateral, tcb_info_issuer_chain: chain }), 'TCB_SIGN_CHAIN');
    assert.equal(ofCollateral('CA chain', { ...collateral, pck_crl_issuer_chain: chain }), 'PCK_CRL_ISSUER');
    const asPem = ofWorld('quote', { quotePem: () => pem(bomb, bomb, bomb) });
    assert.match(asPem, /^(PCK|QUOTE)_FORMAT$/); // the largest do not fit a quote
    if (bomb.length < 30_000) assert.equal(ofWorld('extension', { sgxFields: () => [bomb] }), 'PCK_FORMAT');
  });
}

it('refuses JSON nested 100,000 deep, and a megabyte of it', () => {
  for (const text of [
    '['.repeat(100_000),
    '{"a":'.repeat(50_000),
    `"${'x'.repeat(1024 * 1024)}"`,
    ' '.repeat(1024 * 1024),
  ]) {
    assert.equal(ofCollateral('TCB info', { ...collateral, tcb_info: text }), 'TCB_INFO_SIGNATURE');
    assert.equal(ofCollateral('QE identity', { ...collateral, qe_identity: text }), 'QE_IDENTITY_SIGNATURE');
  }
});

it('refuses a serial number of 60 KiB, which overflowed the stack', () => {
  const long = der(0x02, new Uint8Array(60_000).fill(1));
  const crl = (of: 'root' | 'ca'): WorldChange => ({
    crl: (which, fields) => (which === of ? { ...fields, serials: [long] } : fields),
  });
  assert.equal(ofWorld('root CRL', crl('root')), 'ROOT_CRL_FORMAT');
  assert.equal(ofWorld('PCK CRL', crl('ca')), 'PCK_CRL_FORMAT');
  const certificate = (part: string): WorldChange => ({
    certificate: (which, fields) =>
      which === part ? { ...fields, serial: der(0x02, new Uint8Array(40_000).fill(1)) } : fields,
  });
  assert.equal(ofWorld('signer', certificate('tcb')), 'TCB_SIGN_REVOKED'); // no list could name it
});

it('refuses collateral with any field empty, missing or of another kind, and an answer in HTML', () => {
  const others = [
    '',
    '{}',
    '[]',
    'null',
    '<html><body>502 Bad Gateway</body></html>',
    undefined,
    null,
    1,
    {},
    [],
    true,
    10n,
  ];
  for (const field of FIELDS) {
    for (const value of others) ofCollateral(`${field} is ${typeof value}`, { ...collateral, [field]: value });
    const { [field]: _, ...rest } = collateral;
    ofCollateral(`no ${field}`, rest);
  }
  for (const value of [undefined, null, {}, [], 'text', 7])
    assert.equal(ofCollateral('no collateral', value), 'ROOT_CRL_FORMAT');
});

it('refuses random collateral', () => {
  const random = randomFrom(2);
  for (const field of FIELDS) {
    for (let run = 0; run < 30; run++) {
      const text = Buffer.from(Uint8Array.from({ length: random(3_000) }, () => random(256)));
      const value = [text.toString('hex'), text.toString('latin1'), pem(text, text)][run % 3];
      ofCollateral(`${field}, run ${run}`, { ...collateral, [field]: value });
    }
  }
});

it('refuses a root that is no certificate', () => {
  for (const root of [new Uint8Array(), Uint8Array.of(0x30, 0), new Uint8Array(100_000)])
    assert.equal(
      bounded('root', () => verifyQuote(quote, collateral, { atMs, crypto, root })),
      'ROOT_CRL_ISSUER',
    );
});

it('judges collateral that was opened under another root anew', () => {
  const world = intelWorld();
  const under = openCollateral(world.collateral, { crypto, root: world.root });
  const options = { atMs: WORLD_AT_MS, crypto };
  assert.ok(verifyQuote(world.quote, under, { ...options, root: world.root }).ok);
  assert.ok(!verifyQuote(world.quote, under, options).ok);
});

/** Every path in a document. */
function* pathsOf(value: unknown, path: readonly string[] = []): Generator<readonly string[]> {
  if (path.length > 0) yield path;
  if (typeof value !== 'object' || value === null) return;
  const entries = Object.entries(value);
  for (const [name, inner] of Array.isArray(value) ? entries.slice(0, 2) : entries)
    yield* pathsOf(inner, [...path, name]);
}

function changed(document: object, path: readonly string[], value: unknown): object {
  const copy = structuredClone(document);
  const last = path.at(-1) ?? '';
  const holder = path
    .slice(0, -1)
    .reduce((at, name) => at[name] as Record<string, unknown>, copy as Record<string, unknown>);
  if (value === undefined && Array.isArray(holder)) holder.splice(Number(last), 1);
  else if (value === undefined) delete holder[last];
  else holder[last] = value;
  return copy;
}

for (const [name, code] of [
  ['tcbInfo', 'TCB_INFO_MISMATCH'],
  ['qeIdentity', 'QE_IDENTITY_MISMATCH'],
] as const) {
  it(`refuses ${name} with any field missing or of another kind, though it is signed`, () => {
    let document: object = {};
    intelWorld({ [name]: (original: object) => (document = original) });
    for (const path of pathsOf(document)) {
      for (const value of [undefined, null, true, -1, 1.5, 'x', [], {}]) {
        const what = `${path.join('.')} is ${JSON.stringify(value)}`;
        const advisory = path.includes('advisoryIDs') && (value === undefined || value === 'x' || Array.isArray(value));
        const level = path.includes('tcbLevels') && value === undefined && /^\d$/.test(path.at(-1) ?? '');
        const known = path.includes('tdxModuleIdentities');
        const identity = known && (value === undefined || (path.at(-1) === 'id' && value === 'x')); // another module's
        if ((advisory && path.at(-1) !== '0') || (advisory && value !== undefined) || level || identity) continue;
        const world = intelWorld({ [name]: (original: object) => changed(original, path, value) });
        const options = { atMs: WORLD_AT_MS, crypto, root: world.root };
        const verdict = verifyQuote(world.quote, world.collateral, options);
        if (advisory) continue;
        assert.ok(!verdict.ok, what);
        assert.equal(verdict.failures[0]?.code, code, what);
      }
    }
  });
}

it('tells a store the same about collateral without a quote', () => {
  assert.deepEqual(judgeCollateral(opened, atMs), []);
  const codes = (changed: Partial<Collateral>, at = atMs) =>
    judgeCollateral(openCollateral({ ...collateral, ...changed }, { crypto }), at).map((failure) => failure.code);
  assert.deepEqual(codes({}, Date.parse('2026-03-01T00:00:00Z')), [
    'PCK_CRL_EXPIRED',
    'TCB_INFO_EXPIRED',
    'QE_IDENTITY_EXPIRED',
  ]);
  assert.deepEqual(codes({ tcb_info: '<html>' }), ['TCB_INFO_SIGNATURE', 'TCB_INFO_MISMATCH']);
  assert.deepEqual(codes({ pck_crl: collateral.root_ca_crl }), ['PCK_CRL_ISSUER', 'PCK_CRL_SIGNATURE']);
});
