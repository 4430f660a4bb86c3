/** Vectors of the repository's `vectors/` folder. A list that came out empty throws: lost vectors must not pass. */
import { readdirSync, readFileSync } from 'node:fs';

const root = new URL('../../../vectors/', import.meta.url);

/** A file of `vectors/wire`, as the caller says it is shaped; its lists must have entries. */
export function loadVectors<T extends object>(name: string): T {
  const file = JSON.parse(readFileSync(new URL(`wire/${name}.json`, root), 'utf8')) as T;
  for (const [key, list] of Object.entries(file)) notEmpty(list, `${name}.json, ${key}`);
  return file;
}

export interface Refused {
  readonly name: string;
  readonly hex: string;
  readonly code: string;
}

/** One unit the C++ programs sent: a frame with its header, a peer info, a message of the puzzle. */
export interface RecordedUnit {
  readonly kind: string;
  readonly dir: 'a>b' | 'b>a';
  readonly bytes: Buffer;
  /** What the recorder's own decoder made of it: `@` is the kind, long in decimal, int256 and binary data in hex. */
  readonly decoded: unknown;
}

/** Recorded connections by file name, each in the order of its units. */
export function loadRecordings(link: string): ReadonlyMap<string, readonly RecordedUnit[]> {
  const folder = new URL('cocoon-cpp/decoded/', root);
  const names = readdirSync(folder).filter((name) => name.startsWith(link));
  const connections = names.map((name) => {
    const lines = readFileSync(new URL(name, folder), 'utf8').trim().split('\n');
    const units = lines.map((line) => JSON.parse(line)).filter(({ hex }) => hex !== undefined);
    return [name, notEmpty(units, name).map((unit) => ({ ...unit, bytes: Buffer.from(unit.hex, 'hex') }))] as const;
  });
  return new Map(notEmpty(connections, `recordings of ${link}`));
}

/** One direction of a recorded connection: the chunks as a relay read them. */
export interface RecordedStream {
  readonly name: string;
  readonly chunks: readonly Buffer[];
}

/** Both directions of every connection over `link`, in chunks as they came. */
export function loadStreams(link: string): readonly RecordedStream[] {
  const streams = new Map<string, Buffer[]>();
  for (const line of readFileSync(new URL('cocoon-cpp/capture.jsonl', root), 'utf8').trim().split('\n')) {
    const read = JSON.parse(line);
    if (read.ev !== 'data' || read.link !== link) continue;
    const name = `${read.link}.c${read.conn} ${read.dir}`;
    const chunks = streams.get(name) ?? [];
    streams.set(name, chunks);
    chunks.push(Buffer.from(read.hex, 'hex'));
  }
  return notEmpty([...streams], `streams of ${link}`).map(([name, chunks]) => ({ name, chunks }));
}

function notEmpty<T>(list: T, what: string): T {
  if (list === undefined || (Array.isArray(list) && list.length === 0)) throw new Error(`no vectors: ${what}`);
  return list;
}
