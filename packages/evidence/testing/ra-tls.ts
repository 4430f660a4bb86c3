/** Certificates of the C++ form under one key, so that a test can change a single thing between two of them. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { CLAIMS_OID, QUOTE_OID } from '@bombyx/attest';
import { der, explicit, extension, integer, name, oid, sequence, time } from '../../attest/testing/devices-pki.ts';

export interface TlsKey {
  readonly key: KeyObject;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

export function makeTlsKey(): TlsKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const { x } = publicKey.export({ format: 'jwk' });
  return { key: privateKey, publicKey: Uint8Array.from(Buffer.from(x ?? '', 'base64url')) };
}

/** As a server presents it, valid for two hours around `atMs`, with a random serial. */
export function makeTlsCertificate(
  { key, publicKey }: TlsKey,
  quote: Uint8Array | undefined,
  atMs: number,
): Uint8Array {
  const algorithm = sequence(oid('1.3.101.112'));
  const serverAuth = sequence(oid('1.3.6.1.5.5.7.3.1'), oid('1.3.6.1.5.5.7.3.2'));
  const attestation =
    quote === undefined ? [] : [extension(QUOTE_OID, quote, true), extension(CLAIMS_OID, publicKey, true)];
  const body = sequence(
    explicit(0, integer(2)),
    integer(randomBytes(4).readUInt32BE()),
    algorithm,
    name('localhost'),
    sequence(time(atMs - 3_600_000), time(atMs + 3_600_000)),
    name('localhost'),
    sequence(algorithm, der(0x03, Uint8Array.of(0), publicKey)),
    explicit(
      3,
      sequence(
        ...attestation,
        extension('2.5.29.37', serverAuth, true),
        extension('2.5.29.17', sequence(der(0x82, Buffer.from('127.0.0.1')))),
      ),
    ),
  );
  return sequence(body, algorithm, der(0x03, Uint8Array.of(0), sign(null, body, key)));
}
