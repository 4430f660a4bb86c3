/** The identity of a model: `repository@commit:hash`, the hash being the dm-verity root of its archive. */
import { fromHex, toHex, utf8 } from '../bytes.ts';
import type { AttestCrypto } from '../crypto/port.ts';
import { MalformedError } from '../malformed.ts';
import { type FolderEntry, tarOf } from './tar.ts';
import { VERITY_BLOCK, verityRoot } from './verity.ts';

/** Salt of every verity tree of the reference, the one of its root file system included. */
export const VERITY_SALT: Uint8Array = fromHex('00010203040506070809101a1b1c1d1e1f');

/** The verity root of a model's archive, 32 bytes. @throws {MalformedError} as {@link tarOf} */
export function modelRoot(entries: readonly FolderEntry[], crypto: AttestCrypto): Promise<Uint8Array> {
  return verityRoot(padded(tarOf(entries)), { salt: VERITY_SALT, crypto });
}

/** `build-model` always adds zeros, 1 to 4096 of them: a whole block to an archive that needs none. */
async function* padded(archive: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let length = 0;
  for await (const chunk of archive) {
    length += chunk.length;
    yield chunk;
  }
  yield new Uint8Array(VERITY_BLOCK - (length % VERITY_BLOCK));
}

export interface ModelName {
  /** As the repository is called where it comes from: `Qwen/Qwen3-8B`. */
  readonly repository: string;
  readonly commit: string;
  /** 32 bytes. */
  readonly root: Uint8Array;
}

/** @throws {MalformedError} anything but `repository@commit:hash` with the hash in 64 lower-case digits */
export function readModelName(text: string): ModelName {
  const [, repository, commit, root] = /^([^@\s]+)@([^@:\s]+):([0-9a-f]{64})$/.exec(text) ?? [];
  if (repository === undefined || commit === undefined || root === undefined) {
    throw new MalformedError('not a model name: repository@commit:hash');
  }
  return { repository, commit, root: fromHex(root) };
}

/** Inverse of {@link readModelName}. */
export function modelName({ repository, commit, root }: ModelName): string {
  return `${repository}@${commit}:${toHex(root)}`;
}

/** What the root contract lists for a model: SHA-256 of its whole name. */
export function modelListHash(name: string, crypto: AttestCrypto): Uint8Array {
  return crypto.hash('sha256', utf8(name));
}
