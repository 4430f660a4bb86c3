/**
 * Frames: u32 length of the payload | i32 sequence number | payload, little-endian. Numbers start at 0 and grow by one,
 * separately in each direction; there is no checksum.
 * Source: net/TcpConnection.cpp of the C++ programs. They have no rule for a counter that reaches its end; we end the
 * connection there.
 */
import { paddedSize, Writer } from './bytes.ts';
import { tcp_packet, tcp_query, tcp_queryAnswer } from './codec.generated.ts';
import { WireError } from './errors.ts';
import { encodedSize, writeBoxed } from './object.ts';
import type { TlFunction, TlObject, TlOfType } from './value.ts';

/** Largest payload of a frame, in bytes; the smallest is one id. */
export const MAX_PAYLOAD = 1 << 24;
const MIN_PAYLOAD = 4;
const HEADER = 8;
const MAX_SEQNO = 0x7fff_ffff;
/** Room made at first for a frame that comes in pieces: one part of 64 KiB and what is around it need no second copy. */
const FIRST_ROOM = 68 * 1024;
const NOTHING = Buffer.alloc(0);

/** Where the payloads of one direction begin to count; anything but 0 is for tests. */
export interface FrameOptions {
  readonly firstSeqno?: number;
}

/**
 * Cuts a byte stream into frame payloads, whatever chunks it comes in. A length is judged before any of its payload is
 * kept, and room grows with what arrived, so a peer cannot make us allocate. After an error the cutter is of no use.
 */
export class FrameCutter {
  #seqno: number;
  /** Header of a frame of which more is to come. */
  readonly #header = Buffer.alloc(HEADER);
  #headerSize = 0;
  /** Payload of that frame, as far as it came; `#size` of `#length` bytes. */
  #payload = NOTHING;
  #size = 0;
  #length = 0;

  constructor({ firstSeqno = 0 }: FrameOptions = {}) {
    this.#seqno = firstSeqno;
  }

  /**
   * Takes the next bytes of the stream and hands over every payload that is complete, in order. A payload is a view of
   * `chunk` where it lies in it whole and is a good part of it; else a copy. Nobody may write to `chunk` afterwards.
   * @throws {WireError} `WIRE_FRAME_SIZE` for a length outside 4..2^24, `WIRE_SEQNO` for a number skipped or repeated or
   *   beyond 2^31-1; the payloads before that frame have been handed over
   */
  cut(chunk: Uint8Array, onPayload: (payload: Buffer) => void): void {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let at = 0;
    while (at < bytes.length) {
      if (this.#headerSize === 0 && bytes.length - at >= HEADER) {
        const length = this.#judge(bytes, at);
        at += HEADER;
        if (bytes.length - at >= length) {
          const end = at + length;
          onPayload(length * 4 >= bytes.length ? bytes.subarray(at, end) : copyOf(bytes, at, end));
          at = end;
          continue;
        }
        this.#headerSize = HEADER;
        this.#length = length;
      } else if (this.#headerSize < HEADER) {
        const taken = bytes.copy(this.#header, this.#headerSize, at, at + HEADER - this.#headerSize);
        this.#headerSize += taken;
        at += taken;
        if (this.#headerSize < HEADER) return;
        this.#length = this.#judge(this.#header, 0);
      }
      at += this.#keep(bytes.subarray(at, at + this.#length - this.#size));
      if (this.#size === this.#length) {
        const payload = this.#payload;
        this.#payload = NOTHING;
        this.#size = 0;
        this.#headerSize = 0;
        onPayload(payload);
      }
    }
  }

  /** {@link FrameCutter.cut} as a list; where it throws, payloads in front of the flaw are lost. */
  push(chunk: Uint8Array): Buffer[] {
    const payloads: Buffer[] = [];
    this.cut(chunk, (payload) => payloads.push(payload));
    return payloads;
  }

  /** The stream has ended. @throws {WireError} `WIRE_TRUNCATED` if it did so inside a frame */
  end(): void {
    if (this.#headerSize > 0) throw new WireError('WIRE_TRUNCATED', 'the stream ends inside a frame');
  }

  #judge(bytes: Buffer, at: number): number {
    const length = bytes.readUInt32LE(at);
    if (length < MIN_PAYLOAD || length > MAX_PAYLOAD) {
      throw new WireError('WIRE_FRAME_SIZE', `a frame of ${length} bytes`, { size: length });
    }
    const seqno = bytes.readInt32LE(at + 4);
    if (seqno !== this.#seqno) {
      throw new WireError('WIRE_SEQNO', `frame ${seqno} where ${this.#seqno} is due`, { seqno, due: this.#seqno });
    }
    this.#seqno++; // one past 2^31-1 equals no number that can arrive
    return length;
  }

  #keep(part: Buffer): number {
    const size = this.#size + part.length;
    if (size > this.#payload.length) {
      const room = Math.min(this.#length, Math.max(size, 2 * this.#payload.length, FIRST_ROOM));
      const grown = Buffer.allocUnsafe(room);
      this.#payload.copy(grown, 0, 0, this.#size);
      this.#payload = grown;
    }
    part.copy(this.#payload, this.#size);
    this.#size = size;
    return part.length;
  }
}

function copyOf(bytes: Buffer, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafe(end - start);
  bytes.copy(copy, 0, start, end);
  return copy;
}

/**
 * Makes the frames of one direction. A message goes straight from its fields into the bytes of its frame.
 * Every method returns a whole frame, owned by the caller, and uses up one sequence number unless it throws
 * {@link WireError}: `WIRE_FRAME_SIZE` (does not fit), `WIRE_SEQNO` (2^31 frames sent: start a new connection).
 */
export class FrameWriter {
  #seqno: number;

  constructor({ firstSeqno = 0 }: FrameOptions = {}) {
    this.#seqno = firstSeqno;
  }

  /** A frame around bytes that are encoded already. */
  frame(payload: Uint8Array): Buffer {
    const to = this.#start(payload.length);
    to.raw(payload, payload.length);
    return this.#finish(to);
  }

  /** A packet that carries no message, such as `tcp.ping` or `tcp.queryError`. */
  transport(packet: TlOfType<'tcp.Packet'>): Buffer {
    const to = this.#start(encodedSize(packet));
    writeBoxed(packet, to);
    return this.#finish(to);
  }

  /** A `tcp.packet`: a one-way message. */
  packet(message: TlObject): Buffer {
    return this.#carry(tcp_packet.id, undefined, message);
  }

  /** A `tcp.query`: a function to be answered under `id`. */
  query(id: bigint, fn: TlFunction): Buffer {
    return this.#carry(tcp_query.id, id, fn);
  }

  /** A `tcp.queryAnswer`: the result of the query `id`. */
  answer(id: bigint, result: TlObject): Buffer {
    return this.#carry(tcp_queryAnswer.id, id, result);
  }

  #carry(tag: number, id: bigint | undefined, message: TlObject): Buffer {
    const size = encodedSize(message);
    const to = this.#start((id === undefined ? 4 : 12) + paddedSize(size));
    to.uint32(tag);
    if (id !== undefined) to.int64(id);
    to.prefix(size);
    writeBoxed(message, to);
    to.padding(size);
    return this.#finish(to);
  }

  #start(size: number): Writer {
    if (size < MIN_PAYLOAD || size > MAX_PAYLOAD) {
      throw new WireError('WIRE_FRAME_SIZE', `${size} bytes do not make a frame`, { size });
    }
    if (this.#seqno > MAX_SEQNO) throw new WireError('WIRE_SEQNO', 'all sequence numbers are used up');
    const to = new Writer(Buffer.allocUnsafe(HEADER + size));
    to.int32(size);
    to.int32(this.#seqno);
    return to;
  }

  #finish(to: Writer): Buffer {
    this.#seqno++;
    return to.bytes;
  }
}
