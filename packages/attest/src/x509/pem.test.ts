import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MalformedError } from '../malformed.ts';
import { readPemCertificates } from './pem.ts';

const block = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;

it('reads certificates in their order, up to the zero byte that ends a text in C', () => {
  const expected = [Uint8Array.of(1, 2, 3), Uint8Array.of(4)];
  assert.deepEqual(readPemCertificates(`${block('AQID')}\r\n${block('BA==')}\0`), expected);
});

it('refuses everything else', () => {
  const more = block('AQID').repeat(9);
  for (const text of [
    '',
    ' ',
    '\0',
    'x',
    `${block('AQID')}x`,
    block('AQ'),
    block('A*ID'),
    more,
    block('AQID').replace(/CERTIFICATE/g, 'X509 CRL'),
  ])
    assert.throws(() => readPemCertificates(text), MalformedError, text);
});

it('takes no time that grows with the square of a run of spaces', () => {
  const started = process.cpuUsage();
  for (const text of [`x${' '.repeat(65_000)}x`, `${'\0'.repeat(65_000)}x`])
    assert.throws(() => readPemCertificates(text), MalformedError);
  const { user, system } = process.cpuUsage(started);
  assert.ok(user + system < 1_000_000, `${user + system} µs of CPU`); // it was 7 s
});
