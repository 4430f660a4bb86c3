/** Conversations of the C++ worker with the C++ proxy, cut into frames. */
import { readFileSync } from 'node:fs';
import { decode, decodeOf, type TlFunction, type TlObject } from '@bombyx/wire';

export interface RecordedExchange {
  readonly fn: TlFunction;
  readonly answer: TlObject;
}

export interface Recording {
  /** Queries of the worker, each with what the proxy answered. */
  readonly queries: readonly RecordedExchange[];
  /** One-way messages, in order. */
  readonly fromProxy: readonly TlObject[];
  readonly fromWorker: readonly TlObject[];
}

interface Line {
  readonly kind: string;
  readonly dir?: string;
  readonly hex?: string;
}

const HEADER_BYTES = 8;

/** @throws when the recording is gone: lost vectors must not pass */
export function loadRecording(name: string): Recording {
  const path = new URL(`../../../vectors/cocoon-cpp/decoded/${name}.frames.jsonl`, import.meta.url);
  const asked = new Map<bigint, TlFunction>();
  const queries: RecordedExchange[] = [];
  const fromProxy: TlObject[] = [];
  const fromWorker: TlObject[] = [];
  for (const text of readFileSync(path, 'utf8').split('\n')) {
    if (text === '') continue;
    const line = JSON.parse(text) as Line;
    if (line.kind !== 'frame' || line.hex === undefined) continue;
    const packet = decodeOf('tcp.Packet', Buffer.from(line.hex, 'hex').subarray(HEADER_BYTES));
    if (packet.kind === 'tcp.packet') (line.dir === 'a>b' ? fromWorker : fromProxy).push(decode(packet.data));
    else if (packet.kind === 'tcp.query') asked.set(packet.id, decode(packet.data) as TlFunction);
    else if (packet.kind === 'tcp.queryAnswer') {
      const fn = asked.get(packet.id);
      if (fn === undefined) throw new Error(`${name}: an answer without its question`);
      queries.push({ fn, answer: decode(packet.data) });
    }
  }
  if (queries.length === 0) throw new Error(`${name}: nothing in it`);
  return { queries, fromProxy, fromWorker };
}
