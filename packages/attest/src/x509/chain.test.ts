import assert from 'node:assert/strict';
import { it } from 'node:test';
import { der, makeCertificate, makeSigner, octets, sequence } from '../../testing/devices-pki.ts';
import { nodeCrypto } from '../crypto/node.ts';
import { judgeCertificate } from '../ra-tls.ts';
import { readCertificate } from './certificate.ts';
import { judgeRole } from './chain.ts';

/** Two thousand critical extensions that nobody knows, in 20 KB. */
const extensions = Array.from({ length: 2_000 }, (_, i) =>
  sequence(
    der(0x06, Uint8Array.of(42, 0x81 + (i >> 7), i & 0x7f)),
    der(0x01, Uint8Array.of(0xff)),
    octets(new Uint8Array()),
  ),
);
const key = makeSigner('crowded', 'p384');
const dates = { fromMs: Date.UTC(2026, 0, 1), untilMs: Date.UTC(2026, 0, 2) };
const crowded = makeCertificate({ subject: key, issuer: key, serial: 1, extensions, ...dates });

it('tells about unknown critical extensions once, however many a stranger packs into a certificate', () => {
  const unknown = /unknown critical extension 1\.2\.128, and 1999 more/;
  const wrong = judgeRole(readCertificate(crowded), undefined);
  assert.equal(wrong.length, 1);
  assert.match(wrong[0] ?? '', unknown);
  const verdict = judgeCertificate(crowded, 'server', dates.fromMs, nodeCrypto);
  assert.ok(!verdict.ok);
  assert.equal(verdict.failures.filter((message) => unknown.test(message)).length, 1);
});
