/** Records in a file or a folder, for machines that reach no service: the same records, under the same rules. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EvidenceError, errnoOf } from '../errors.ts';
import { MAX_BUNDLE_BYTES, MAX_BUNDLE_FILES } from '../limits.ts';
import { readBounded } from './record-folder.ts';

/**
 * @param path a JSON file with one record or a list of them, or a folder of such files, at most one folder deep: what a
 *   store writes is a bundle
 * @returns the records as they were parsed, nothing of them checked
 * @throws {EvidenceError} `COLLATERAL_BUNDLE`
 */
export async function readBundle(path: string): Promise<unknown[]> {
  try {
    const files = (await stat(path)).isDirectory() ? await filesIn(path) : [path];
    const records: unknown[] = [];
    for (const file of files) {
      const content: unknown = JSON.parse(await readBounded(file, MAX_BUNDLE_BYTES));
      records.push(...(Array.isArray(content) ? content : [content]));
    }
    if (records.length === 0) throw new RangeError('no records in it');
    return records;
  } catch (cause) {
    const why = errnoOf(cause) || (cause instanceof Error ? cause.message : String(cause));
    throw new EvidenceError('COLLATERAL_BUNDLE', `the bundle ${path} cannot be read: ${why}`, {}, { cause });
  }
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const inner = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
  const found = await Promise.all(inner.map((path) => readdir(path, { withFileTypes: true })));
  const files = [...entries, ...found.flat()]
    .filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort();
  if (files.length > MAX_BUNDLE_FILES) throw new RangeError(`${files.length} files, more than ${MAX_BUNDLE_FILES}`);
  return files;
}
