import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/**
 * The secrets of short authentication, one per proxy contract: what one proxy learns opens no other one.
 * Never empty: the C++ client with its shipped configuration publishes SHA-256 of nothing, and whoever knows its
 * wallet address can spend its balance.
 */
export class Secrets {
  readonly #configured: Buffer;
  readonly #base: Buffer;

  /** @param configured `secret_string`; empty: `random` (32 bytes or more) takes its place */
  constructor(configured: string, random: Uint8Array) {
    this.#configured = Buffer.from(configured);
    this.#base = this.#configured.length > 0 ? this.#configured : Buffer.from(random);
    if (this.#base.length === 0) throw new RangeError('a secret needs random bytes');
  }

  /** The secret whose hash belongs into the client contract of this proxy. @param proxyContract its address as text */
  of(proxyContract: string): Buffer {
    return createHmac('sha256', this.#base).update(`bombyx client secret\n${proxyContract}`).digest();
  }

  /**
   * The secret that opens `secretHash`, a SHA-256, at this proxy: ours, or the configured string itself where a C++
   * client with the same configuration registered it. Nothing opens the hash of the empty string.
   * @returns undefined when neither fits: then the long form is due
   */
  answering(secretHash: Buffer, proxyContract: string): Buffer | undefined {
    return [this.of(proxyContract), this.#configured].find((secret) => secret.length > 0 && opens(secret, secretHash));
  }
}

function opens(secret: Buffer, hash: Buffer): boolean {
  const own = createHash('sha256').update(secret).digest();
  return own.length === hash.length && timingSafeEqual(own, hash);
}
