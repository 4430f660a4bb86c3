/**
 * The cryptography that verdicts need, behind a port: `node.ts` on OpenSSL, `web.ts` for pages. Both are synchronous, so
 * that a verdict is one pure function, and both run one test suite.
 */

export type HashName = 'sha1' | 'sha256' | 'sha384' | 'sha512';

/** A public key as its parts; each form has one encoding. All bytes big-endian. */
export type PublicKey =
  /** `point`: X ‖ Y, 64 or 96 bytes. */
  | { readonly kind: 'p256' | 'p384'; readonly point: Uint8Array }
  /** 32 bytes. */
  | { readonly kind: 'ed25519'; readonly bytes: Uint8Array }
  /** `modulus` and `exponent` without leading zeros. */
  | { readonly kind: 'rsa'; readonly modulus: Uint8Array; readonly exponent: Uint8Array };

/** ECDSA signatures are r ‖ s, each as wide as the curve; RSA-PSS has a salt as long as its hash. */
export type SignatureScheme =
  | 'ecdsa-sha256'
  | 'ecdsa-sha384'
  | 'ed25519'
  | 'rsa-pss-sha384'
  | 'rsa-sha256'
  | 'rsa-sha384';

/** A key made ready once and used often: making it ready costs more than one verification. */
export interface VerifyKey {
  readonly kind: PublicKey['kind'];
  /** @returns false for anything but a good signature, a scheme of another kind of key included; never throws */
  verify(scheme: SignatureScheme, message: Uint8Array, signature: Uint8Array): boolean;
}

export interface AttestCrypto {
  hash(name: HashName, bytes: Uint8Array): Uint8Array;
  /** @returns undefined when the parts are no key: a point off its curve, a modulus outside 2048…8192 bits */
  importKey(key: PublicKey): VerifyKey | undefined;
}

/** Which kind of key each scheme is for. */
export const keyKindOf: Readonly<Record<SignatureScheme, readonly PublicKey['kind'][]>> = {
  'ecdsa-sha256': ['p256', 'p384'],
  'ecdsa-sha384': ['p384', 'p256'],
  ed25519: ['ed25519'],
  'rsa-pss-sha384': ['rsa'],
  'rsa-sha256': ['rsa'],
  'rsa-sha384': ['rsa'],
};
