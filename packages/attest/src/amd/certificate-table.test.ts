import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { pem } from '../../testing/devices-pki.ts';
import { certificateTable, snpTrust } from '../../testing/peer-devices.ts';
import { concat, utf8 } from '../bytes.ts';
import { readCertificateTable } from './certificate-table.ts';

const { vcek, chain } = snpTrust;
const [ask, ark] = chain as [Uint8Array, Uint8Array];

it('finds the certificates of a chip in whichever order, as DER or as PEM, between others', () => {
  const other = Uint8Array.of(1, 2, 3);
  for (const table of [
    certificateTable([
      ['ark', ark],
      ['ask', ask],
      ['vcek', vcek],
    ]),
    certificateTable([
      ['vlek', other],
      ['vcek', vcek],
      ['ask', ask],
      ['ark', ark],
    ]),
    certificateTable([
      ['vcek', utf8(pem(vcek))],
      ['ask', utf8(pem(ask))],
      ['ark', utf8(pem(ark))],
    ]),
    concat(
      certificateTable([
        ['ark', ark],
        ['ask', ask],
        ['vcek', vcek],
      ]),
      new Uint8Array(4_096),
    ), // to the end of a page
  ]) {
    assert.deepEqual(readCertificateTable(table), { vcek, chain: [ask, ark] });
  }
});

it('finds nothing in a table that is not complete, or not one', () => {
  const whole = certificateTable([
    ['ark', ark],
    ['ask', ask],
    ['vcek', vcek],
  ]);
  const outside = whole.slice();
  new DataView(outside.buffer).setUint32(16, whole.length - 1, true);
  const endless = new Uint8Array(24 * 64).fill(1);
  for (const table of [
    new Uint8Array(0),
    new Uint8Array(24),
    certificateTable([]),
    certificateTable([
      ['vcek', vcek],
      ['ask', ask],
    ]),
    certificateTable([
      ['vlek', vcek],
      ['ask', ask],
      ['ark', ark],
    ]),
    whole.subarray(0, 50),
    whole.subarray(0, whole.length - 1),
    outside,
    endless,
    utf8(pem(vcek)),
  ]) {
    assert.equal(readCertificateTable(table), undefined);
  }
});

it('throws for no bytes whatever', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void readCertificateTable(bytes)));
});
