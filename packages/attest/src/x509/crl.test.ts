import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type CrlFields, extension, integer, revocationList, sequence, signingKey } from '../../testing/intel-der.ts';
import { readCrl } from './crl.ts';
import { DerError } from './der.ts';

const key = signingKey();
const reason = extension('2.5.29.21', Uint8Array.of(0x0a, 1, 1));
const plain: CrlFields = {
  issuer: 'Some CA',
  from: '2026-06-01T00:00:00Z',
  until: '2026-07-01T00:00:00Z',
  serials: [7, 0x80, 0xffee],
  extensions: [extension('2.5.29.20', integer(1))],
  entryExtensions: [reason],
};
const list = (change: Partial<CrlFields> = {}) => revocationList({ ...plain, ...change }, key);

it('tells which serial numbers are revoked, and from when to when that holds', () => {
  const crl = readCrl(list());
  const revoked = [[7], [0x80], [0xff, 0xee], [8], [0], [0, 7]].map((serial) => crl.revokes(Uint8Array.from(serial)));
  assert.deepEqual(revoked, [true, true, true, false, false, false]);
  assert.equal(crl.thisUpdateMs, Date.parse(plain.from));
  assert.equal(crl.nextUpdateMs, Date.parse(plain.until));
  assert.equal(readCrl(list({ serials: [] })).revokes(Uint8Array.of(7)), false);
});

it('takes a certificate whose serial number no list could hold for revoked', () => {
  assert.equal(readCrl(list()).revokes(new Uint8Array(21)), true);
});

it('refuses partial lists, bytes at the end, and every cut', () => {
  const critical = extension('1.2.3.4', integer(1), true);
  const twice = [reason, reason];
  for (const change of [{ extensions: [critical] }, { entryExtensions: [critical] }, { entryExtensions: twice }])
    assert.throws(() => readCrl(list(change)), DerError);
  const whole = list();
  assert.throws(() => readCrl(Buffer.concat([whole, Uint8Array.of(0)])), DerError);
  for (let length = 0; length < whole.length; length++)
    assert.throws(() => readCrl(whole.subarray(0, length)), DerError, `${length} bytes`);
});

it('judges every entry whose end is not that of the entry before', () => {
  const bytes = Buffer.from(list({ serials: [1, 2, 3] }));
  const inside = sequence(reason).subarray(-3); // the reason code of an entry
  const last = bytes.lastIndexOf(inside);
  bytes[bytes.lastIndexOf(Buffer.from([0x55, 0x1d, 0x15]), last) + 2] = 0x1d; // its OID becomes that of a certificate issuer
  assert.throws(() => readCrl(bytes), DerError);
});
