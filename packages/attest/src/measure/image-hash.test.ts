import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import fc from 'fast-check';
import { concat, fromHex, toHex } from '../bytes.ts';
import { nodeCrypto as crypto } from '../crypto/node.ts';
import { readQuote } from '../intel/quote.ts';
import { imageHash, imageHashOf } from './image-hash.ts';

const vector = (name: string) => readFileSync(new URL(`../../../../vectors/attestation/${name}`, import.meta.url));
const certificate = (name: string) =>
  readFileSync(new URL(`../../../transport/testing/ratls/${name}.pem`, import.meta.url));
interface QuoteFacts {
  readonly file: string;
  readonly body: string;
  readonly cocoonImageHash: string;
}
const quotes: readonly QuoteFacts[] = JSON.parse(vector('quotes.json').toString());
const COCOON = '04b3afd931d28680af91a15b09d672c40ad6b141f7f9089a8d67d595220f7436';
const cocoon = vector('tdx/quotes/cocoon-v4.bin');

it('knows the image of every real quote', () => {
  assert.ok(quotes.length >= 18);
  for (const { file, body, cocoonImageHash } of quotes) {
    const bytes = vector(file);
    assert.equal(toHex(imageHash(readQuote(bytes), crypto)), cocoonImageHash, file);
    const read = imageHashOf(bytes, crypto);
    assert.ok(read.ok, file);
    assert.deepEqual(
      [toHex(read.hash), read.source, read.tee],
      [cocoonImageHash, 'quote', body === 'sgx' ? 'sgx' : 'tdx'],
    );
  }
});

it('is the hash that the C++ programs compute of the quote of cocoon', () => {
  assert.equal(toHex(imageHash(readQuote(cocoon).body, crypto)), COCOON);
});

it('does not depend on REPORTDATA, and does on each register', () => {
  const body = cocoon.subarray(48 + 136, 48 + 136 + 448);
  const hashOf = (bytes: Uint8Array) => {
    const read = imageHashOf(bytes, crypto);
    return read.ok ? toHex(read.hash) : assert.fail('not read');
  };
  assert.equal(hashOf(body), COCOON);
  const seen = new Set<string>();
  for (let at = 0; at < 448; at += 16) {
    const changed = Buffer.from(body);
    changed[at]! ^= 1;
    seen.add(hashOf(changed));
  }
  assert.equal(seen.size, 8 * 3 + 1); // 48 / 16 changes in each of eight registers, and none by REPORTDATA
  assert.ok(seen.has(COCOON));
});

it('reads the quote of a certificate, in PEM or DER', () => {
  const pem = certificate('real-quote-foreign-key');
  const der = Buffer.from(pem.toString().replace(/-----[^-]+-----|\s/g, ''), 'base64');
  for (const file of [pem, der]) {
    const read = imageHashOf(file, crypto);
    assert.ok(read.ok);
    assert.deepEqual([toHex(read.hash), read.source, read.tee], [COCOON, 'certificate', 'tdx']);
  }
});

it('says when a certificate has no quote, or a stand-in', () => {
  for (const name of ['no-quote', 'fake-good']) {
    const read = imageHashOf(certificate(name), crypto);
    assert.deepEqual(read.ok ? [] : read.failures.map(({ code }) => code), ['IMAGE_NO_QUOTE'], name);
  }
});

/** The recorded report begins at byte 48; header, CPUSVN and 16 bytes of a hash are put before it again. */
function tdReport(): Uint8Array {
  const recorded = vector('tdx/report/google-tdreport.bin');
  const start = concat(fromHex('81000000'), new Uint8Array(28), fromHex('163b1952b05fff4b19402ea73f1ec05d'));
  return concat(start, recorded).subarray(0, 1024);
}

it('reads a TDREPORT, and finds the registers that its hash is of', () => {
  const report = tdReport();
  const read = imageHashOf(report, crypto);
  assert.ok(read.ok);
  assert.equal(read.source, 'TDREPORT');
  const body = concat(report.subarray(528, 528 + 384), new Uint8Array(64));
  assert.deepEqual(read.hash, crypto.hash('sha256', body));
  assert.equal(toHex(body.subarray(0, 4)), '1d31766c');
});

it('refuses a TDREPORT that is cut off in front, of another type, or with a register changed', () => {
  const report = tdReport();
  const wrong = [
    vector('tdx/report/google-tdreport.bin'),
    report.subarray(0, 1023),
    report.with(1, 1),
    report.with(2, 2),
  ];
  for (const bytes of [...wrong, report.with(3, 1), report.with(600, 1), report.with(1023, 1)]) {
    const read = imageHashOf(bytes, crypto);
    assert.deepEqual(read.ok ? [] : read.failures.map(({ code }) => code), ['IMAGE_MALFORMED']);
  }
});

it('answers any bytes with a verdict', () => {
  const files = fc.oneof(
    fc.uint8Array({ maxLength: 2_000 }),
    fc.nat({ max: cocoon.length }).map((length) => cocoon.subarray(0, length)),
    fc.constant(new Uint8Array(1 << 20)),
  );
  fc.assert(
    fc.property(files, (bytes) => void imageHashOf(bytes, crypto)),
    { numRuns: 300 },
  );
});
