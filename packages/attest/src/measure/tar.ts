/**
 * Writes the archive that `build-model` of the reference makes, to the byte: GNU tar of a folder with `--sort=name
 * --format=posix`, no times, owner 0 and modes `go+u,go-w`. Pure: what lies in the folder is handed in.
 * Source: scripts/build-model of the reference; POSIX.1-2001 pax; for what POSIX leaves open, the output of GNU tar 1.34.
 */
import { concat, utf8 } from '../bytes.ts';
import { MalformedError } from '../malformed.ts';

const BLOCK = 512;
/** Blocks of a GNU tar record: an archive is a whole number of records. */
const RECORD = 20 * BLOCK;
const NAME_BYTES = 100;
/** Largest size in eleven octal digits. */
const MAX_OCTAL_SIZE = 8 ** 11 - 1;

/** What stands in a folder; links, devices and the like cannot be said. */
export type FolderEntry =
  | { readonly kind: 'folder'; readonly path: string; readonly mode: number }
  | {
      readonly kind: 'file';
      /** Names joined by `/`, from inside the folder: `config.json`, `sub/x`. The folder itself has the path `''`. */
      readonly path: string;
      /** Permission bits as `stat` gives them. */
      readonly mode: number;
      /** Bytes that `open` will give. */
      readonly size: number;
      open(): AsyncIterable<Uint8Array>;
    };

/**
 * @param entries in any order, each folder on the way included, the folder itself too
 * @yields the archive, its last record filled up
 * @throws {MalformedError} a path that is none, one that comes twice or has no folder; a file that is not as long as it
 *   was said to be
 */
export async function* tarOf(entries: readonly FolderEntry[]): AsyncGenerator<Uint8Array, void, undefined> {
  let written = 0;
  for (const entry of inOrder(entries)) {
    const header = headerOf(entry);
    yield header;
    written += header.length;
    if (entry.kind === 'folder') continue;
    yield* contentOf(entry);
    const filling = -entry.size & (BLOCK - 1);
    if (filling > 0) yield new Uint8Array(filling);
    written += entry.size + filling;
  }
  const end = written + 2 * BLOCK;
  yield new Uint8Array(Math.ceil(end / RECORD) * RECORD - written);
}

async function* contentOf({ path, size, open }: FolderEntry & { kind: 'file' }) {
  let seen = 0;
  for await (const part of open()) {
    seen += part.length;
    if (seen > size) break;
    yield part;
  }
  if (seen !== size) throw new MalformedError(`${path} changed while it was read`);
}

/** Depth first; inside a folder by the bytes of the names, as `strcmp` orders them. */
function inOrder(entries: readonly FolderEntry[]): readonly FolderEntry[] {
  const sorted = entries
    .map((entry) => ({ entry, names: namesOf(entry.path).map(utf8) }))
    .toSorted((a, b) => compareNames(a.names, b.names))
    .map(({ entry }) => entry);
  const folders = new Set<string>();
  let last: string | undefined;
  for (const { kind, path } of sorted) {
    if (path === last) throw new MalformedError(`${path} comes twice`);
    last = path;
    const above = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    if (path !== '' && !folders.has(above)) throw new MalformedError(`${path} stands in no folder`);
    if (kind === 'folder') folders.add(path);
    else if (path === '') throw new MalformedError('a folder is wanted, not a file');
  }
  if (!folders.has('')) throw new MalformedError('the folder itself is missing');
  return sorted;
}

function namesOf(path: string): readonly string[] {
  const names = path === '' ? [] : path.split('/');
  if (names.some((name) => name === '' || name === '.' || name === '..' || name.includes('\0'))) {
    throw new MalformedError(`not a path inside a folder: ${JSON.stringify(path)}`);
  }
  return names;
}

function compareNames(a: readonly Uint8Array[], b: readonly Uint8Array[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const difference = compareBytes(a[i] as Uint8Array, b[i] as Uint8Array); // below both lengths
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    if (a[i] !== b[i]) return (a[i] as number) - (b[i] as number); // below both lengths
  }
  return a.length - b.length;
}

/** The header of an entry, after a pax header for what does not fit into it. */
function headerOf(entry: FolderEntry): Uint8Array {
  const inside = entry.path === '' ? '.' : `./${entry.path}`;
  const name = utf8(entry.kind === 'folder' ? `${inside}/` : inside);
  const size = entry.kind === 'folder' ? 0 : entry.size;
  const records: Uint8Array[] = [];
  if (name.length > NAME_BYTES || name.some((byte) => byte > 0x7f)) records.push(paxRecord('path', name));
  if (size > MAX_OCTAL_SIZE) records.push(paxRecord('size', utf8(String(size))));
  const mode = entry.mode | ((entry.mode >> 3) & 0o070) | ((entry.mode >> 6) & 0o007); // go+u
  const own = block(name, mode & 0o7755, size > MAX_OCTAL_SIZE ? 0 : size, entry.kind === 'folder' ? '5' : '0');
  if (records.length === 0) return own;
  const pax = concat(...records);
  const slash = inside.lastIndexOf('/');
  const paxName = utf8(`${inside.slice(0, slash)}/PaxHeaders/${inside.slice(slash + 1)}`);
  return concat(block(paxName, 0o644, pax.length, 'x'), pax, new Uint8Array(-pax.length & (BLOCK - 1)), own);
}

/** `LENGTH KEY=VALUE\n`, where the length counts itself. */
function paxRecord(key: string, value: Uint8Array): Uint8Array {
  const rest = concat(utf8(` ${key}=`), value, utf8('\n'));
  let length = rest.length;
  while (rest.length + String(length).length !== length) length = rest.length + String(length).length;
  return concat(utf8(String(length)), rest);
}

/** @param size less than 8 GiB */
function block(name: Uint8Array, mode: number, size: number, type: '0' | '5' | 'x'): Uint8Array {
  const header = new Uint8Array(BLOCK);
  const put = (at: number, text: string) => header.set(utf8(text), at);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`;
  header.set(name.subarray(0, NAME_BYTES), 0);
  put(100, octal(mode, 7) + octal(0, 7) + octal(0, 7) + octal(size, 11) + octal(0, 11));
  put(148, ' '.repeat(8));
  put(156, type);
  put(257, 'ustar\u000000');
  if (type !== 'x') put(329, octal(0, 7) + octal(0, 7));
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(148, `${octal(sum, 6)} `);
  return header;
}
