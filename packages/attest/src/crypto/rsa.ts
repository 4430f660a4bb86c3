/** Verification of RSA signatures, PKCS #1 v1.5 and PSS, where no OpenSSL is at hand. Source: RFC 8017, §8.1.2 and §8.2.2. */
import { allZero, concat, equalBytes, fromHex, toHex } from '../bytes.ts';
import { modularPower } from './modular.ts';

/** RSAVP1. @returns as many bytes as the modulus has, or undefined for a signature of another length or not below it */
export function openRsa(modulus: Uint8Array, exponent: Uint8Array, signature: Uint8Array): Uint8Array | undefined {
  if (signature.length !== modulus.length) return undefined;
  const [n, e, s] = [modulus, exponent, signature].map((bytes) => BigInt(`0x${toHex(bytes)}`)) as [
    bigint,
    bigint,
    bigint,
  ];
  if (s >= n) return undefined;
  return fromHex(
    modularPower(s, e, n)
      .toString(16)
      .padStart(2 * modulus.length, '0'),
  );
}

/** DigestInfo up to the digest: one encoding, NULL parameters included. */
const digestInfo = {
  sha256: fromHex('3031300d060960864801650304020105000420'),
  sha384: fromHex('3041300d060960864801650304020205000430'),
} as const;

/** Builds the one text that is right and compares: nothing in it is parsed, so nothing can be hidden in it. */
export function isPkcs1(opened: Uint8Array, name: keyof typeof digestInfo, digest: Uint8Array): boolean {
  const tail = concat(digestInfo[name], digest);
  const filling = new Uint8Array(opened.length - tail.length - 3).fill(0xff);
  return equalBytes(opened, concat(Uint8Array.of(0, 1), filling, Uint8Array.of(0), tail));
}

/**
 * EMSA-PSS with MGF1 and a salt as long as the digest.
 * @param modulusBits exact length of the modulus
 */
export function isPss(
  opened: Uint8Array,
  modulusBits: number,
  digest: Uint8Array,
  hash: (bytes: Uint8Array) => Uint8Array,
): boolean {
  const bits = modulusBits - 1;
  const size = Math.ceil(bits / 8);
  const text = opened.subarray(opened.length - size);
  if (!allZero(opened.subarray(0, opened.length - size)) || text.at(-1) !== 0xbc) return false;
  const masked = text.subarray(0, size - digest.length - 1);
  const seed = text.subarray(masked.length, size - 1);
  const unused = 0xff >> (8 * size - bits);
  if ((masked[0] as number) > unused) return false; // bits above the text must be zero before they are unmasked
  const mask = mgf1(seed, masked.length, hash);
  const block = masked.map((byte, i) => byte ^ (mask[i] as number)); // mgf1 gives as many bytes as asked for
  block[0] = (block[0] as number) & unused;
  const start = block.length - digest.length - 1;
  if (!allZero(block.subarray(0, start)) || block[start] !== 1) return false;
  return equalBytes(seed, hash(concat(new Uint8Array(8), digest, block.subarray(start + 1))));
}

function mgf1(seed: Uint8Array, length: number, hash: (bytes: Uint8Array) => Uint8Array): Uint8Array {
  const mask = new Uint8Array(length);
  for (let at = 0, counter = 0; at < length; counter++) {
    const part = hash(concat(seed, Uint8Array.of(0, 0, counter >> 8, counter & 0xff)));
    mask.set(part.subarray(0, length - at), at);
    at += part.length;
  }
  return mask;
}
