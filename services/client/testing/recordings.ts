/** Conversations of the C++ client with the C++ proxy, from `vectors/cocoon-cpp` (its README says how they were made). */
import { readFileSync } from 'node:fs';
import { decode, type Tl, type TlFunction, type TlObject } from '@bombyx/wire';

/** One object as it crossed the wire, and what an independent decoder made of it. */
export type Recorded =
  | {
      readonly by: 'client' | 'proxy';
      readonly kind: 'message';
      readonly object: TlObject;
      readonly json: RecordedJson;
    }
  | { readonly by: 'client'; readonly kind: 'query'; readonly id: bigint; readonly object: TlFunction }
  | { readonly by: 'proxy'; readonly kind: 'answer'; readonly id: bigint; readonly object: TlObject };

/** The members of the independent decoder's output that tests look at. */
export interface RecordedJson {
  readonly '@': string;
  readonly request_id?: string;
  /** Body text, or the `http.response` of a first answer. */
  readonly answer?: string | { readonly status_code: number; readonly payload: string };
  readonly flags?: number;
  readonly error_code?: number;
  readonly error?: string;
  readonly final_info?: { readonly tokens_used: { readonly total_tokens_used: string } };
}

/** @param name e.g. `rpc-client.c6` @throws when there is nothing in it: a lost recording must not pass */
export function conversation(name: string): Recorded[] {
  const file = new URL(`../../../vectors/cocoon-cpp/decoded/${name}.frames.jsonl`, import.meta.url);
  const units = readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Unit);
  const recorded = units.flatMap(({ kind, dir, hex, decoded }): Recorded[] => {
    if (kind !== 'frame' || hex === undefined || decoded === undefined) return [];
    const by = dir === 'a>b' ? 'client' : 'proxy';
    const packet = decode(Buffer.from(hex, 'hex').subarray(8)) as
      | Tl<'tcp.packet'>
      | Tl<'tcp.query'>
      | Tl<'tcp.queryAnswer'>;
    switch (packet.kind) {
      case 'tcp.packet':
        return [{ by, kind: 'message', object: decode(packet.data), json: decoded.data }];
      case 'tcp.query':
        return [{ by: 'client', kind: 'query', id: packet.id, object: decode(packet.data) as TlFunction }];
      case 'tcp.queryAnswer':
        return [{ by: 'proxy', kind: 'answer', id: packet.id, object: decode(packet.data) }];
      default:
        return []; // opening and pings belong to the transport
    }
  });
  if (recorded.length < 4) throw new Error(`${name} holds no conversation`);
  return recorded;
}

interface Unit {
  readonly kind: string;
  readonly dir?: 'a>b' | 'b>a';
  readonly hex?: string;
  readonly decoded?: { readonly data: RecordedJson };
}
