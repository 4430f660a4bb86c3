/**
 * A machine that only plays to be confidential, for networks on a desk. Its key is endorsed by a root made for that
 * network, its evidence is of a kind of its own, and no policy for real enclaves looks at it.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { type EvidenceItem, endorsementOf, type SimulatedPlatform, writeSimulated } from '@bombyx/attest';
import { EvidenceError, errnoOf } from '../errors.ts';
import { writeFirst, writeWhole } from '../files.ts';
import { type EvidenceProvider, exactly, type MachineRequest } from './provider.ts';

const ROOT_FILE = 'simulated-root.key';
const MAX_KEY_FILE_BYTES = 16_384;
const FIX = 'make it again with createSimulatedMachine, and keep it to its owner (mode 0600)';

export interface SimulatedRoot {
  readonly folder: string;
  /** Ed25519, 32 bytes: what a policy lists. */
  readonly publicKey: Uint8Array;
}

/**
 * Makes the root of a local network in `folder`, or gives the one that is there.
 * @throws {EvidenceError} `SIMULATED_KEY` for a key file that is malformed, or open to others
 */
export async function createSimulatedRoot(folder: string): Promise<SimulatedRoot> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { privateKey } = generateKeyPairSync('ed25519');
  await writeFirst(join(folder, ROOT_FILE), pemOf(privateKey), 0o600);
  return { folder, publicKey: rawPublic(await readKey(join(folder, ROOT_FILE))) };
}

export interface SimulatedMachineOptions {
  /** Folder of the root. */
  readonly root: string;
  /** Key file to write; what stands there is replaced by a new machine. */
  readonly file: string;
  /** 48 bytes that stand for what a real machine measures. */
  readonly measurement: Uint8Array;
}

/** @throws {EvidenceError} `SIMULATED_KEY` without a sound root. @throws {RangeError} for a measurement of another size */
export async function createSimulatedMachine({ root, file, measurement }: SimulatedMachineOptions): Promise<void> {
  const rootKey = await readKey(join(root, ROOT_FILE));
  const { privateKey } = generateKeyPairSync('ed25519');
  const platformKey = rawPublic(privateKey);
  const content = {
    version: 1,
    root: hex(rawPublic(rootKey)),
    endorsement: hex(sign(null, endorsementOf(platformKey), rootKey)),
    measurement: hex(exactly(48, measurement, 'measurement')),
    privateKey: pemOf(privateKey),
  };
  await writeWhole(file, `${JSON.stringify(content, undefined, 2)}\n`, 0o600);
}

class SimulatedMachine implements EvidenceProvider {
  readonly kind = 'simulated';
  readonly #platform: SimulatedPlatform;
  readonly #measurement: Uint8Array;
  readonly #key: KeyObject;

  constructor(platform: SimulatedPlatform, measurement: Uint8Array, key: KeyObject) {
    this.#platform = platform;
    this.#measurement = measurement;
    this.#key = key;
  }

  async collect({ reportData, signal }: MachineRequest): Promise<EvidenceItem[]> {
    const asked = exactly(64, reportData, 'report data');
    signal.throwIfAborted();
    const data = writeSimulated(this.#platform, this.#measurement, asked, (bytes) => sign(null, bytes, this.#key));
    return [{ kind: this.kind, data }];
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** @throws {EvidenceError} `SIMULATED_KEY` for a key file that is missing, malformed, or open to others */
export async function openSimulatedMachine(file: string): Promise<EvidenceProvider> {
  const text = await readSecret(file);
  try {
    const content = JSON.parse(text) as Record<string, unknown>;
    if (content['version'] !== 1) throw new RangeError(`version ${String(content['version'])}`);
    const key = privateKey(content['privateKey']);
    const platform: SimulatedPlatform = {
      root: bytes(content['root'], 32),
      platformKey: rawPublic(key),
      endorsement: bytes(content['endorsement'], 64),
    };
    return new SimulatedMachine(platform, bytes(content['measurement'], 48), key);
  } catch {
    // without its cause: what a JSON parser complains about quotes the file
    throw new EvidenceError('SIMULATED_KEY', `${file} is no key of a simulated machine; ${FIX}`);
  }
}

async function readKey(file: string): Promise<KeyObject> {
  const text = await readSecret(file);
  try {
    return privateKey(text);
  } catch (cause) {
    throw new EvidenceError('SIMULATED_KEY', `${file} is no Ed25519 key`, {}, { cause });
  }
}

/** A file that only its owner may read. */
async function readSecret(path: string): Promise<string> {
  let mode: number;
  let text: string;
  try {
    const file = await open(path, 'r');
    try {
      mode = (await file.stat()).mode;
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_KEY_FILE_BYTES));
      text = buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new EvidenceError('SIMULATED_KEY', `${path} cannot be read: ${errnoOf(cause)}`, {}, { cause });
  }
  if ((mode & 0o077) === 0) return text;
  throw new EvidenceError('SIMULATED_KEY', `${path} is open to others; ${FIX}`, { mode: mode & 0o777 });
}

function privateKey(pem: unknown): KeyObject {
  if (typeof pem !== 'string') throw new TypeError('no key');
  const key = createPrivateKey(pem);
  if (key.asymmetricKeyType !== 'ed25519') throw new TypeError(`a key of type ${key.asymmetricKeyType}`);
  return key;
}

function rawPublic(key: KeyObject): Uint8Array {
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  return Uint8Array.from(Buffer.from(x ?? '', 'base64url'));
}

function pemOf(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'pkcs8' }).toString();
}

function hex(value: Uint8Array): string {
  return Buffer.from(value).toString('hex');
}

function bytes(value: unknown, size: number): Uint8Array {
  if (typeof value !== 'string' || !/^[0-9a-f]*$/.test(value)) throw new TypeError('not hex');
  return exactly(size, Buffer.from(value, 'hex'), 'field');
}
