/** Conversations of the C++ programs in vectors/cocoon-cpp; its README says how they were recorded. */
import { readFileSync } from 'node:fs';

export interface RecordedUnit {
  /** `a>b`: from the side that opened the connection. */
  readonly dir: 'a>b' | 'b>a';
  /** `frame`, `AttestedPeerInfo`, `pow.challenge`, `socks5.greeting`, … */
  readonly kind: string;
  /** The whole unit as it travelled, headers included. */
  readonly bytes: Buffer;
}

/**
 * One connection, unit by unit, such as `rpc-client.c6`. Opening and closing are left out.
 * @throws when there is none: lost vectors must not pass
 */
export function recordedConversation(name: string): RecordedUnit[] {
  const file = new URL(`../../../vectors/cocoon-cpp/decoded/${name}.frames.jsonl`, import.meta.url);
  const units = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { dir?: 'a>b' | 'b>a'; kind: string; hex?: string })
    .flatMap(({ dir, kind, hex }) => (dir && hex ? [{ dir, kind, bytes: Buffer.from(hex, 'hex') }] : []));
  if (units.length === 0) throw new TypeError(`no recording in ${name}`);
  return units;
}
