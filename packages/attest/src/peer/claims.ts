/** What a part says about itself under the protection of its evidence. Source: attestation.md §20.1, step 4. */
import { toHex } from '../bytes.ts';
import { MalformedError } from '../malformed.ts';
import { decodeCanonical, encodeCanonical, Fields } from './cbor.ts';

export type PartRole = 'client' | 'proxy' | 'worker';
const roles: readonly string[] = ['client', 'proxy', 'worker'] satisfies readonly PartRole[];

/** Largest encoding, in bytes. */
export const MAX_CLAIMS_BYTES = 4_096;
/** Most GPUs (and switches) of one machine. */
export const MAX_GPUS = 16;
const MAX_TOKENS = 64;
const MAX_TEXT_BYTES = 512;
const HASH_BYTES = 32;

export interface Claims {
  readonly version: 2;
  readonly role: PartRole;
  /** Ed25519 key of the TLS certificate, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Seconds since the epoch. */
  readonly notBeforeSec: number;
  readonly notAfterSec: number;
  readonly imageVersion: string;
  /** SHA-256 of the launch specification. */
  readonly specHash?: Uint8Array;
  /** `name@commit:hash`. */
  readonly model?: string;
  /** SHA-256 of each GPU evidence shown, in ascending order. */
  readonly gpuDigests: readonly Uint8Array[];
  /** 32 random bytes of the machine, where GPU evidence was made before the connection. */
  readonly gpuNonce?: Uint8Array;
  /** X25519 key that prompts are sealed to, 32 bytes. */
  readonly promptKey?: Uint8Array;
  /** Account address of who runs the machine; empty: not told. */
  readonly owner: string;
  /** SHA-256 that names the platform, as the vendor's evidence gives it. */
  readonly platform?: Uint8Array;
}

/** @throws {MalformedError} what {@link decodeClaims} would refuse, so that we notice before a peer does */
export function encodeClaims(claims: Claims): Uint8Array {
  const gpuDigests = claims.gpuDigests.toSorted((a, b) => (toHex(a) < toHex(b) ? -1 : 1));
  const bytes = encodeCanonical({ ...claims, gpuDigests });
  decodeClaims(bytes);
  return bytes;
}

/** Inverse of {@link encodeClaims}. @throws {MalformedError} anything else than its one encoding */
export function decodeClaims(bytes: Uint8Array): Claims {
  const fields = new Fields(decodeCanonical(bytes, MAX_CLAIMS_BYTES, MAX_TOKENS), 'claims');
  const version = fields.uint('version');
  if (version !== 2) throw new MalformedError(`claims of version ${version}, not 2`);
  const role = fields.text('role', 8);
  if (!roles.includes(role)) throw new MalformedError('claims of an unknown role');
  const optionalHash = <Key extends 'specHash' | 'gpuNonce' | 'promptKey' | 'platform'>(key: Key) =>
    fields.has(key) ? ({ [key]: fields.bytes(key, HASH_BYTES) } as { readonly [K in Key]: Uint8Array }) : {};
  const claims: Claims = {
    version,
    role: role as PartRole, // one of `roles`
    publicKey: fields.bytes('publicKey', 32),
    notBeforeSec: fields.uint('notBeforeSec'),
    notAfterSec: fields.uint('notAfterSec'),
    imageVersion: fields.text('imageVersion', MAX_TEXT_BYTES),
    ...optionalHash('specHash'),
    ...(fields.has('model') ? { model: fields.text('model', MAX_TEXT_BYTES, 1) } : {}),
    gpuDigests: readDigests(fields.list('gpuDigests', MAX_GPUS)),
    ...optionalHash('gpuNonce'),
    ...optionalHash('promptKey'),
    owner: fields.text('owner', MAX_TEXT_BYTES),
    ...optionalHash('platform'),
  };
  fields.end();
  return claims;
}

/** One order, and none twice: a set has one encoding. */
function readDigests(list: readonly unknown[]): Uint8Array[] {
  let last = '';
  return list.map((digest) => {
    if (!(digest instanceof Uint8Array) || digest.length !== HASH_BYTES)
      throw new MalformedError('claims: a GPU digest is not 32 bytes');
    const hex = toHex(digest);
    if (hex <= last) throw new MalformedError('claims: GPU digests are not in ascending order');
    last = hex;
    return digest;
  });
}
