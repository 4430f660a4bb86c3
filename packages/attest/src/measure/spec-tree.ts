/**
 * Hash of a COCOON specification: the id git gives the folder as a tree, in the object format of SHA-256. It stands in the
 * first line of RTMR3. Source: attestation.md §10; gitformat and `git hash-object`.
 */
import { concat, toHex, utf8 } from '../bytes.ts';
import type { AttestCrypto } from '../crypto/port.ts';
import type { Failure } from '../verdict.ts';
import { compareBytes } from './tar.ts';

const MAX_FILE_BYTES = 10_000_000;
const MAX_FILES = 10_000;
const MAX_DEPTH = 64;

export interface SpecFile {
  /** Names joined by `/`, from inside the folder. */
  readonly path: string;
  readonly executable: boolean;
  readonly content: Uint8Array;
}

export type SpecReason = 'SPEC_PATH' | 'SPEC_TOO_LARGE' | 'SPEC_DISAGREES';
export type SpecVerdict =
  | { readonly ok: true; readonly id: Uint8Array }
  | { readonly ok: false; readonly failures: readonly Failure<SpecReason>[] };

/** A folder in the making: names to what bears them. */
type Tree = Map<string, SpecFile | Tree>;

/**
 * @param files everything in the folder that git would not ignore: which files the `.gitignore`s name is for the caller to
 *   know. What the hash leaves out is left out here: top-level `runtime/`, `spec.tree` and `spec.meta`, every `.gitignore`
 * @returns 32 bytes; failures for paths that git would not keep, files above 10 MB, and a `spec.tree` that says otherwise
 */
export function specTreeId(files: readonly SpecFile[], crypto: AttestCrypto): SpecVerdict {
  const failures: Failure<SpecReason>[] = [];
  if (files.length > MAX_FILES) failures.push({ code: 'SPEC_TOO_LARGE', message: `more than ${MAX_FILES} files` });
  const root: Tree = new Map();
  for (const file of files.slice(0, MAX_FILES)) {
    const names = file.path.split('/');
    if (isLeftOut(names)) continue;
    if (file.content.length > MAX_FILE_BYTES) {
      failures.push({ code: 'SPEC_TOO_LARGE', message: `${file.path} has more than ${MAX_FILE_BYTES} bytes` });
    }
    const problem = place(root, names, file);
    if (problem !== undefined) failures.push({ code: 'SPEC_PATH', message: `${JSON.stringify(file.path)} ${problem}` });
  }
  if (failures.length > 0) return { ok: false, failures };
  const id = treeId(root, crypto);
  const said = files.find(({ path }) => path === 'spec.tree');
  if (said !== undefined && new TextDecoder().decode(said.content).trim() !== toHex(id)) {
    const message = `spec.tree names another hash than ${toHex(id)}`;
    return {
      ok: false,
      failures: [{ code: 'SPEC_DISAGREES', message, fix: 'restore the files, or remove spec.tree' }],
    };
  }
  return { ok: true, id };
}

/** The line of RTMR3 for a specification. */
export function specLine(id: Uint8Array): string {
  return `cocoon:spec.tree=${toHex(id)}`;
}

function isLeftOut(names: readonly string[]): boolean {
  const [top = ''] = names;
  if (names.at(-1) === '.gitignore') return true;
  return names.length === 1 ? top === 'spec.tree' || top === 'spec.meta' : top === 'runtime';
}

/** @returns what is wrong with the path, if something is */
function place(root: Tree, names: readonly string[], file: SpecFile): string | undefined {
  if (names.length > MAX_DEPTH) return 'lies too deep';
  if (names.some((name) => name === '' || name === '.' || name === '..' || /\0/.test(name))) return 'is no path';
  if (names.some((name) => name.toLowerCase() === '.git')) return 'lies in a repository inside the specification';
  if (!file.path.isWellFormed()) return 'is not Unicode';
  let tree = root;
  for (const name of names.slice(0, -1)) {
    const below = tree.get(name) ?? new Map();
    if (!(below instanceof Map)) return 'lies below a file';
    tree.set(name, below);
    tree = below;
  }
  const name = names.at(-1) as string; // split gives at least one
  if (tree.has(name)) return 'comes twice';
  tree.set(name, file);
  return undefined;
}

function treeId(tree: Tree, crypto: AttestCrypto): Uint8Array {
  const entries = [...tree].map(([name, node]) => {
    const isFolder = node instanceof Map;
    const mode = isFolder ? '40000' : node.executable ? '100755' : '100644';
    const id = isFolder ? treeId(node, crypto) : objectId('blob', node.content, crypto);
    return { key: utf8(isFolder ? `${name}/` : name), bytes: concat(utf8(`${mode} ${name}\0`), id) };
  });
  const sorted = entries.toSorted((a, b) => compareBytes(a.key, b.key));
  return objectId('tree', concat(...sorted.map(({ bytes }) => bytes)), crypto);
}

function objectId(type: 'blob' | 'tree', content: Uint8Array, crypto: AttestCrypto): Uint8Array {
  return crypto.hash('sha256', concat(utf8(`${type} ${content.length}\0`), content));
}
