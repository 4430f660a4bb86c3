/**
 * What a public key must be before either implementation of the port takes it. OpenSSL imports more than this, and a page's
 * library less: the rule stands here once, so that both answer the same. Points of P-256 and P-384 are left to them.
 */
import { toHex } from '../bytes.ts';
import { modularPower } from './modular.ts';
import type { PublicKey } from './port.ts';

/** Bytes of each coordinate. */
export const coordinateBytes = { p256: 32, p384: 48 } as const;

export function isSoundKey(key: PublicKey): boolean {
  switch (key.kind) {
    case 'p256':
    case 'p384':
      return key.point.length === 2 * coordinateBytes[key.kind];
    case 'ed25519':
      return isSoundEd25519(key.bytes);
    case 'rsa':
      return isSoundRsa(key.modulus, key.exponent);
  }
}

/** 2048…8192 bits, odd; exponent odd, 3…2^32−1. An exponent of 1 would make every text its own signature. */
function isSoundRsa(modulus: Uint8Array, exponent: Uint8Array): boolean {
  const [top, last] = [modulus[0], modulus.at(-1)];
  if (top === undefined || last === undefined || modulus.length > 1024 || top === 0 || last % 2 === 0) return false;
  if (modulus.length < 256 || (modulus.length === 256 && top < 0x80)) return false;
  if (exponent.length === 0 || exponent.length > 4 || exponent[0] === 0) return false;
  const value = exponent.reduce((sum, byte) => sum * 256 + byte, 0);
  return value >= 3 && value % 2 === 1;
}

const P = 2n ** 255n - 19n;
const D = ((P - 121665n) * modularPower(121666n, P - 2n, P)) % P;
/** Where the points of order 8 lie; those of order 1, 2 and 4 are at 1, −1 and 0. */
const ORDER_8 = 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n;
const weakY: ReadonlySet<bigint> = new Set([0n, 1n, P - 1n, ORDER_8, P - ORDER_8]);

/** On the curve, written the one way there is, and not of small order: such a key has signatures that fit any message. */
function isSoundEd25519(bytes: Uint8Array): boolean {
  if (bytes.length !== 32) return false;
  const y = BigInt(`0x${toHex(bytes.toReversed())}`) & (2n ** 255n - 1n);
  if (y >= P || weakY.has(y)) return false;
  const square = (y * y) % P; // x² = (y² − 1) / (d·y² + 1); a quotient is a square where the product is one
  const product = ((square - 1n) * (D * square + 1n)) % P;
  return modularPower(product, (P - 1n) / 2n, P) === 1n;
}
