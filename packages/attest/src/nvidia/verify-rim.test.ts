import assert from 'node:assert/strict';
import { it } from 'node:test';
import { rememberingCrypto } from '../../testing/devices-crypto.ts';
import { makeRim, makeRimMaker, makeSignature, rimBody } from '../../testing/devices-rim.ts';
import {
  duringMs,
  gpuCases,
  gpuInput,
  matchCases,
  type RimCase,
  readBytes,
  readText,
  rimCases,
  turnedBits,
} from '../../testing/devices-vectors.ts';
import { toHex } from '../bytes.ts';
import { nodeCrypto } from '../crypto/node.ts';
import { commonName, readCertificate } from '../x509/certificate.ts';
import { readGpuEvidence } from './evidence.ts';
import { matchRim, readRim } from './rim.ts';
import { RIM_ROOT_SHA256 } from './roots.ts';
import { type RimOptions, type RimVerdict, verifyRim } from './verify-rim.ts';

const crypto = rememberingCrypto();
const codes = (verdict: RimVerdict) => (verdict.ok ? [] : [...new Set(verdict.failures.map(({ code }) => code))]);

/** What a verdict must hold against a file, by what was found in it otherwise. */
const reasons = ({ rootPinned, chainSignatures, xmlSignature, file }: RimCase) => [
  ...(rootPinned ? [] : ['RIM_ROOT']),
  ...(chainSignatures ? [] : ['RIM_CHAIN']),
  // two ways for an XML signature to be wrong: the document changed, or the signature did
  ...(xmlSignature ? [] : [file.includes('bad-signature') ? 'RIM_SIGNATURE' : 'RIM_DIGEST']),
];

for (const expected of rimCases) {
  const xml = readText(expected.file);
  const atMs = duringMs(expected);

  it(`reads and judges ${expected.file}`, () => {
    const rim = readRim(xml);
    assert.equal(rim.version, expected.version);
    assert.equal(rim.listed, expected.measurementsListed);
    assert.equal(rim.measurements.size, expected.measurementsActive);
    const chain = rim.signature.certificates.map(readCertificate);
    const [signer] = chain;
    assert.ok(signer);
    assert.equal(commonName(signer.subject), expected.signerCn);
    const days = [signer.notBeforeMs, signer.notAfterMs].map((ms) => new Date(ms).toISOString().slice(0, 10));
    assert.equal(days.join('..'), expected.signerValidity);
    const root = nodeCrypto.hash('sha256', rim.signature.certificates.at(-1) ?? new Uint8Array());
    assert.equal(toHex(root) === RIM_ROOT_SHA256, expected.rootPinned);
    // this one's signer lived for a day, and the chosen time is after it
    const expired = expected.file.includes('bad-expired') ? ['RIM_VALIDITY'] : [];
    const wanted = [...expired, ...reasons(expected)];
    const verdict = verifyRim(xml, { atMs, crypto: nodeCrypto });
    assert.deepEqual(codes(verdict), wanted);
    assert.equal(verdict.ok, !expected.file.includes('/bad-'));
  });

  if (expected.file.includes('/bad-')) continue;

  it(`refuses ${expected.file} before and after the life of its signer`, () => {
    const [from, until] = expected.signerValidity.split('..').map((day) => Date.parse(day)) as [number, number];
    const day = 86_400_000;
    for (const ms of [from - day, until + day, Number.NaN])
      assert.deepEqual(codes(verifyRim(xml, { atMs: ms, crypto })), ['RIM_VALIDITY']);
    const verdict = verifyRim(xml, { atMs: until - day, crypto });
    assert.ok(verdict.ok && verdict.expiresAtMs >= until && verdict.expiresAtMs < until + day);
  });

  it(`refuses ${expected.file} with any one bit turned that was signed`, () => {
    const bytes = readBytes(expected.file);
    const [begin, end] = ['<ds:SignatureValue>', '<ds:KeyInfo>'].map((mark) => xml.indexOf(mark)) as [number, number];
    const signature = [begin + '<ds:SignatureValue>'.length, end - '</ds:SignatureValue>'.length] as const;
    for (const { bit, copy } of turnedBits(bytes, [[0, begin], signature], 300)) {
      const verdict = verifyRim(new TextDecoder().decode(copy), { atMs, crypto });
      assert.equal(verdict.ok, false, `bit ${bit}`);
    }
  });

  it(`refuses ${expected.file} with one bit turned in a certificate`, () => {
    const bytes = readBytes(expected.file);
    const range = [xml.indexOf('<ds:X509Certificate>'), xml.lastIndexOf('</ds:X509Certificate>')] as const;
    for (const { bit, copy } of turnedBits(bytes, [range], 300)) {
      const verdict = verifyRim(new TextDecoder().decode(copy), { atMs, crypto });
      // only the unused bits of base64, which say nothing, may turn: the certificates are then the same
      if (verdict.ok)
        assert.deepEqual(verdict.rim.signature.certificates, readRim(xml).signature.certificates, `${bit}`);
    }
  });
}

for (const expected of matchCases) {
  const evidence = readGpuEvidence(
    gpuInput(gpuCases.find(({ file }) => file === expected.evidence) as (typeof gpuCases)[0]).evidence,
  );
  for (const subject of ['driver', 'vbios'] as const) {
    const file = expected[`${subject}Rim`];
    if (file === null) continue;
    it(`compares ${expected.evidence} with ${file}`, () => {
      const { matched, mismatched } = matchRim(evidence, readRim(readText(file)));
      assert.deepEqual({ matched, mismatchedRimIndexes: mismatched }, expected[subject]);
    });
  }
}

// a maker of our own

const [fromMs, untilMs] = [Date.parse('2026-01-01T00:00:00Z'), Date.parse('2026-06-01T00:00:00Z')];
const atMs = Date.parse('2026-02-01T00:00:00Z');
const maker = makeRimMaker(fromMs, untilMs);
const hash = 'ab'.repeat(48);
const values = [{ index: 3, hashes: [hash] }];
const shape = { version: '1.2.3', values };
const options: RimOptions = { atMs, crypto, root: maker.root };
const good = makeRim(shape, maker);
const judge = (xml: string) => codes(verifyRim(xml, options));

it('believes another root only where it is given', () => {
  assert.deepEqual(judge(good), []);
  assert.deepEqual(codes(verifyRim(good, { atMs, crypto })), ['RIM_ROOT']);
  const other = makeRimMaker(fromMs, untilMs);
  assert.deepEqual(codes(verifyRim(good, { ...options, root: other.root })), ['RIM_ROOT']);
});

it('refuses every way to wrap a signed document into another', () => {
  const [head, tail] = rimBody(shape);
  const [evilHead] = rimBody({ version: '6.6.6', values: [{ index: 3, hashes: ['cd'.repeat(48)] }] });
  const signature = makeSignature(head + tail, maker);
  const object = (content: string) =>
    signature.replace('</ds:Signature>', `<ds:Object>${content}</ds:Object></ds:Signature>`);
  const attempts: Record<string, string> = {
    'the signed document inside of an object of its signature': `${evilHead}${object(head + tail)}${tail}`,
    'the signed document as a child of another': `${evilHead}${head}${signature}${tail}${tail}`,
    'two signatures': `${head}${signature}${signature}${tail}`,
    'a second signature without a namespace': `${head}<Signature></Signature>${signature}${tail}`,
    'a signature inside of the payload': good
      .replace(signature, '')
      .replace('</ns0:Payload>', `${signature}</ns0:Payload>`),
    'a signature around the document': signature.replace('</ds:Signature>', `${head}${tail}</ds:Signature>`),
    'no signature': head + tail,
    'a second payload': `${head}<ns0:Payload></ns0:Payload>${signature}${tail}`,
    'a second meta': `${head}<ns0:Meta colloquialVersion="6.6.6" product="GH100"></ns0:Meta>${signature}${tail}`,
  };
  for (const [what, xml] of Object.entries(attempts)) assert.deepEqual(judge(xml), ['RIM_FORMAT'], what);
  const beside = `${evilHead}${head}${tail}${signature}${tail}`;
  assert.deepEqual(judge(beside), ['RIM_DIGEST'], 'the signed document beside other values');
});

it('refuses a signature over a part of the document, even a good one', () => {
  const [head, tail] = rimBody(shape);
  for (const uri of ['#payload', '#xpointer(/)', 'http://example.org/other.xml']) {
    assert.deepEqual(judge(`${head}${makeSignature(head + tail, maker, uri)}${tail}`), ['RIM_FORMAT'], uri);
  }
  assert.deepEqual(judge(good.replace(' URI=""', '')), ['RIM_FORMAT'], 'no URI');
});

it('refuses algorithms other than the one form that is used', () => {
  const swaps: readonly (readonly [string, string])[] = [
    ['xmldsig-more#ecdsa-sha384', 'xmldsig-more#ecdsa-sha256'],
    ['xmldsig-more#ecdsa-sha384', 'xmldsig-more#hmac-sha384'],
    ['http://www.w3.org/2001/04/xmldsig-more#sha384', 'http://www.w3.org/2000/09/xmldsig#sha1'],
    ['http://www.w3.org/2000/09/xmldsig#enveloped-signature', 'http://www.w3.org/TR/1999/REC-xslt-19991116'],
    ['http://www.w3.org/2006/12/xml-c14n11', 'http://www.w3.org/2006/12/xml-c14n11#WithComments'],
    ['<ds:Transform Algorithm="http://www.w3.org/2006/12/xml-c14n11"></ds:Transform>', ''],
  ];
  for (const [from, to] of swaps) assert.deepEqual(judge(good.replace(from, to)), ['RIM_FORMAT'], to);
  const hmacLength = '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384">';
  const short = good.replace(hmacLength, `${hmacLength}<ds:HMACOutputLength>1</ds:HMACOutputLength>`);
  assert.deepEqual(judge(short), ['RIM_FORMAT']);
});

it('refuses an edited value and an edited version', () => {
  assert.deepEqual(judge(good.replace(hash, 'ac'.repeat(48))), ['RIM_DIGEST']);
  assert.deepEqual(judge(good.replace('1.2.3', '1.2.4')), ['RIM_DIGEST']);
  assert.deepEqual(judge(good.replace('active="True"', 'active="False"')), ['RIM_DIGEST']);
});

it('refuses a good signature by a key whose certificate is not under the root', () => {
  const other = makeRimMaker(fromMs, untilMs);
  const root = maker.root;
  const borrowed = { ...other, certificates: [other.certificates[0] as Uint8Array, root] };
  assert.deepEqual(judge(makeRim(shape, borrowed)), ['RIM_CHAIN']);
  const posing = { ...other, certificates: maker.certificates };
  assert.deepEqual(judge(makeRim(shape, posing)), ['RIM_SIGNATURE']);
  assert.deepEqual(judge(makeRim(shape, { ...maker, certificates: [] })), ['RIM_ROOT', 'RIM_SIGNATURE']);
  assert.deepEqual(judge(makeRim(shape, { ...maker, certificates: Array(9).fill(root) })), ['RIM_FORMAT']);
  assert.deepEqual(judge(makeRim(shape, { ...maker, certificates: [new Uint8Array(3), root] })), ['RIM_CERT_FORMAT']);
});

it('refuses a root or an authority in the place of the signer', () => {
  const [, root] = maker.certificates as [Uint8Array, Uint8Array];
  assert.deepEqual(judge(makeRim(shape, { ...maker, certificates: [root] })), ['RIM_CHAIN', 'RIM_SIGNATURE']);
});

it('refuses values that no device could have, and indexes that come twice', () => {
  const bad = (edit: (xml: string) => string) => assert.deepEqual(judge(edit(good)), ['RIM_FORMAT']);
  bad((xml) => xml.replace('index="3"', 'index="03"'));
  bad((xml) => xml.replace('index="3"', 'index="255"'));
  bad((xml) => xml.replace('index="3"', 'index="-1"'));
  bad((xml) => xml.replace('size="48"', 'size="47"'));
  bad((xml) => xml.replace('alternatives="1"', 'alternatives="2"'));
  bad((xml) => xml.replace('alternatives="1"', 'alternatives="65"'));
  bad((xml) => xml.replace(hash, 'xy'.repeat(48)));
  bad((xml) => xml.replace('ns2:Hash0', 'Hash0'));
  bad((xml) => xml.replace('type="Measurement"', 'type="Other"'));
  const twice = makeRim({ version: '1', values: [...values, ...values] }, maker);
  assert.deepEqual(judge(twice), ['RIM_FORMAT']);
  assert.deepEqual(judge('<html>busy</html>'), ['RIM_FORMAT']);
  assert.deepEqual(judge(''), ['RIM_FORMAT']);
});

it('refuses entity bombs, comments and other tricks as text that is not read at all', () => {
  const bomb = `<!DOCTYPE a [<!ENTITY a "${'a'.repeat(1_000)}"><!ENTITY b "${'&a;'.repeat(1_000)}">]>`;
  assert.deepEqual(judge(`${bomb}${good.replace('1.2.3', '&b;')}`), ['RIM_FORMAT']);
  assert.deepEqual(judge(good.replace('<ns0:Meta', '<!-- note --><ns0:Meta')), ['RIM_FORMAT']);
  assert.deepEqual(judge(good.replace('<ns0:Meta', '<?note?><ns0:Meta')), ['RIM_FORMAT']);
  assert.deepEqual(judge(good.replace('<ns0:Meta', '<![CDATA[]]><ns0:Meta')), ['RIM_FORMAT']);
  assert.deepEqual(judge(good + 'x'.repeat(2_000_000)), ['RIM_FORMAT']);
});
