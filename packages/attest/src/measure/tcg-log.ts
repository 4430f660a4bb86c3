/**
 * Event logs of confidential guests: the ACPI table CCEL that says where one lies, and the log in the form of TCG 2.
 * Source: attestation.md §11; UEFI 2.11 §38; TCG PC Client Platform Firmware Profile §10.
 */
import { ByteReader } from '../bytes.ts';
import { MalformedError } from '../malformed.ts';
import { REGISTER_BYTES } from './registers.ts';

/** Bounds: the area that firmware keeps for a log is 64 or 256 KiB. */
const MAX_LOG_BYTES = 1 << 20;
const MAX_EVENTS = 16_384;
const MAX_ALGORITHMS = 8;

const SHA384 = 0x000c;
const NO_ACTION = 3;
const END = 0xffff_ffff;
const CCEL_BYTES = 56;
const CC_TYPE_TDX = 2;
const HEADER_SIGNATURE = 'Spec ID Event03\0';

export interface LogEvent {
  /** Place in the log, from 0. */
  readonly at: number;
  /** Register as the guest numbers them: 0 MRTD, 1…4 RTMR0…3. */
  readonly index: number;
  /** TCG event type. */
  readonly type: number;
  /** SHA-384, 48 bytes. */
  readonly digest: Uint8Array;
  readonly data: Uint8Array;
}

const ascii = (bytes: Uint8Array) => String.fromCharCode(...bytes);

/** @throws {MalformedError} not the CCEL table of a TD */
export function readCcelTable(table: Uint8Array): { readonly logBytes: bigint; readonly logAddress: bigint } {
  const from = new ByteReader(table);
  if (ascii(from.take(4)) !== 'CCEL' || from.uint32() !== CCEL_BYTES || table.length !== CCEL_BYTES) {
    throw new MalformedError('not a CCEL table');
  }
  if (table.reduce((sum, byte) => sum + byte, 0) % 256 !== 0) throw new MalformedError('checksum of the CCEL table');
  from.take(28);
  const type = from.uint8();
  if (type !== CC_TYPE_TDX) throw new MalformedError(`CCEL table of guests of type ${type}, not TDX`);
  from.take(3);
  return { logBytes: from.uint64(), logAddress: from.uint64() };
}

/**
 * @param log as `/sys/firmware/acpi/tables/data/CCEL` gives it: what follows the last event is not looked at
 * @returns the events that extend a register, in order; views of the log
 * @throws {MalformedError} anything else, an event without SHA-384 included
 */
export function readTcgLog(log: Uint8Array): LogEvent[] {
  if (log.length > MAX_LOG_BYTES) throw new MalformedError(`log of ${log.length} bytes, more than ${MAX_LOG_BYTES}`);
  const from = new ByteReader(log);
  const sizes = readHeader(from);
  const events: LogEvent[] = [];
  for (let at = 0; from.left >= 8; at++) {
    const index = from.uint32();
    if (index === END) break;
    if (at === MAX_EVENTS) throw new MalformedError(`more than ${MAX_EVENTS} events`);
    const type = from.uint32();
    const digest = readDigests(from, sizes);
    const data = from.take(from.uint32());
    if (type === NO_ACTION) continue;
    if (index > 4) throw new MalformedError(`event ${at} is of register ${index}`);
    events.push({ at, index, type, digest, data });
  }
  return events;
}

/** The first event, in the form of TCG 1.2. @returns bytes of a digest by algorithm */
function readHeader(from: ByteReader): ReadonlyMap<number, number> {
  from.uint32();
  if (from.uint32() !== NO_ACTION) throw new MalformedError('log without a first event that describes it');
  from.take(20);
  const head = new ByteReader(from.take(from.uint32()));
  if (ascii(head.take(16)) !== HEADER_SIGNATURE) throw new MalformedError('log of another form than Spec ID Event03');
  head.take(8);
  const sizes = new Map<number, number>();
  const count = head.uint32();
  if (count > MAX_ALGORITHMS) throw new MalformedError(`log of ${count} hash algorithms`);
  for (let i = 0; i < count; i++) {
    const algorithm = head.uint16();
    if (sizes.has(algorithm)) throw new MalformedError(`algorithm ${algorithm} comes twice`);
    sizes.set(algorithm, head.uint16());
  }
  head.take(head.uint8());
  head.end();
  if (sizes.get(SHA384) !== REGISTER_BYTES) throw new MalformedError('log without SHA-384');
  return sizes;
}

function readDigests(from: ByteReader, sizes: ReadonlyMap<number, number>): Uint8Array {
  const count = from.uint32();
  if (count > sizes.size) throw new MalformedError(`event of ${count} digests`);
  const digests = new Map<number, Uint8Array>();
  for (let i = 0; i < count; i++) {
    const algorithm = from.uint16();
    const size = sizes.get(algorithm);
    if (size === undefined || digests.has(algorithm)) throw new MalformedError(`digest of algorithm ${algorithm}`);
    digests.set(algorithm, from.take(size));
  }
  const digest = digests.get(SHA384);
  if (digest === undefined) throw new MalformedError('event without SHA-384');
  return digest;
}
