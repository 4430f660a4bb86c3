/** Writes RA-TLS certificates field by field as the C++ generator does. Source: attestation.md §2. */
import 'reflect-metadata'; // the X.509 writer needs it loaded first
import { KeyObject, randomBytes, webcrypto } from 'node:crypto';
import { CLAIMS_OID, QUOTE_OID, SERVER_NAME } from '@bombyx/attest';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** One day, as the C++ tools make them. */
export const CERTIFICATE_LIFE_MS = 86_400_000;

const NAME = new Name([
  { C: [{ printableString: 'AE' }] },
  { ST: [{ utf8String: 'DUBAI' }] },
  { O: [{ utf8String: 'TDLib Development' }] },
  { OU: [{ utf8String: 'Security' }] },
  { CN: [{ utf8String: 'localhost' }] },
]);

export interface WrittenCertificate {
  readonly der: Buffer;
  readonly certificatePem: string;
  /** PKCS#8. Never leaves the process. */
  readonly keyPem: string;
  /** 32 bytes. */
  readonly publicKey: Buffer;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/**
 * A new Ed25519 key and its self-signed certificate, valid for a day from `notBeforeMs`.
 * @param quoteFor makes the quote over the new public key; without it the certificate carries no attestation
 */
export async function writeCertificate(
  notBeforeMs: number,
  quoteFor?: (publicKey: Buffer) => Promise<Uint8Array>,
): Promise<WrittenCertificate> {
  const keys = (await webcrypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const publicKey = Buffer.from(await webcrypto.subtle.exportKey('raw', keys.publicKey));
  const notBefore = new Date(Math.floor(notBeforeMs / 1000) * 1000);
  const notAfter = new Date(notBefore.getTime() + CERTIFICATE_LIFE_MS);
  const attestation = quoteFor
    ? [new Extension(QUOTE_OID, true, await quoteFor(publicKey)), new Extension(CLAIMS_OID, true, publicKey)]
    : [];
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: NAME,
    notBefore,
    notAfter,
    signingAlgorithm: { name: 'Ed25519' },
    keys,
    extensions: [
      ...attestation,
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth], true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      new SubjectAlternativeNameExtension([
        { type: 'dns', value: 'localhost' },
        { type: 'dns', value: SERVER_NAME },
        { type: 'ip', value: '::1' },
      ]),
    ],
  });
  return {
    der: Buffer.from(certificate.rawData),
    certificatePem: certificate.toString('pem'),
    keyPem: KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey,
    notBeforeMs: notBefore.getTime(),
    notAfterMs: notAfter.getTime(),
  };
}

/** 16 random bytes as a positive INTEGER that DER writes without padding. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] as number) & 0x7f) | 0x40;
  return bytes.toString('hex');
}
