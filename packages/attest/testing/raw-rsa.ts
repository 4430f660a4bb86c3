/** RSA keys of any length, which OpenSSL does not make, and signatures over texts that no honest signer would write. */
import { generatePrimeSync } from 'node:crypto';
import { concat, utf8 } from '../src/bytes.ts';
import { modularPower } from '../src/crypto/modular.ts';
import type { AttestCrypto, PublicKey } from '../src/crypto/port.ts';
import { bytesOf, numberOf } from './bad-keys.ts';

const EXPONENT = 65_537n;

export interface RawKey {
  readonly key: PublicKey & { kind: 'rsa' };
  readonly bits: number;
  /** Signs the text as it stands, without padding. @returns undefined for a text that is not below the modulus */
  sign(text: Uint8Array): Uint8Array | undefined;
}

export function makeRawKey(bits: number): RawKey {
  const prime = (length: number) => generatePrimeSync(length, { bigint: true });
  for (;;) {
    const [p, q] = [prime(Math.ceil(bits / 2)), prime(Math.floor(bits / 2))];
    const n = p * q;
    const order = (p - 1n) * (q - 1n);
    if (n.toString(2).length !== bits || order % EXPONENT === 0n) continue;
    const secret = inverse(EXPONENT, order);
    const size = Math.ceil(bits / 8);
    return {
      key: { kind: 'rsa', modulus: bytesOf(n, size), exponent: bytesOf(EXPONENT, 3) },
      bits,
      sign: (text) => (numberOf(text) < n ? bytesOf(modularPower(numberOf(text), secret, n), size) : undefined),
    };
  }
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [value, modulus, 1n, 0n];
  while (b !== 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y];
  return ((x % modulus) + modulus) % modulus;
}

export interface PssTwist {
  readonly separator?: number;
  readonly trailer?: number;
  /** First byte of the zeros before the separator. */
  readonly filling?: number;
  /** Sets the highest of the bits that must be zero in the first byte of the text, or the byte before it. */
  readonly high?: boolean;
}

/** EMSA-PSS with SHA-384 and a salt of 48 zero bytes, as many bytes as the modulus has. */
export function pssText(message: string, bits: number, twist: PssTwist, crypto: AttestCrypto): Uint8Array {
  const hash = (bytes: Uint8Array) => crypto.hash('sha384', bytes);
  const [size, whole] = [Math.ceil((bits - 1) / 8), Math.ceil(bits / 8)];
  const salt = new Uint8Array(48);
  const seed = hash(concat(new Uint8Array(8), hash(utf8(message)), salt));
  const block = concat(new Uint8Array(size - 98), Uint8Array.of(twist.separator ?? 1), salt);
  block[1] = twist.filling ?? 0;
  const mask = concat(
    ...Array.from({ length: Math.ceil(block.length / 48) }, (_, i) => hash(concat(seed, Uint8Array.of(0, 0, 0, i)))),
  );
  const masked = block.map((byte, i) => byte ^ (mask[i] as number));
  masked[0] = (masked[0] as number) & (0xff >> (8 * size - (bits - 1)));
  const text = concat(new Uint8Array(whole - size), masked, seed, Uint8Array.of(twist.trailer ?? 0xbc));
  if (twist.high) text[0] = whole > size ? 1 : (text[0] as number) | (1 << ((bits - 1) % 8));
  return text;
}
