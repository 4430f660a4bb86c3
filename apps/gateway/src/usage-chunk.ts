/**
 * Takes the usage chunk out of a stream. Workers make their inference servers report the usage of every stream of chat
 * or completions; the OpenAI API sends that extra event, whose `choices` is empty, only to callers who asked for it.
 */
import type { AnswerSink, ClientError, FinalInfo, HeaderList } from '@bombyx/client';
import type { AnswerRelay } from './relay.ts';

const LF = 0x0a;
const CR = 0x0d;
const EMPTY: Buffer = Buffer.alloc(0);
/** A longer event is no usage chunk; of a shorter one that is incomplete so much is kept at most. */
const MAX_CHUNK_BYTES = 16_384;
/** Text that no usage chunk has, even in an event that is not complete yet. Inside a JSON string its quotes are escaped. */
const HAS_CHOICE = /"choices"\s*:\s*\[\s*[^\s\]]/;

/** What is known of the line being read: whether its end ends an event. */
type Line = 'empty' | 'cr' | 'text';

/**
 * Drops events whose data is a JSON object with an empty `choices` and a `usage`; all other bytes pass in order, and at
 * once unless they are the start of an event that may still turn out to be one. How the stream is cut changes nothing.
 */
export class UsageChunkFilter {
  /** Start of an event, from earlier chunks. */
  #held: Buffer = EMPTY;
  /** The start of this event has passed, and so does its rest. */
  #passing = false;
  #line: Line = 'empty';

  /** @returns what passes now, often the chunk itself */
  push(chunk: Buffer): Buffer {
    const passed: Buffer[] = [];
    let from = 0; // of the bytes that pass together
    let start = 0; // of the current event
    for (let at = 0; at < chunk.length; ) {
      const line = this.#lineEnd(chunk, at);
      at = line.next;
      if (!line.endsEvent) continue;
      if (!this.#passing && isUsageChunk(joined(this.#held, chunk.subarray(start, at)))) {
        passed.push(chunk.subarray(from, start));
        from = at;
      } else passed.push(this.#held);
      this.#held = EMPTY;
      this.#passing = false;
      start = at;
    }
    const begun = joined(this.#held, chunk.subarray(start));
    this.#passing ||= !mayBecomeUsageChunk(begun);
    if (this.#passing) {
      passed.push(this.#held, from === 0 ? chunk : chunk.subarray(from));
      this.#held = EMPTY;
    } else {
      passed.push(from === 0 && start === chunk.length ? chunk : chunk.subarray(from, start));
      this.#held = Buffer.from(begun); // a copy, so that a small rest does not keep a large chunk alive
    }
    return joined(...passed);
  }

  /** The stream is over. @returns what was still held, unless it is a usage chunk without its last line end */
  end(): Buffer {
    const held = this.#held;
    this.#held = EMPTY;
    return isUsageChunk(held) ? EMPTY : held;
  }

  /** Reads to the end of a line, or of the chunk. An empty line ends an event. */
  #lineEnd(chunk: Buffer, from: number): { readonly next: number; readonly endsEvent: boolean } {
    const lf = chunk.indexOf(LF, from);
    const length = (lf < 0 ? chunk.length : lf) - from;
    if (length > 0) this.#line = this.#line === 'empty' && length === 1 && chunk[from] === CR ? 'cr' : 'text';
    if (lf < 0) return { next: chunk.length, endsEvent: false };
    const endsEvent = this.#line !== 'text';
    this.#line = 'empty';
    return { next: lf + 1, endsEvent };
  }
}

function joined(...parts: readonly Buffer[]): Buffer {
  const filled = parts.filter(({ length }) => length > 0);
  return filled.length > 1 ? Buffer.concat(filled) : (filled[0] ?? EMPTY);
}

/** Cheap tests first: almost every event is told apart without being parsed. */
function mayBecomeUsageChunk(begun: Buffer): boolean {
  return begun.length <= MAX_CHUNK_BYTES && !HAS_CHOICE.test(begun.toString('latin1'));
}

function isUsageChunk(event: Buffer): boolean {
  if (!event.includes('"usage"') || !mayBecomeUsageChunk(event)) return false;
  const lines = event.toString().split(/\r?\n/);
  const data = lines.flatMap((line) => (line.startsWith('data:') ? line.slice('data:'.length) : [])).join('\n');
  try {
    const { choices, usage } = JSON.parse(data) as { readonly choices?: unknown; readonly usage?: unknown };
    return Array.isArray(choices) && choices.length === 0 && typeof usage === 'object' && usage !== null;
  } catch {
    return false; // not JSON, or null: nothing of ours
  }
}

/** Relays an answer to a caller who did not ask for its usage. */
export class WithoutUsageChunk implements AnswerSink {
  readonly #relay: AnswerRelay;
  #filter: UsageChunkFilter | undefined;

  constructor(relay: AnswerRelay) {
    this.#relay = relay;
  }

  head(status: number, reason: string, headers: HeaderList): void {
    const type = headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '';
    if (type.startsWith('text/event-stream')) this.#filter = new UsageChunkFilter();
    this.#relay.head(status, reason, headers);
  }

  part(bytes: Buffer): void {
    if (this.#filter) this.#relay.write(this.#filter.push(bytes), bytes.length);
    else this.#relay.part(bytes);
  }

  end(final: FinalInfo): void {
    if (this.#filter) this.#relay.write(this.#filter.end(), 0);
    this.#relay.end(final);
  }

  /** An event that was cut by the error is of no use to anybody. */
  error(error: ClientError): void {
    this.#relay.error(error);
  }
}
