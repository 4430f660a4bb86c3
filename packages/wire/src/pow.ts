/**
 * The puzzle a dialler solves before TLS: find a nonce so that SHA-256(salt ‖ nonce as 8 little-endian bytes), its first
 * eight bytes read as one **little-endian** number, starts with `difficulty` zero bits. So the zeros start in byte 7.
 * Source: net/ProxyProtocol of the C++ programs; their comment describes plain leading zeros, x86 does the above.
 */
import { hash } from 'node:crypto';
import { Reader, Writer } from './bytes.ts';
import { WireError } from './errors.ts';

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
  const high = digest.readUInt32LE(4);
  return (high !== 0 ? Math.clz32(high) : 32 + Math.clz32(digest.readUInt32LE(0))) >= difficulty;
}

/**
 * The smallest nonce from `minNonce` on that solves the puzzle. Blocks for about 2^difficulty hashes: 20 bits take a
 * second or so, 28 bits minutes; run it in a worker thread.
 * @throws {WireError} `WIRE_POW_UNSOLVED` when there is none up to `maxNonce`
 */
export function solvePow(
  salt: Uint8Array,
  difficulty: number,
  { minNonce = 0n, maxNonce = 2n ** 53n - 1n }: { readonly minNonce?: bigint; readonly maxNonce?: bigint } = {},
): bigint {
  const block = new Int32Array(64);
  const view = new DataView(salt.buffer, salt.byteOffset, SALT_SIZE);
  for (let i = 0; i < 4; i++) block[i] = view.getInt32(4 * i);
  block[6] = 0x80000000; // the padding of a message of 24 bytes
  block[15] = 8 * (SALT_SIZE + 8);
  const last = Number(maxNonce);
  for (let nonce = Number(minNonce); nonce <= last; nonce++) {
    block[4] = swap(nonce | 0);
    block[5] = swap((nonce / 2 ** 32) | 0);
    compress(block);
    const high = swap(digestHead[1]!);
    const zeros = high !== 0 ? Math.clz32(high) : 32 + Math.clz32(swap(digestHead[0]!));
    if (zeros >= difficulty) return BigInt(nonce);
  }
  throw new WireError('WIRE_POW_UNSOLVED', `no nonce up to ${maxNonce} has ${difficulty} zero bits`, { difficulty });
}

function swap(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

/** Constants of SHA-256: fractional parts of the cube roots (K) and square roots (INITIAL) of the first primes. */
const primes = Array.from({ length: 312 }, (_, n) => n).filter(
  (n) => n > 1 && !Array.from({ length: n }, (_, d) => d).some((d) => d > 1 && n % d === 0),
);
const K = Int32Array.from(primes.slice(0, 64), (prime) => fraction(Math.cbrt(prime)));
const INITIAL = Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));
function fraction(root: number): number {
  return ((root % 1) * 2 ** 32) | 0;
}

/** First two words of the last digest: all that the puzzle looks at. */
const digestHead = new Int32Array(2);

/** SHA-256 of one block of 16 words in `w`, whose other 48 words are scratch. Leaves the result in `digestHead`. */
function compress(w: Int32Array): void {
  for (let t = 16; t < 64; t++) {
    const x = w[t - 15]!;
    const y = w[t - 2]!;
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    w[t] = (w[t - 16]! + s0 + w[t - 7]! + s1) | 0;
  }
  let a = INITIAL[0]!;
  let b = INITIAL[1]!;
  let c = INITIAL[2]!;
  let d = INITIAL[3]!;
  let e = INITIAL[4]!;
  let f = INITIAL[5]!;
  let g = INITIAL[6]!;
  let h = INITIAL[7]!;
  for (let t = 0; t < 64; t++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + (g ^ (e & (f ^ g))) + K[t]! + w[t]!) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) | (c & (a | b)))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  digestHead[0] = a + INITIAL[0]!;
  digestHead[1] = b + INITIAL[1]!;
}
