/** Certificates that are wrong in one point each, for both ends of a handshake. */
import 'reflect-metadata';
import { KeyObject, webcrypto } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { TlsIdentity } from '../src/index.ts';

const DAY_MS = 86_400_000;

export { ExtendedKeyUsage, Extension };

export interface Flaws {
  /** Validity relative to `nowMs`; default from a minute ago for a day. */
  readonly validFromMs?: number;
  readonly validForMs?: number;
  readonly keyType?: 'Ed25519' | 'P-256';
  readonly names?: readonly string[];
  readonly authority?: boolean;
  readonly usages?: readonly ExtendedKeyUsage[];
  /** Signed by another key, under another name: depth 1. */
  readonly issued?: boolean;
  readonly extra?: (publicKey: Buffer) => readonly Extension[];
}

export interface Made {
  readonly der: Buffer;
  readonly pem: string;
  readonly keyPem: string;
  readonly publicKey: Buffer;
}

export async function makeCertificate(flaws: Flaws = {}, nowMs = Date.now()): Promise<Made> {
  const { validFromMs = -60_000, validForMs = DAY_MS, keyType = 'Ed25519', names = ['127.0.0.1'] } = flaws;
  const keys = await generate(keyType);
  const publicKey = Buffer.from(await webcrypto.subtle.exportKey('raw', keys.publicKey));
  const notBefore = new Date(nowMs + validFromMs);
  const common = {
    notBefore,
    notAfter: new Date(notBefore.getTime() + validForMs),
    extensions: [
      new BasicConstraintsExtension(flaws.authority ?? false, undefined, true),
      new ExtendedKeyUsageExtension([...(flaws.usages ?? [ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth])]),
      ...(names.length > 0
        ? [new SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns', value })))]
        : []),
      ...(flaws.extra?.(publicKey) ?? []),
    ],
  };
  const signingAlgorithm = keyType === 'Ed25519' ? { name: 'Ed25519' } : { name: 'ECDSA', hash: 'SHA-256' };
  const certificate = flaws.issued
    ? await X509CertificateGenerator.create({
        ...common,
        subject: 'CN=leaf',
        issuer: 'CN=authority',
        publicKey: keys.publicKey,
        signingKey: (await generate('Ed25519')).privateKey,
        signingAlgorithm: { name: 'Ed25519' },
      })
    : await X509CertificateGenerator.createSelfSigned({ ...common, name: 'CN=test', keys, signingAlgorithm });
  return {
    der: Buffer.from(certificate.rawData),
    pem: certificate.toString('pem'),
    keyPem: KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey,
  };
}

async function generate(keyType: 'Ed25519' | 'P-256'): Promise<webcrypto.CryptoKeyPair> {
  const algorithm = keyType === 'Ed25519' ? 'Ed25519' : { name: 'ECDSA', namedCurve: 'P-256' };
  return (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
}

/** An identity that shows exactly this certificate, or none at all. */
export function identityOf(made: Made | undefined): TlsIdentity {
  const context = createSecureContext(made ? { cert: made.pem, key: made.keyPem } : {});
  const credentials = {
    publicKey: made?.publicKey ?? Buffer.alloc(32),
    certificateDer: made?.der ?? Buffer.alloc(0),
    notBeforeMs: 0,
    notAfterMs: Number.MAX_SAFE_INTEGER,
    context,
  };
  return { attestation: 'none', credentials: async () => credentials };
}
