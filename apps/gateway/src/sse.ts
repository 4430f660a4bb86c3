import { GatewayError } from './errors.ts';

/**
 * Cuts a byte stream into the `data` of server-sent events. Bytes are decoded by whole lines, so that no character is
 * torn apart. Source: HTML standard, §9.2.6; comments, ids and event names are skipped.
 */
export class SseReader {
  readonly #maxEventBytes: number;
  #rest: Buffer = Buffer.alloc(0);
  #data: string[] = [];
  #size = 0;

  constructor(maxEventBytes: number) {
    this.#maxEventBytes = maxEventBytes;
  }

  /** @returns the data of the events that ended in `chunk`. @throws {GatewayError} `GATEWAY_BAD_ANSWER` for a huge event */
  push(chunk: Buffer): string[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const events: string[] = [];
    let from = 0;
    for (let to = bytes.indexOf(0x0a); to >= 0; to = bytes.indexOf(0x0a, from)) {
      this.#line(bytes.toString('utf8', from, bytes[to - 1] === 0x0d && to > from ? to - 1 : to), events);
      from = to + 1;
    }
    this.#rest = bytes.subarray(from);
    if (this.#rest.length + this.#size > this.#maxEventBytes) {
      throw new GatewayError('GATEWAY_BAD_ANSWER', 'the worker sent an event that is too large');
    }
    return events;
  }

  #line(line: string, events: string[]): void {
    if (line === '') {
      if (this.#data.length > 0) events.push(this.#data.join('\n'));
      this.#data = [];
      this.#size = 0;
    } else if (line.startsWith('data:')) {
      this.#data.push(line.slice(line[5] === ' ' ? 6 : 5));
      this.#size += line.length;
    }
  }
}

/** One event as the OpenAI Responses API writes it. */
export function sseEvent(type: string, data: unknown): string {
  return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}
