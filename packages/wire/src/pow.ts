/**
 * The puzzle a dialler solves before TLS: find a nonce so that SHA-256(salt ‖ nonce as 8 little-endian bytes), its first
 * eight bytes read as one **little-endian** number, starts with `difficulty` zero bits. So the zeros start in byte 7.
 * Source: net/ProxyProtocol of the C++ programs; their comment describes plain leading zeros, x86 does the above.
 */
import { hash } from 'node:crypto';
import { Reader, Writer } from './bytes.ts';
import { WireError } from './errors.ts';
import { compress } from './sha256-block.ts';

const CHALLENGE = 0x418e1291;
const RESPONSE = 0x01827319;
const SALT_SIZE = 16;
/** Bytes of a challenge and of a response on the wire. */
export const POW_CHALLENGE_SIZE = 24;
export const POW_RESPONSE_SIZE = 12;
/** More zero bits than a number of 64 bits has can never be met. */
const MAX_DIFFICULTY = 64;

/** What the accepting side sends first: `difficulty` in zero bits, 0..64, and 16 random bytes. */
export interface PowChallenge {
  readonly difficulty: number;
  readonly salt: Uint8Array;
}

/** What the dialler answers. `nonce` is a signed 64-bit number, as it travels. */
export interface PowResponse {
  readonly nonce: bigint;
}

export function encodePowChallenge({ difficulty, salt }: PowChallenge): Buffer {
  if (!(difficulty >= 0 && difficulty <= MAX_DIFFICULTY)) throw new RangeError(`not a difficulty: ${difficulty}`);
  const to = new Writer(Buffer.alloc(POW_CHALLENGE_SIZE));
  to.uint32(CHALLENGE);
  to.int32(difficulty);
  to.raw(salt, SALT_SIZE);
  return to.bytes;
}

/** @throws {WireError} `WIRE_UNKNOWN_TAG`, `WIRE_BAD_VALUE` for a difficulty outside 0..64, `WIRE_TRUNCATED`, `WIRE_TRAILING` */
export function decodePowChallenge(bytes: Uint8Array): PowChallenge & { readonly salt: Buffer } {
  const from = open(bytes, CHALLENGE, POW_CHALLENGE_SIZE);
  const difficulty = from.int32();
  if (difficulty < 0 || difficulty > MAX_DIFFICULTY) {
    throw new WireError('WIRE_BAD_VALUE', `a puzzle of ${difficulty} bits`, { difficulty });
  }
  return { difficulty, salt: from.raw(SALT_SIZE) };
}

export function encodePowResponse({ nonce }: PowResponse): Buffer {
  const to = new Writer(Buffer.alloc(POW_RESPONSE_SIZE));
  to.uint32(RESPONSE);
  to.int64(nonce);
  return to.bytes;
}

/** @throws {WireError} `WIRE_UNKNOWN_TAG`, `WIRE_TRUNCATED`, `WIRE_TRAILING` */
export function decodePowResponse(bytes: Uint8Array): PowResponse {
  return { nonce: open(bytes, RESPONSE, POW_RESPONSE_SIZE).int64() };
}

function open(bytes: Uint8Array, wanted: number, size: number): Reader {
  const from = new Reader(bytes);
  const tag = from.uint32();
  if (tag !== wanted) throw new WireError('WIRE_UNKNOWN_TAG', 'not a message of the puzzle', { tag });
  if (bytes.length < size) throw new WireError('WIRE_TRUNCATED', 'a message of the puzzle ends early');
  if (bytes.length > size) throw new WireError('WIRE_TRAILING', 'bytes behind a message of the puzzle');
  return from;
}

/** Whether `nonce` solves the puzzle; any that does is as good as the smallest. Costs one hash. */
export function checkPow(salt: Uint8Array, nonce: bigint, difficulty: number): boolean {
  const to = new Writer(Buffer.alloc(SALT_SIZE + 8));
  to.raw(salt, SALT_SIZE);
  to.int64(nonce);
  const digest = hash('sha256', to.bytes, 'buffer');
  return zeroBits(digest.readUInt32LE(4), digest.readUInt32LE(0)) >= difficulty;
}

/**
 * The smallest nonce from `minNonce` on that solves the puzzle. Blocks for about 2^difficulty hashes: 20 bits take a
 * second or so, 28 bits minutes; run it in a worker thread.
 * @throws {WireError} `WIRE_POW_UNSOLVED` when there is none up to `maxNonce`
 */
export function solvePow(
  salt: Uint8Array,
  difficulty: number,
  {
    minNonce = 0n,
    maxNonce = BigInt(Number.MAX_SAFE_INTEGER),
  }: { readonly minNonce?: bigint; readonly maxNonce?: bigint } = {},
): bigint {
  const digest = new Int32Array(2);
  const block = new Int32Array(64);
  const view = new DataView(salt.buffer, salt.byteOffset, SALT_SIZE);
  for (let i = 0; i < 4; i++) block[i] = view.getInt32(4 * i);
  block[6] = 0x80000000; // the padding of a message of 24 bytes
  block[15] = 8 * (SALT_SIZE + 8);
  const last = Math.min(Number(maxNonce), Number.MAX_SAFE_INTEGER);
  for (let nonce = Number(minNonce); nonce <= last; nonce++) {
    block[4] = swap(nonce | 0);
    block[5] = swap((nonce / 2 ** 32) | 0);
    compress(block, digest);
    if (zeroBits(swap(digest[1]!), swap(digest[0]!)) >= difficulty) return BigInt(nonce);
  }
  throw new WireError('WIRE_POW_UNSOLVED', `no nonce up to ${maxNonce} has ${difficulty} zero bits`, { difficulty });
}

/** Leading zero bits of the 64-bit number with these halves. */
export function zeroBits(high: number, low: number): number {
  return high !== 0 ? Math.clz32(high) : 32 + Math.clz32(low);
}

function swap(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
