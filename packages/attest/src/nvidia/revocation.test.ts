import assert from 'node:assert/strict';
import { it } from 'node:test';
import { rememberingCrypto } from '../../testing/devices-crypto.ts';
import { type AnswerShape, makeAnswer } from '../../testing/devices-ocsp.ts';
import {
  authority,
  der,
  extension,
  makeCertificate,
  makeSigner,
  octets,
  oid,
  pem,
  type Signer,
  sequence,
  signPlain,
} from '../../testing/devices-pki.ts';
import { gpuCase, gpuInput, turnedBits } from '../../testing/devices-vectors.ts';
import { concat } from '../bytes.ts';
import { readGpuEvidence } from './evidence.ts';
import type { OcspGiven } from './revocation.ts';
import { type GpuVerdict, verifyGpu } from './verify-gpu.ts';

const crypto = rememberingCrypto();
const [fromMs, untilMs] = [Date.parse('2025-01-01T00:00:00Z'), Date.parse('2026-01-01T00:00:00Z')];
const atMs = Date.parse('2025-03-01T12:00:00Z');
const dayMs = 86_400_000;

// a device of our own: recorded measurements, signed again under a root of ours

const recorded = gpuInput(gpuCase('h100-550.90.07.bin')).evidence;
const { fwid } = readGpuEvidence(recorded);
const names = ['GH100 A01 GSP FMC LF', 'Device', 'Provisioner', 'Family', 'Root'];
const signers = names.map((common) => makeSigner(common, 'p384')) as [Signer, Signer, Signer, Signer, Signer];
const digest = sequence(oid('2.16.840.1.101.3.4.2.2'), octets(fwid ?? new Uint8Array(48)));
const firmware = extension('2.23.133.5.4.1', sequence(Uint8Array.of(2, 1, 0), sequence(), digest));
const chain = signers.map((subject, i) =>
  makeCertificate({
    subject,
    issuer: signers[i + 1] ?? subject,
    serial: 40 + i,
    extensions: [i === 0 ? firmware : authority],
    fromMs,
    untilMs,
  }),
) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];
const evidence = concat(recorded.subarray(0, -96), signPlain(recorded.subarray(0, -96), signers[0]));
const input = { evidence, certificates: chain.map(pem).join('') };

const judge = (ocsp: OcspGiven) => verifyGpu(input, { atMs, crypto, rims: 'not judged', root: chain[4], ocsp });
const codes = (verdict: GpuVerdict) => (verdict.ok ? [] : [...new Set(verdict.failures.map(({ code }) => code))]);

/** An answer about the certificate at a place of the chain, as its issuer gives it. */
function answer(place: number, more: Partial<AnswerShape> = {}): Uint8Array {
  return makeAnswer({
    about: chain[place] as Uint8Array,
    issuer: chain[place + 1] as Uint8Array,
    signer: signers[place + 1] as Signer,
    fromMs: atMs - dayMs,
    untilMs: atMs + dayMs,
    ...more,
  });
}
const [second, third] = [answer(2), answer(3)];
const first = (more: Partial<AnswerShape>) => codes(judge({ answers: [answer(1, more), second, third] }));

it('believes a device whose certificates are all good, for as long as the answers hold', () => {
  const verdict = judge({ answers: [answer(1), second, third] });
  assert.ok(verdict.ok);
  assert.equal(verdict.revocation, 'good');
  assert.equal(verdict.expiresAtMs, atMs + dayMs);
  assert.deepEqual(first({ hash: 'sha1' }), [], 'certificates are named by any usual hash');
});

it('says that nobody was asked where no answer is given', () => {
  const verdict = verifyGpu(input, { atMs, crypto, rims: 'not judged', root: chain[4] });
  assert.ok(verdict.ok);
  assert.equal(verdict.revocation, 'not given');
});

it('refuses a device that is revoked, held back or unknown', () => {
  assert.deepEqual(first({ status: 'revoked' }), ['GPU_REVOKED']);
  assert.deepEqual(first({ status: 'hold' }), ['GPU_REVOKED']);
  assert.deepEqual(first({ status: 'unknown' }), ['GPU_OCSP_UNKNOWN']);
  const leaf = judge({ answers: [answer(0, { status: 'hold' }), answer(1), second, third] });
  assert.deepEqual(codes(leaf), ['GPU_REVOKED'], 'the leaf, about which an answer is not needed');
  assert.ok(!leaf.ok && leaf.seen?.revocation === 'bad');
});

it('refuses when an answer is missing: a host that drops it must not win', () => {
  assert.deepEqual(codes(judge({ answers: [] })), ['GPU_OCSP_MISSING']);
  assert.deepEqual(codes(judge({ answers: [answer(1), second] })), ['GPU_OCSP_MISSING']);
  assert.deepEqual(codes(judge({ answers: [answer(0), second, third] })), ['GPU_OCSP_MISSING']);
});

it('refuses answers that are out of date, not valid yet, or without an end', () => {
  assert.deepEqual(first({ fromMs: atMs + 1_000 }), ['GPU_OCSP_FUTURE']);
  assert.deepEqual(first({ untilMs: atMs - 1_000 }), ['GPU_OCSP_EXPIRED']);
  assert.deepEqual(first({ untilMs: undefined }), ['GPU_OCSP_EXPIRED']);
});

it('refuses answers to another question where it asked one', () => {
  const nonce = new Uint8Array(32).fill(7);
  const answers = (asked: Uint8Array) => [1, 2, 3].map((place) => answer(place, { nonce: asked }));
  assert.deepEqual(codes(judge({ answers: answers(nonce), nonce })), []);
  assert.deepEqual(codes(judge({ answers: answers(nonce.with(0, 8)), nonce })), ['GPU_OCSP_NONCE']);
  assert.deepEqual(codes(judge({ answers: [answer(1), second, third], nonce })), ['GPU_OCSP_NONCE']);
});

it('refuses answers signed by a stranger, by the device itself, or about the certificate of another', () => {
  assert.deepEqual(first({ signer: makeSigner('Provisioner', 'p384') }), ['GPU_OCSP_SIGNATURE']);
  assert.deepEqual(first({ signer: signers[0] }), ['GPU_OCSP_SIGNATURE']);
  assert.deepEqual(first({ signer: signers[1] }), ['GPU_OCSP_SIGNATURE']);
  assert.deepEqual(first({ about: chain[0] }), ['GPU_OCSP_MISSING']);
  assert.deepEqual(first({ issuer: chain[3] }), ['GPU_OCSP_MISSING']);
});

it('believes a responder that an authority of the chain has made one, and no other certificate', () => {
  const responder = makeSigner('Responder', 'p384');
  const purpose = (id: string) => extension('2.5.29.37', sequence(oid(id)), true);
  const [ocspSigning, serverAuth] = [purpose('1.3.6.1.5.5.7.3.9'), purpose('1.3.6.1.5.5.7.3.1')];
  const by = (issuer: Signer, extensions: readonly Uint8Array[], until = untilMs) => {
    const certificate = makeCertificate({ subject: responder, issuer, serial: 3, extensions, fromMs, untilMs: until });
    return first({ signer: responder, certificates: [certificate] });
  };
  assert.deepEqual(by(signers[2], [ocspSigning]), []);
  assert.deepEqual(by(signers[4], [ocspSigning]), [], 'an authority further up');
  assert.deepEqual(by(signers[2], []), ['GPU_OCSP_SIGNATURE']);
  assert.deepEqual(by(signers[2], [serverAuth]), ['GPU_OCSP_SIGNATURE']);
  assert.deepEqual(by(signers[2], [ocspSigning, authority]), ['GPU_OCSP_SIGNATURE'], 'an authority itself');
  assert.deepEqual(by(signers[1], [ocspSigning]), ['GPU_OCSP_SIGNATURE'], 'made by the device');
  assert.deepEqual(by(responder, [ocspSigning]), ['GPU_OCSP_SIGNATURE'], 'made by itself');
  assert.deepEqual(by(signers[2], [ocspSigning], atMs - 1_000), ['GPU_OCSP_SIGNATURE'], 'out of date');
});

it('refuses an answer with any one bit turned', () => {
  const good = answer(1);
  for (const { bit, copy } of turnedBits(good, [[0, good.length]], 1_000)) {
    assert.equal(judge({ answers: [copy, second, third] }).ok, false, `bit ${bit}`);
  }
});

it('refuses what is no answer', () => {
  const bad = [
    new Uint8Array(0),
    new Uint8Array(70_000),
    new TextEncoder().encode('<html>busy</html>'),
    der(0x30, Uint8Array.of(0x0a, 1, 6)), // unauthorized
    concat(answer(1), Uint8Array.of(0)),
    answer(1).subarray(0, 100),
  ];
  for (const bytes of bad)
    assert.deepEqual(codes(judge({ answers: [bytes, answer(1), second, third] })), ['GPU_OCSP_FORMAT']);
  assert.deepEqual(codes(judge({ answers: Array<Uint8Array>(17).fill(second) })), [
    'GPU_OCSP_FORMAT',
    'GPU_OCSP_MISSING',
  ]);
});
