/** Reads the signed tokens of NVIDIA's attestation service and the keys for them. Source: RFC 7515, 7517, 7518; ES384 only. */
import { concat, equalBytes, fromBase64, utf8 } from '../bytes.ts';
import type { AttestCrypto, VerifyKey } from '../crypto/port.ts';
import { MalformedError } from '../malformed.ts';
import { readCertificate } from '../x509/certificate.ts';
import { judgePath } from '../x509/path.ts';

/** Longest token read, in characters, and most keys of a set. */
export const MAX_TOKEN = 65_536;
const MAX_KEYS = 16;
const MAX_CERTIFICATES = 6;
const COORDINATE_BYTES = 48;
const SIGNATURE_BYTES = 96;

export type Claims = Readonly<Record<string, unknown>>;

export interface Token {
  readonly text: string;
  readonly algorithm: unknown;
  readonly keyId: unknown;
  readonly claims: Claims;
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

/** @throws {MalformedError} not three parts, or not JSON objects in the first two */
export function readToken(text: unknown): Token {
  if (typeof text !== 'string' || text.length > MAX_TOKEN) throw new MalformedError('token');
  const [header, payload, signature, ...rest] = text.split('.');
  if (header === undefined || payload === undefined || signature === undefined || rest.length > 0)
    throw new MalformedError('token does not have three parts');
  const { alg, kid, crit } = readObject(header);
  if (crit !== undefined) throw new MalformedError('token with critical header fields');
  return {
    text,
    algorithm: alg,
    keyId: kid,
    claims: readObject(payload),
    signed: utf8(`${header}.${payload}`),
    signature: fromBase64Url(signature),
  };
}

function readObject(part: string): Claims {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(fromBase64Url(part)));
  } catch {
    throw new MalformedError('part of a token is not JSON');
  }
  return objectOf(value);
}

export function objectOf(value: unknown): Claims {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new MalformedError('not an object');
  return value as Claims; // of JSON.parse, its values still unknown
}

/** Without padding, as tokens are. @throws {MalformedError} */
export function fromBase64Url(text: string): Uint8Array {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) throw new MalformedError('not base64url');
  const plain = text.replaceAll('-', '+').replaceAll('_', '/');
  return fromBase64(plain.padEnd(Math.ceil(plain.length / 4) * 4, '='));
}

export interface KeyOptions {
  readonly atMs: number;
  readonly crypto: AttestCrypto;
  /** DER. Keys then count only with certificates (`x5c`) that lead to it. */
  readonly root?: Uint8Array;
}

/**
 * @param jwks as JSON.parse gives it
 * @returns keys by their id: of P-384, and, where they have certificates, the key that the first of them is of
 * @throws {MalformedError} not a set of keys, one of them malformed, or an id twice
 */
export function readKeys(jwks: unknown, options: KeyOptions): ReadonlyMap<string, VerifyKey> {
  const { keys } = objectOf(jwks);
  if (!Array.isArray(keys) || keys.length > MAX_KEYS) throw new MalformedError('not a set of keys');
  const found = new Map<string, VerifyKey>();
  for (const item of keys) {
    const { kty, crv, x, y, kid, alg = 'ES384', use = 'sig', x5c } = objectOf(item);
    if (kty !== 'EC' || crv !== 'P-384' || alg !== 'ES384' || use !== 'sig') continue;
    if (typeof kid !== 'string' || found.has(kid)) throw new MalformedError('key without an id of its own');
    const point = concat(coordinate(x), coordinate(y));
    if (!hasCertificates(x5c, point, options)) continue;
    const key = options.crypto.importKey({ kind: 'p384', point });
    if (key !== undefined) found.set(kid, key);
  }
  return found;
}

function coordinate(text: unknown): Uint8Array {
  const bytes = typeof text === 'string' ? fromBase64Url(text) : undefined;
  if (bytes?.length !== COORDINATE_BYTES) throw new MalformedError('coordinate of a key');
  return bytes;
}

/** Certificates are optional as long as no root is asked for; a key that is not that of its certificate never counts. */
function hasCertificates(x5c: unknown, point: Uint8Array, { atMs, crypto, root }: KeyOptions): boolean {
  if (x5c === undefined) return root === undefined;
  if (!Array.isArray(x5c) || x5c.length === 0 || x5c.length > MAX_CERTIFICATES) throw new MalformedError('x5c');
  if (!x5c.every((text) => typeof text === 'string')) throw new MalformedError('x5c');
  const chain = x5c.map((text) => readCertificate(fromBase64(text)));
  const key = chain[0]?.publicKey;
  if (key?.kind !== 'p384' || !equalBytes(key.point, point)) return false;
  if (root === undefined) return true;
  return judgePath(chain, { isRoot: (der) => equalBytes(der, root), atMs, crypto }).faults.length === 0;
}

export function isSignedToken({ algorithm, signed, signature }: Token, key: VerifyKey | undefined): boolean {
  if (algorithm !== 'ES384' || signature.length !== SIGNATURE_BYTES) return false;
  return key?.verify('ecdsa-sha384', signed, signature) === true;
}
