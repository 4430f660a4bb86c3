/** `bombyx attest image-hash` and `attest model-hash`: the two names under which a root contract admits what runs. */
import { readFileSync, statSync } from 'node:fs';
import {
  imageHashOf,
  MalformedError,
  type ModelName,
  modelListHash,
  modelName,
  modelRoot,
  readModelName,
} from '@bombyx/attest';
import { nodeCrypto } from '@bombyx/attest/node';
import { textOf } from '../attest/files.ts';
import { identity, recognise } from '../attest/kinds.ts';
import { listModel } from '../model-folder.ts';
import { type Arguments, CliError } from '../usage.ts';

/** Longest file that may be evidence. */
const MAX_FILE_BYTES = 256 * 1024;

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

/** @param words the file: a quote, a certificate that has one, a TDREPORT, or the 448 bytes that are hashed */
export async function imageHash(words: readonly string[], args: Arguments): Promise<number> {
  const file = oneWord(words, 'attest image-hash FILE');
  const image = imageHashOf(measured(file), nodeCrypto);
  if (!image.ok) {
    const [{ message, fix } = { message: 'not readable' }] = image.failures;
    throw new CliError('CLI_CONFIG', `${file}: ${message}${fix === undefined ? '' : `; ${fix}`}`);
  }
  const { hash, source, tee } = image;
  if (args.flag('json')) {
    console.log(JSON.stringify({ imageHash: hex(hash), base64: base64(hash), source, tee }));
    return 0;
  }
  console.log(`Image hash  ${hex(hash)}\nBase64      ${base64(hash)}\nRead from   ${source} (${tee.toUpperCase()})`);
  console.log('\nThis is what the file says: "bombyx attest verify" tells whether it is true.');
  return 0;
}

/**
 * @param words the folder of the model
 * @returns 1 when `--name` has a hash, and it is another one
 */
export async function modelHash(words: readonly string[], args: Arguments, signal: AbortSignal): Promise<number> {
  const folder = oneWord(words, 'attest model-hash FOLDER [--name NAME@COMMIT]');
  const given = readGivenName(args.text('name'));
  const entries = await listModel(folder, signal);
  const root = await modelRoot(entries, nodeCrypto).catch((error: unknown) => {
    if (!(error instanceof MalformedError)) throw error;
    throw new CliError('CLI_CONFIG', `${folder}: ${error.message}`, {}, { cause: error });
  });
  const files = entries.filter((entry) => entry.kind === 'file');
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const named = given === undefined ? undefined : modelName({ ...given, root });
  const listed = named === undefined ? undefined : modelListHash(named, nodeCrypto);
  const differs = given?.root !== undefined && hex(given.root) !== hex(root);
  if (args.flag('json')) {
    const name = named === undefined || listed === undefined ? {} : { name: named, listHash: hex(listed) };
    console.log(JSON.stringify({ root: hex(root), ...name, ...(differs && { differs }), files: files.length, bytes }));
    return differs ? 1 : 0;
  }
  console.log(
    `Verity root  ${hex(root)}\nHashed       ${files.length} ${files.length === 1 ? 'file' : 'files'}, ${bytes} bytes`,
  );
  if (named !== undefined && listed !== undefined) {
    console.log(`Model        ${named}\nListed as    ${hex(listed)}, the SHA-256 of that name`);
  }
  if (differs) console.log(`\nNOT THIS MODEL: the name given ends in ${hex(given.root)}`);
  return differs ? 1 : 0;
}

interface GivenName extends Omit<ModelName, 'root'> {
  /** If the name was whole: then it is compared. */
  readonly root?: Uint8Array;
}

function readGivenName(text: string | undefined): GivenName | undefined {
  if (text === undefined) return undefined;
  try {
    if (text.includes(':')) return readModelName(text);
    const { repository, commit } = readModelName(`${text}:${'0'.repeat(64)}`);
    return { repository, commit };
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    throw new CliError('CLI_USAGE', `--name takes REPOSITORY@COMMIT, or with :HASH to compare, not "${text}"`);
  }
}

/** The 448 bytes that are hashed, of any content. */
const REGISTERS_BYTES = 448;

/** @returns what has an image hash, decoded; other evidence is told as what it is */
function measured(file: string): Uint8Array {
  const bytes = readEvidence(file);
  if (bytes.length === REGISTERS_BYTES) return bytes;
  const evidence = recognise(bytes);
  const isBinary = evidence.kind === 'unknown' && textOf(evidence.bytes) === undefined; // its own reader says what is wrong
  if (evidence.kind === 'quote' || evidence.kind === 'td-report' || isBinary) return evidence.bytes;
  if (evidence.kind === 'certificates') return bytes;
  const wanted = 'a quote, a certificate that has one or a TDREPORT has an image hash';
  throw new CliError('CLI_CONFIG', `the file ${file} ${identity(evidence)}; ${wanted}`);
}

function readEvidence(file: string): Uint8Array {
  try {
    if (statSync(file).size <= MAX_FILE_BYTES) return readFileSync(file);
  } catch (error) {
    throw new CliError('CLI_CONFIG', `${file} cannot be read`, {}, { cause: error });
  }
  throw new CliError('CLI_CONFIG', `${file} has more than ${MAX_FILE_BYTES} bytes: no quote, no certificate`);
}

function oneWord(words: readonly string[], usage: string): string {
  const [word, ...more] = words;
  if (word === undefined || word === '' || more.length > 0) throw new CliError('CLI_USAGE', `it is bombyx ${usage}`);
  return word;
}
