/**
 * The key of a wallet on disk, under a passphrase.
 *
 *   {"format": "bombyx-wallet", "version": 1, "public_key": B64, "owner": "workchain:hex",
 *    "scrypt": {"n", "r", "p", "salt": B64}, "aes_256_gcm": {"nonce": B64, "tag": B64, "seed": B64}}
 *
 * AES-256-GCM under scrypt(passphrase in NFKC); the other members are authenticated with the seed, so that nobody turns
 * the file into one of another address. Address and balance are known without the passphrase.
 */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { bytes32, makeFolder } from '@bombyx/config';
import { type Address, parseAddress, privateKeyFromSeed, publicKeyBytes } from '@bombyx/ton';
import { z } from 'zod';
import { MoneyError } from './errors.ts';

/** What the file says without the passphrase. */
export interface KeyFile {
  /** 32 bytes, Ed25519. */
  readonly publicKey: Buffer;
  /** Who else commands the wallet: part of its address. */
  readonly owner: Address;
  readonly scrypt: ScryptCost & { readonly salt: Buffer };
  readonly sealed: { readonly nonce: Buffer; readonly tag: Buffer; readonly seed: Buffer };
}

export interface ScryptCost {
  /** A power of two; times r times 128 bytes of memory. */
  readonly n: number;
  readonly r: number;
  readonly p: number;
}

/** 128 MiB and about half a second: a guess costs as much. */
const COST: ScryptCost = { n: 2 ** 17, r: 8, p: 1 };
/** Beyond these a stranger's file would take our memory. */
const MAX_SCRYPT_BYTES = 512 * 2 ** 20;
const MAX_FILE_BYTES = 65_536;
const VERSION = 1;

const base64 = (size: number) =>
  z.base64().transform((text, context) => {
    const bytes = Buffer.from(text, 'base64');
    if (bytes.length === size) return bytes;
    context.addIssue({ code: 'custom', message: `must be ${size} bytes` });
    return z.NEVER;
  });
const Shape = z.strictObject({
  format: z.literal('bombyx-wallet'),
  version: z.literal(VERSION),
  public_key: bytes32,
  owner: z.string().regex(/^(?:0|-1):[0-9a-f]{64}$/),
  scrypt: z.strictObject({ n: z.int().min(2), r: z.int().min(1), p: z.int().min(1).max(16), salt: base64(16) }),
  aes_256_gcm: z.strictObject({ nonce: base64(12), tag: base64(16), seed: base64(32) }),
});

/** @param seed 32 bytes; @param cost only tests take a smaller one */
export async function sealKey(
  seed: Uint8Array,
  owner: Address,
  passphrase: string,
  cost: ScryptCost = COST,
): Promise<KeyFile> {
  const publicKey = publicKeyBytes(privateKeyFromSeed(seed));
  const scrypt = { ...cost, salt: randomBytes(16) };
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', await stretch(passphrase, scrypt), nonce);
  cipher.setAAD(boundTo({ publicKey, owner, scrypt }));
  const sealed = Buffer.concat([cipher.update(seed), cipher.final()]);
  return { publicKey, owner, scrypt, sealed: { nonce, tag: cipher.getAuthTag(), seed: sealed } };
}

/** @returns the 32-byte seed. @throws {MoneyError} `MONEY_PASSPHRASE` */
export async function openKey(file: KeyFile, passphrase: string): Promise<Buffer> {
  const { nonce, tag, seed } = file.sealed;
  const decipher = createDecipheriv('aes-256-gcm', await stretch(passphrase, file.scrypt), nonce, {
    authTagLength: 16,
  });
  decipher.setAAD(boundTo(file)).setAuthTag(tag);
  try {
    return Buffer.concat([decipher.update(seed), decipher.final()]);
  } catch (cause) {
    throw new MoneyError('MONEY_PASSPHRASE', 'the passphrase is wrong, or the key file was changed', {}, { cause });
  }
}

/**
 * Writes a new key file, for this user alone and whole or not at all, on disk when it returns.
 * @throws {MoneyError} `MONEY_KEY_FILE` when there is one already, or the system refuses
 */
export function writeKeyFile(path: string, file: KeyFile): void {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);
  try {
    makeFolder(dirname(path));
    const descriptor = openSync(temporary, 'wx', 0o600);
    try {
      writeSync(descriptor, `${JSON.stringify(jsonOf(file), null, 2)}\n`);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    try {
      linkSync(temporary, path); // unlike a rename, this never replaces a key
    } finally {
      unlinkSync(temporary);
    }
    syncFolder(dirname(path));
  } catch (cause) {
    const taken = (cause as NodeJS.ErrnoException).code === 'EEXIST';
    const message = taken
      ? `${path} holds a key already: name another file with --wallet FILE`
      : `the key file ${path} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new MoneyError('MONEY_KEY_FILE', message, {}, { cause });
  }
}

/** @throws {MoneyError} `MONEY_KEY_FILE` */
export function readKeyFile(path: string): KeyFile {
  return parseKeyFile(readText(path), path);
}

/** @param name of the file, for errors. @throws {MoneyError} `MONEY_KEY_FILE` and nothing else, whatever the text is */
export function parseKeyFile(text: string, name: string): KeyFile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw damaged(name, 'it is not JSON', cause);
  }
  const version = z.object({ format: z.literal('bombyx-wallet'), version: z.int().min(VERSION + 1) }).safeParse(json);
  if (version.success) {
    const message = `the key file ${name} has version ${version.data.version}, newer than this program: update it`;
    throw new MoneyError('MONEY_KEY_FILE', message, { version: version.data.version });
  }
  const read = Shape.safeParse(json);
  if (!read.success) throw damaged(name, `"${read.error.issues[0]?.path.join('.') ?? ''}" is wrong`, read.error);
  const { public_key: publicKey, owner, scrypt, aes_256_gcm: sealed } = read.data;
  const powerOfTwo = Number.isInteger(Math.log2(scrypt.n));
  if (!powerOfTwo || 128 * scrypt.n * scrypt.r > MAX_SCRYPT_BYTES) throw damaged(name, '"scrypt" is out of bounds');
  return { publicKey, owner: parseAddress(owner), scrypt, sealed };
}

/** Makes a new name in it durable, where folders can be opened. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}

function readText(path: string): string {
  try {
    const descriptor = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(MAX_FILE_BYTES);
      return bytes.subarray(0, readSync(descriptor, bytes)).toString('utf8');
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const message = missing
      ? `there is no key file ${path}: make one with "bombyx wallet create", or name it with --wallet FILE`
      : `the key file ${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new MoneyError('MONEY_KEY_FILE', message, {}, { cause });
  }
}

function damaged(name: string, why: string, cause?: unknown): MoneyError {
  const message = `${name} is no key file, or it is damaged: ${why}; restore it, or make it anew from its 24 words`;
  return new MoneyError('MONEY_KEY_FILE', message, {}, { cause });
}

function jsonOf({ publicKey, owner, scrypt, sealed }: KeyFile): z.input<typeof Shape> {
  const { n, r, p, salt } = scrypt;
  return {
    format: 'bombyx-wallet',
    version: VERSION,
    public_key: publicKey.toString('base64'),
    owner: owner.toRawString(),
    scrypt: { n, r, p, salt: salt.toString('base64') },
    aes_256_gcm: {
      nonce: sealed.nonce.toString('base64'),
      tag: sealed.tag.toString('base64'),
      seed: sealed.seed.toString('base64'),
    },
  };
}

/** What is authenticated beside the seed. */
function boundTo({ publicKey, owner, scrypt: { n, r, p } }: Pick<KeyFile, 'publicKey' | 'owner' | 'scrypt'>): Buffer {
  return Buffer.from(
    `bombyx-wallet ${VERSION} ${publicKey.toString('hex')} ${owner.toRawString()} scrypt ${n} ${r} ${p}`,
  );
}

const stretched = promisify<string, Buffer, number, object, Buffer>(scrypt);

function stretch(passphrase: string, { n, r, p, salt }: KeyFile['scrypt']): Promise<Buffer> {
  return stretched(passphrase.normalize('NFKC'), salt, 32, { N: n, r, p, maxmem: 2 * MAX_SCRYPT_BYTES });
}
