import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { it } from 'node:test';
import fc from 'fast-check';
import { authority, makeCertificate, makeSigner, type Signer, signPlain } from '../../testing/devices-pki.ts';
import { readJson, turnedBits } from '../../testing/devices-vectors.ts';
import { fromHex, utf8 } from '../bytes.ts';
import { nodeCrypto } from '../crypto/node.ts';
import { NRAS_ISSUER, type NrasOptions, type NrasVerdict, verifyNras } from './nras.ts';

type Detached = [['JWT', string], Record<string, string>];
const answer = readJson('nvidia/nras/h100-v3-detached-eat.json') as Detached;
const decoded = readJson('nvidia/nras/h100-v3-decoded.json') as { 'GPU-0': Record<string, unknown> };
const local = readJson('nvidia/nras/dstack-h100-local-claims.json') as { detached_eat: Detached };
const jwks = readJson('nvidia/nras/jwks.json') as { keys: Record<string, unknown>[] };
const nonce = fromHex('931d8dd0add203ac3d8b4fbde75e115278eefcdceac5b87671a748f32364dfcb');
const [fromMs, untilMs] = [1_749_601_858_000, 1_749_605_458_000];
const options: NrasOptions = { jwks, nonce, atMs: fromMs + 1_000, crypto: nodeCrypto };
const codes = (verdict: NrasVerdict) => (verdict.ok ? [] : [...new Set(verdict.failures.map(({ code }) => code))]);

it('believes the recorded answer of 2025-06-11 while it lasts', () => {
  const verdict = verifyNras(answer, options);
  assert.ok(verdict.ok);
  const claims = decoded['GPU-0'];
  assert.deepEqual(verdict.gpus, [
    {
      name: 'GPU-0',
      model: claims['hwmodel'],
      driver: claims['x-nvidia-gpu-driver-version'],
      vbios: claims['x-nvidia-gpu-vbios-version'],
      ueid: claims['ueid'],
    },
  ]);
  assert.equal(verdict.expiresAtMs, untilMs);
  assert.deepEqual(codes(verifyNras(answer, { ...options, atMs: fromMs })), []);
  assert.deepEqual(codes(verifyNras(answer, { ...options, atMs: untilMs })), []);
  assert.deepEqual(codes(verifyNras(answer, { ...options, atMs: fromMs - 1 })), ['NRAS_NOT_YET']);
  assert.deepEqual(codes(verifyNras(answer, { ...options, atMs: untilMs + 1 })), ['NRAS_EXPIRED']);
  assert.deepEqual(codes(verifyNras(answer, { ...options, atMs: Number.NaN })), ['NRAS_NOT_YET', 'NRAS_EXPIRED']);
});

it('refuses claims that nobody signed, whatever they say', () => {
  const at = { ...options, atMs: 1_784_208_000_000, nonce: new Uint8Array(32).fill(0x11) };
  const verdict = codes(verifyNras(local.detached_eat, at));
  assert.ok(verdict.includes('NRAS_ALGORITHM'));
  assert.ok(verdict.includes('NRAS_ISSUER'));
  assert.deepEqual(codes(verifyNras(local, at)), ['NRAS_FORMAT']);
});

it('refuses another nonce', () => {
  assert.deepEqual(codes(verifyNras(answer, { ...options, nonce: new Uint8Array(32) })), ['NRAS_NONCE']);
});

it('refuses a token with any one bit turned', () => {
  const [[, outer], { 'GPU-0': inner = '' }] = answer;
  const edited: ((text: string) => Detached)[] = [
    (text) => [['JWT', text], answer[1]],
    (text) => [answer[0], { 'GPU-0': text }],
  ];
  for (const [i, token] of [outer, inner].entries()) {
    const bytes = utf8(token);
    for (const { bit, copy } of turnedBits(bytes, [[0, bytes.length]], 500)) {
      const changed = edited[i]?.(new TextDecoder().decode(copy));
      assert.equal(verifyNras(changed, options).ok, false, `token ${i}, bit ${bit}`);
    }
  }
});

// a service of our own, to say what NVIDIA's never said

const service = makeSigner('Service', 'p384');
const point = service.spki.subarray(-96);
const base64Url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
const jwk = {
  kty: 'EC',
  crv: 'P-384',
  kid: 'k',
  x: base64Url(point.subarray(0, 48)),
  y: base64Url(point.subarray(48)),
};

function token(claims: unknown, header: object = { alg: 'ES384', kid: 'k' }, signer: Signer = service): string {
  const signed = [header, claims].map((part) => base64Url(utf8(JSON.stringify(part)))).join('.');
  return `${signed}.${base64Url(signPlain(utf8(signed), signer))}`;
}

interface Shape {
  readonly outer?: object;
  readonly gpu?: object;
  readonly header?: object;
  readonly signer?: Signer;
  readonly more?: Record<string, string>;
}

const frame = { iss: NRAS_ISSUER, nbf: 1, exp: 100, eat_nonce: '11'.repeat(32) };
const mine: NrasOptions = {
  jwks: { keys: [jwk] },
  nonce: new Uint8Array(32).fill(0x11),
  atMs: 50_000,
  crypto: nodeCrypto,
};

function make({ outer = {}, gpu = {}, header, signer, more = {} }: Shape = {}): Detached {
  const inner = token({ ...decoded['GPU-0'], ...frame, ...gpu }, header, signer);
  const digest = createHash('sha256').update(inner).digest('hex');
  const submods = { 'GPU-0': ['DIGEST', ['SHA-256', digest]] };
  const claims = { ...frame, 'x-nvidia-overall-att-result': true, submods, ...outer };
  return [['JWT', token(claims, header, signer)], { 'GPU-0': inner, ...more }];
}
const judge = (shape: Shape, more: Partial<NrasOptions> = {}) => codes(verifyNras(make(shape), { ...mine, ...more }));

it('refuses an answer whose own claims do not hold', () => {
  assert.deepEqual(judge({}), []);
  assert.deepEqual(judge({ outer: { iss: 'https://nras.example.com' } }), ['NRAS_ISSUER']);
  assert.deepEqual(judge({ gpu: { iss: undefined } }), ['NRAS_ISSUER']);
  assert.deepEqual(judge({ outer: { exp: undefined } }), ['NRAS_EXPIRED']);
  assert.deepEqual(judge({ gpu: { exp: '100' } }), ['NRAS_EXPIRED']);
  assert.deepEqual(judge({ gpu: { nbf: 51 } }), ['NRAS_NOT_YET']);
  assert.deepEqual(judge({ gpu: { eat_nonce: '22'.repeat(32) } }), ['NRAS_NONCE']);
  assert.deepEqual(judge({ outer: { 'x-nvidia-overall-att-result': false } }), ['NRAS_RESULT']);
  assert.deepEqual(judge({ outer: { 'x-nvidia-overall-att-result': 'true' } }), ['NRAS_RESULT']);
});

it('refuses parts that the answer does not name, and names without a part', () => {
  assert.deepEqual(judge({ outer: { submods: undefined } }), ['NRAS_DIGEST']);
  assert.deepEqual(judge({ outer: { submods: {} } }), ['NRAS_DIGEST']);
  assert.deepEqual(judge({ outer: { submods: { 'GPU-0': ['DIGEST', ['SHA-1', '00']] } } }), ['NRAS_DIGEST']);
  assert.deepEqual(judge({ more: { 'GPU-1': make()[1]['GPU-0'] ?? '' } }), ['NRAS_DIGEST']);
  const [outer, { 'GPU-0': inner = '' }] = make();
  assert.deepEqual(codes(verifyNras([outer, { 'GPU-9': inner }], mine)), ['NRAS_DIGEST']);
  assert.deepEqual(codes(verifyNras([outer, make()[1]], mine)), ['NRAS_DIGEST'], 'signed anew');
});

it('refuses a GPU for each claim that must be true and is not', () => {
  for (const [claim, value] of Object.entries(decoded['GPU-0'])) {
    if (value === true) assert.deepEqual(judge({ gpu: { [claim]: false } }), ['NRAS_CLAIMS'], claim);
    if (value === true) assert.deepEqual(judge({ gpu: { [claim]: undefined } }), ['NRAS_CLAIMS'], claim);
    if (!claim.endsWith('-cert-chain')) continue;
    const status = value as Record<string, unknown>;
    assert.deepEqual(judge({ gpu: { [claim]: undefined } }), ['NRAS_CLAIMS']);
    assert.deepEqual(judge({ gpu: { [claim]: { ...status, 'x-nvidia-cert-status': 'revoked' } } }), ['NRAS_CLAIMS']);
    assert.deepEqual(judge({ gpu: { [claim]: { ...status, 'x-nvidia-cert-ocsp-status': 'unknown' } } }), [
      'NRAS_CLAIMS',
    ]);
  }
  assert.deepEqual(judge({ gpu: { measres: 'fail' } }), ['NRAS_CLAIMS']);
  assert.deepEqual(judge({ gpu: { dbgstat: 'enabled' } }), ['NRAS_CLAIMS']);
  assert.deepEqual(judge({ gpu: { hwmodel: 7 } }), ['NRAS_CLAIMS']);
});

it('refuses tokens signed in another way or by another key', () => {
  assert.deepEqual(judge({ header: { alg: 'none', kid: 'k' } }), ['NRAS_ALGORITHM']);
  assert.deepEqual(judge({ header: { alg: 'HS384', kid: 'k' } }), ['NRAS_ALGORITHM']);
  assert.deepEqual(judge({ header: { kid: 'k' } }), ['NRAS_ALGORITHM']);
  assert.deepEqual(judge({ header: { alg: 'ES384' } }), ['NRAS_KEY']);
  assert.deepEqual(judge({ header: { alg: 'ES384', kid: 'other' } }), ['NRAS_KEY']);
  assert.deepEqual(judge({ header: { alg: 'ES384', kid: '__proto__' } }), ['NRAS_KEY']);
  assert.deepEqual(
    judge({ header: { alg: 'ES384', kid: 'k', jwk, x5c: [] } }),
    [],
    'keys in the token are not looked at',
  );
  assert.deepEqual(judge({ header: { alg: 'ES384', kid: 'k', crit: ['x'] } }), ['NRAS_FORMAT']);
  assert.deepEqual(judge({ signer: makeSigner('Other', 'p384') }), ['NRAS_SIGNATURE']);
});

it('takes keys only with certificates under the root, where a root is given', () => {
  const [root, other] = [makeSigner('Root', 'p384'), makeSigner('Other', 'p384')];
  const dates = { fromMs: 0, untilMs: 100_000 };
  const rootDer = makeCertificate({ subject: root, issuer: root, serial: 1, extensions: [authority], ...dates });
  const leafOf = (subject: Signer, issuer = root) => makeCertificate({ subject, issuer, serial: 2, ...dates });
  const withChain = (...chain: readonly Uint8Array[]) => ({
    jwks: { keys: [{ ...jwk, x5c: chain.map((der) => Buffer.from(der).toString('base64')) }] },
  });
  assert.deepEqual(judge({}, { ...withChain(leafOf(service), rootDer), root: rootDer }), []);
  assert.deepEqual(judge({}, { root: rootDer }), ['NRAS_KEY'], 'without certificates');
  assert.deepEqual(judge({}, { ...withChain(leafOf(other), rootDer), root: rootDer }), ['NRAS_KEY'], 'of another key');
  assert.deepEqual(judge({}, { ...withChain(leafOf(service, other), rootDer), root: rootDer }), ['NRAS_KEY']);
  assert.deepEqual(judge({}, withChain(leafOf(other), rootDer)), ['NRAS_KEY'], 'also where no root is asked for');
  assert.deepEqual(judge({}, { ...withChain(leafOf(service), rootDer), root: rootDer, atMs: 100_001 }), [
    'NRAS_KEY',
    'NRAS_EXPIRED',
  ]);
});

it('refuses sets of keys that are none', () => {
  const bad: unknown[] = [
    undefined,
    null,
    [],
    {},
    { keys: {} },
    { keys: [null] },
    { keys: [jwk, jwk] },
    { keys: [{ ...jwk, kid: 1 }] },
    { keys: [{ ...jwk, x: 'AA' }] },
    { keys: [{ ...jwk, x: '*'.repeat(64) }] },
    { keys: [{ ...jwk, x5c: [[['x']]] }] },
    { keys: [{ ...jwk, x5c: ['AAAA'] }] },
    { keys: Array(17).fill(jwk) },
  ];
  for (const keys of bad) assert.deepEqual(judge({}, { jwks: keys }), ['NRAS_KEYS'], JSON.stringify(keys));
  assert.deepEqual(
    judge(
      {},
      {
        jwks: {
          keys: [
            { ...jwk, kty: 'RSA' },
            { ...jwk, use: 'enc' },
          ],
        },
      },
    ),
    ['NRAS_KEY'],
  );
  assert.deepEqual(judge({}, { jwks: { keys: [{ ...jwk, x: jwk.y }] } }), ['NRAS_KEY'], 'a point off the curve');
});

it('answers anything at all with a verdict', () => {
  // deep enough for whoever follows it by recursion, JSON.stringify included, to run out of stack
  const deep = `{"submods":{"GPU-0":${'['.repeat(10_000)}${']'.repeat(10_000)}}}`;
  const nested = ['{}', deep, ''].map((part) => base64Url(utf8(part))).join('.');
  const strange: unknown[] = [
    [['JWT', nested], { 'GPU-0': nested }],
    [['JWT', '..'], { 'GPU-0': '..' }],
    [['JWT', 'a.b.c.d'], { 'GPU-0': 'x' }],
    [['JWT', 'x'.repeat(100_000)], { 'GPU-0': 'x' }],
    [['JWT', answer[0][1]], {}],
    [['JWT', answer[0][1]], { 'a b': 'x' }],
    [['JWT', answer[0][1]], Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`G${i}`, 'x']))],
  ];
  for (const value of strange) assert.equal(verifyNras(value, options).ok, false);
  fc.assert(fc.property(fc.anything(), (value) => assert.equal(verifyNras(value, options).ok, false)));
});
