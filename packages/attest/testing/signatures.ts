/** Signatures for the suite of the cryptography port: of keys made here, and of certificates that vendors really issued. */
import {
  constants,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  type SignKeyObjectInput,
  sign,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { utf8 } from '../src/bytes.ts';
import type { PublicKey, SignatureScheme } from '../src/crypto/port.ts';
import { readCertificate } from '../src/x509/certificate.ts';
import { readPemCertificates } from '../src/x509/pem.ts';

/** A signature that is good. */
export interface Signed {
  readonly name: string;
  readonly key: PublicKey;
  readonly scheme: SignatureScheme;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

export interface KeyPair {
  readonly key: PublicKey;
  readonly secret: KeyObject;
}

const bytesOf = (text = '') => new Uint8Array(Buffer.from(text, 'base64url'));

export function makeKey(
  kind: PublicKey['kind'],
  rsa: { modulusLength: number; publicExponent?: number } = { modulusLength: 2048 },
): KeyPair {
  const { publicKey, privateKey: secret } =
    kind === 'rsa'
      ? generateKeyPairSync('rsa', rsa)
      : kind === 'ed25519'
        ? generateKeyPairSync('ed25519')
        : generateKeyPairSync('ec', { namedCurve: kind === 'p256' ? 'P-256' : 'P-384' });
  return { key: partsOf(kind, publicKey.export({ format: 'jwk' })), secret };
}

function partsOf(kind: PublicKey['kind'], { n, e, x, y }: JsonWebKey): PublicKey {
  if (kind === 'rsa') return { kind, modulus: bytesOf(n), exponent: bytesOf(e) };
  if (kind === 'ed25519') return { kind, bytes: bytesOf(x) };
  return { kind, point: new Uint8Array([...bytesOf(x), ...bytesOf(y)]) };
}

/** @param saltLength of PSS */
export function signWith(
  { key, secret }: KeyPair,
  scheme: SignatureScheme,
  message: Uint8Array,
  saltLength = 48,
): Signed {
  const digest = scheme === 'ed25519' ? null : scheme.endsWith('256') ? 'sha256' : 'sha384';
  const options: SignKeyObjectInput = scheme.startsWith('ecdsa')
    ? { key: secret, dsaEncoding: 'ieee-p1363' }
    : scheme === 'rsa-pss-sha384'
      ? { key: secret, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }
      : { key: secret };
  const signature = new Uint8Array(sign(digest, message, options));
  return { name: `${scheme} by a new ${key.kind} key`, key, scheme, message, signature };
}

const schemesOf: Readonly<Record<PublicKey['kind'], readonly SignatureScheme[]>> = {
  p256: ['ecdsa-sha256', 'ecdsa-sha384'],
  p384: ['ecdsa-sha384', 'ecdsa-sha256'],
  ed25519: ['ed25519'],
  rsa: ['rsa-sha256', 'rsa-sha384', 'rsa-pss-sha384'],
};

let fresh: Signed[] | undefined;

/** By keys made once in this process: those of RSA take a second. */
export function freshSignatures(): readonly Signed[] {
  fresh ??= makeSignatures();
  return fresh;
}

function makeSignatures(): Signed[] {
  const [p256, p384, ed25519] = [makeKey('p256'), makeKey('p384'), makeKey('ed25519')];
  const sizes = [2048, 2050, 3072].map((modulusLength) => makeKey('rsa', { modulusLength }));
  const odd = makeKey('rsa', { modulusLength: 2048, publicExponent: 3 });
  const messages = [new Uint8Array(0), utf8('a report'), new Uint8Array(5_000).fill(0xa5)];
  return [p256, p384, ed25519, ...sizes, odd].flatMap((pair) =>
    schemesOf[pair.key.kind].flatMap((scheme) => messages.map((message) => signWith(pair, scheme, message))),
  );
}

const vector = (name: string) => new URL(`../../../vectors/attestation/${name}`, import.meta.url);
const ratls = (name: string) => new URL(`../../transport/testing/ratls/${name}`, import.meta.url);

/** Chains of Intel (P-256), AMD (RSA-PSS), NVIDIA (P-384) and our own (Ed25519), each certificate under its issuer. */
export function certificateSignatures(): Signed[] {
  const collateral = JSON.parse(readFileSync(vector('tdx/collateral/90c06f-2026-01-12.json'), 'utf8'));
  const chains: Readonly<Record<string, string>> = {
    'the TCB chain of Intel': collateral['tcb_info_issuer_chain'],
    'the PCK CRL chain of Intel': collateral['pck_crl_issuer_chain'],
    'the chain of an AMD chip':
      readFileSync(vector('snp/gcp-v5-vmpl0-vcek.pem'), 'utf8') + readFileSync(vector('snp/milan-ask-ark.pem'), 'utf8'),
    'the chain of an H100': readFileSync(vector('nvidia/evidence/h100-550.90.07.chain.pem'), 'utf8'),
    'a certificate of ours': readFileSync(ratls('fake-good.pem'), 'utf8'),
  };
  return Object.entries(chains).flatMap(([name, pem]) => {
    const certificates = readPemCertificates(pem).map(readCertificate);
    return certificates.map((certificate, i): Signed => {
      const { scheme, signed: message, signature } = certificate;
      const { publicKey: key } = certificates[i + 1] ?? certificate;
      if (key === undefined || scheme === undefined) throw new TypeError(`${name}: certificate ${i} cannot be used`);
      return { name: `${scheme} in ${name}, certificate ${i}`, key, scheme, message, signature };
    });
  });
}
