import type { FinalInfo } from '@bombyx/client';

/** Latest debug data by `request_guid`; the oldest entry goes first. */
export class DebugLog {
  readonly #entries = new Map<string, string>();
  readonly #most: number;

  constructor(most = 64) {
    this.#most = most;
  }

  put(guid: string, entry: string): void {
    this.#entries.delete(guid);
    this.#entries.set(guid, entry);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#most) break;
      this.#entries.delete(oldest);
    }
  }

  /** @returns a JSON object, `{}` for an unknown guid */
  get(guid: string): string {
    return this.#entries.get(guid) ?? '{}';
  }
}

/**
 * Puts debug data into the last part of an answer: as member `debug` of the last object if the answer is JSON, else as a
 * line of its own, which readers of event streams skip. Source: client.md §6.2. Keeps one part back to have a last one.
 */
export class DebugTail {
  readonly #nowMs: () => number;
  readonly #startedAtMs: number;
  readonly #keep: (entry: string) => void;
  #held: Buffer = Buffer.alloc(0);
  #firstAtMs: number | undefined;

  /**
   * @param nowMs wall clock
   * @param keep gets the debug object as JSON text once the answer is complete
   */
  constructor(nowMs: () => number, keep: (entry: string) => void) {
    this.#nowMs = nowMs;
    this.#keep = keep;
    this.#startedAtMs = nowMs();
  }

  /** @returns what may go out now that more came */
  hold(bytes: Buffer): Buffer {
    this.#firstAtMs ??= this.#nowMs();
    const before = this.#held;
    if (bytes.length === 0) return bytes;
    this.#held = bytes;
    return before;
  }

  /** @param headers flat list of the answer's headers */
  last(final: FinalInfo, headers: readonly string[]): Buffer {
    const now = this.#nowMs();
    const debug = JSON.stringify({
      ...parsed('proxy', final.proxyDebug),
      ...parsed('worker', final.workerDebug),
      client: {
        type: 'client_stats',
        start_time: this.#startedAtMs / 1000,
        answer_receive_start_at: (this.#firstAtMs ?? now) / 1000,
        answer_receive_end_at: now / 1000,
      },
    });
    this.#keep(debug);
    const text = this.#held.toString('latin1').trimEnd(); // one character a byte, so that positions are bytes
    const isJson = headers.some((header) => header.startsWith('application/json'));
    if (!isJson || !text.endsWith('}') || text.length < 2) {
      return Buffer.concat([this.#held, Buffer.from(`\n{"debug":${debug}}\n`)]);
    }
    const body = this.#held.subarray(0, text.length - 1);
    const comma = text.slice(0, -1).trimEnd().endsWith('{') ? '' : ',';
    return Buffer.concat([body, Buffer.from(`${comma}"debug":${debug}}\n`)]);
  }
}

/** Debug strings are JSON made elsewhere; one that does not parse is passed as text rather than believed. */
function parsed(name: string, text: string | undefined): Record<string, unknown> {
  if (!text) return {};
  try {
    return { [name]: JSON.parse(text) };
  } catch {
    return { [name]: text };
  }
}
