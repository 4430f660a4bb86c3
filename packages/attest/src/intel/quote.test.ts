import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { it } from 'node:test';
import { derOf, recordedQuotes, vectorBytes } from '../../testing/intel-cases.ts';
import { toHex } from '../bytes.ts';
import { nodeCrypto as crypto } from '../crypto/node.ts';
import { MalformedError } from '../malformed.ts';
import { type Collateral, openCollateral } from './collateral.ts';
import { policyFindings } from './findings.ts';
import { collateralNeed } from './pck.ts';
import { type Quote, readQuote } from './quote.ts';
import { INTEL_ROOT } from './root.ts';

const hexOf = (fields: Readonly<Record<string, Uint8Array | undefined>>) =>
  Object.fromEntries(Object.entries(fields).flatMap(([name, bytes]) => (bytes ? [[name, toHex(bytes)]] : [])));

function bodyFields({ body }: Quote): Record<string, unknown> {
  if (body.kind === 'sgx') {
    const { mrEnclave, mrSigner, attributes, reportData, isvProdId, isvSvn } = body;
    return { ...hexOf({ mrEnclave, mrSigner, attributes, reportData }), isvProdId, isvSvn };
  }
  const { teeTcbSvn, mrSeam, tdAttributes, xfam, mrTd, mrConfigId, mrOwner, mrOwnerConfig } = body;
  const { rtmr, reportData, teeTcbSvn2, mrServiceTd } = body;
  const plain = { teeTcbSvn, mrSeam, tdAttributes, xfam, mrTd, mrConfigId, mrOwner, mrOwnerConfig };
  return { ...hexOf({ ...plain, reportData, teeTcbSvn2, mrServiceTd }), rtmr: rtmr.map(toHex) };
}

const quotes = recordedQuotes();
const testRoot = derOf(new TextDecoder().decode(vectorBytes('tdx/roots/intel-test-root.pem')));

it('finds all quotes', () => assert.equal(quotes.length, 18));

for (const { file, cocoonImageHash: _, ...expected } of quotes) {
  it(`reads every field and signature of ${file}`, () => {
    const bytes = vectorBytes(file);
    const quote = readQuote(bytes);
    const { platform } = quote;
    const signatures = expected['signatures'] as { rootIsIntel: boolean };
    const nothing = {} as Collateral; // a machine shows these facts without any collateral
    const opened = openCollateral(nothing, { crypto, root: signatures.rootIsIntel ? INTEL_ROOT : testRoot });
    const machine = opened.platform(platform);
    const { leaf, root, extension, ca } = machine.chain ?? assert.fail('no certificates');
    const time = (ms: number) => new Date(ms).toISOString().replace('.000Z', 'Z');
    const told = (code: string) => machine.report.some((failure) => failure.code === code);
    const found = {
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      version: quote.version,
      body: quote.body.kind,
      qeVendor: toHex(quote.qeVendor) === '939a7233f79c4ca9940a0db3957f0607' ? 'intel' : 'other',
      certType: platform.certificationType,
      qeAuthBytes: platform.qeAuthData.length,
      unsignedTailBytes: quote.tail.length,
      fmspc: extension.fmspc,
      ppid: toHex(extension.ppid),
      pckCa: ca,
      pckNotBefore: time(leaf.notBeforeMs),
      pckNotAfter: time(leaf.notAfterMs),
      pceSvn: extension.pceSvn,
      cpuSvn: toHex(extension.cpuSvn),
      signatures: {
        pckChain: machine.certification.length === 0,
        rootIsIntel: toHex(crypto.hash('sha256', root.der)) === toHex(crypto.hash('sha256', INTEL_ROOT)),
        qeReport: !told('QE_REPORT_SIGNATURE'),
        qeReportData: !told('QE_REPORT_DATA'),
        quote: machine.attestationKey?.verify('ecdsa-sha256', quote.signed, quote.signature),
      },
      ...bodyFields(quote),
      policyFindings: policyFindings(quote),
    };
    const { file: __, ...fields } = { file, ...expected };
    assert.deepEqual(found, fields);
    assert.deepEqual(collateralNeed(quote), { tee: quote.tee, fmspc: extension.fmspc, ca });
    assert.deepEqual(quote.authenticated.length + quote.tail.length, bytes.length);
  });
}

it('names every policy finding of a TD and of an enclave', () => {
  const td = readQuote(vectorBytes('tdx/quotes/google-v5-td15.bin'));
  const body = td.body.kind === 'sgx' ? assert.fail('no TD') : td.body;
  const withAttributes = (tdAttributes: Uint8Array) =>
    policyFindings({ ...td, body: { ...body, tdAttributes, mrServiceTd: new Uint8Array(48).fill(1) } });
  assert.deepEqual(withAttributes(new Uint8Array(8).fill(0xff)), [
    ...['DEBUG', 'TUD_RESERVED', 'MIGRATABLE', 'PKS', 'KL', 'PERFMON', 'SERVICE_TD'],
  ]);
  assert.deepEqual(withAttributes(new Uint8Array(8)), ['NO_SEPT_VE_DISABLE', 'SERVICE_TD']);
  const enclave = readQuote(vectorBytes('sgx/quotes/phala-v3.bin'));
  const sgx = enclave.body.kind === 'sgx' ? enclave.body : assert.fail('no enclave');
  const attributes = new Uint8Array(16).fill(0xff);
  assert.deepEqual(policyFindings({ ...enclave, body: { ...sgx, attributes } }), ['SGX_DEBUG', 'KSS']);
});

it('refuses a quote for any length in it that is one too small or too large', () => {
  const v4 = vectorBytes('tdx/quotes/cocoon-v4.bin');
  const v5 = vectorBytes('tdx/quotes/google-v5-td15.bin');
  const fields: [Uint8Array, number, 2 | 4][] = [
    [v4, 632, 4], // authentication data
    [v4, 766, 4], // outer certification data
    [v4, 1218, 2], // QE authentication data
    [v4, 1254, 4], // certification data
    [v5, 48, 2], // body type
    [v5, 50, 4], // body size
  ];
  for (const [quote, offset, size] of fields) {
    for (const change of [-1, 1, 0x7f, 2 ** (8 * size - 1)]) {
      const bytes = quote.slice();
      const view = new DataView(bytes.buffer);
      if (size === 2) view.setUint16(offset, view.getUint16(offset, true) + change, true);
      else view.setUint32(offset, view.getUint32(offset, true) + change, true);
      assert.throws(() => readQuote(bytes), MalformedError, `${change} at ${offset}`);
    }
  }
});
