/**
 * Root of the dm-verity hash tree over a stream: hash type 1, SHA-256, blocks of 4096 bytes for data and hashes, as
 * `veritysetup format` makes it. The tree is not kept: one block a level is, so 8 blocks cover 2^63 bytes.
 * Source: the kernel's admin-guide/device-mapper/verity.rst.
 */
import type { AttestCrypto } from '../crypto/port.ts';
import { MalformedError } from '../malformed.ts';

export const VERITY_BLOCK = 4096;

/**
 * @param data whole blocks in all, cut anywhere; a chunk is used until the next one is asked for
 * @param salt goes before each block that is hashed
 * @returns 32 bytes. One block of data has no tree: its own hash is the root
 * @throws {MalformedError} no data, or no whole number of blocks
 */
export async function verityRoot(
  data: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { salt, crypto }: { readonly salt: Uint8Array; readonly crypto: AttestCrypto },
): Promise<Uint8Array> {
  const block = new SaltedBlock(salt);
  const tree = new Tree(salt, crypto);
  for await (const chunk of data) {
    for (let at = 0; at < chunk.length; ) {
      at += block.fill(chunk.subarray(at));
      if (block.isFull) tree.add(block.hash(crypto));
    }
  }
  if (!block.isEmpty) throw new MalformedError('the data is not a whole number of blocks of 4096 bytes');
  return tree.root();
}

/** A block that is being filled, behind the salt. */
class SaltedBlock {
  readonly #bytes: Uint8Array;
  readonly #start: number;
  #at: number;

  constructor(salt: Uint8Array) {
    this.#bytes = new Uint8Array(salt.length + VERITY_BLOCK);
    this.#bytes.set(salt);
    this.#start = salt.length;
    this.#at = this.#start;
  }

  get isEmpty(): boolean {
    return this.#at === this.#start;
  }

  get isFull(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** @returns how many of the bytes went in */
  fill(bytes: Uint8Array): number {
    const taken = bytes.subarray(0, this.#bytes.length - this.#at);
    this.#bytes.set(taken, this.#at);
    this.#at += taken.length;
    return taken.length;
  }

  /** Hashes the block, zeros where it was not filled, and empties it. */
  hash(crypto: AttestCrypto): Uint8Array {
    this.#bytes.fill(0, this.#at);
    this.#at = this.#start;
    return crypto.hash('sha256', this.#bytes);
  }
}

/** Levels from the leaves up. A full block is hashed when the next digest comes, so that the top one stays for the root. */
class Tree {
  readonly #salt: Uint8Array;
  readonly #crypto: AttestCrypto;
  readonly #levels: SaltedBlock[] = [];
  /** The first digest, as long as it is the only one. */
  #only: Uint8Array | undefined;

  constructor(salt: Uint8Array, crypto: AttestCrypto) {
    this.#salt = salt;
    this.#crypto = crypto;
  }

  add(digest: Uint8Array): void {
    this.#only = this.#levels.length === 0 ? digest : undefined;
    this.#put(0, digest);
  }

  root(): Uint8Array {
    if (this.#only !== undefined) return this.#only;
    if (this.#levels.length === 0) throw new MalformedError('there is no data');
    for (let level = 0; level < this.#levels.length - 1; level++) {
      this.#put(level + 1, (this.#levels[level] as SaltedBlock).hash(this.#crypto)); // below the length
    }
    return (this.#levels.at(-1) as SaltedBlock).hash(this.#crypto);
  }

  #put(level: number, digest: Uint8Array): void {
    let block = this.#levels[level];
    if (block === undefined) {
      block = new SaltedBlock(this.#salt);
      this.#levels.push(block);
    }
    if (block.isFull) this.#put(level + 1, block.hash(this.#crypto));
    block.fill(digest);
  }
}
