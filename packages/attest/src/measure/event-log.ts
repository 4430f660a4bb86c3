/**
 * Whether the logs of a guest are those of its quote. A log proves nothing by itself: the registers of a verified quote
 * prove the digests in it, and the digests prove the data of those events where they are of it.
 */
import { equalBytes, toHex } from '../bytes.ts';
import type { AttestCrypto } from '../crypto/port.ts';
import { MalformedError } from '../malformed.ts';
import type { Failure } from '../verdict.ts';
import { type DstackEvent, readDstackLog } from './dstack-log.ts';
import { provenData } from './event-data.ts';
import { lineExtension, type RegisterExtension, type Registers, replay } from './registers.ts';
import { type LogEvent, readTcgLog } from './tcg-log.ts';

const MAX_LINES = 1_024;
const MAX_LINES_BYTES = 1 << 20;

/** What came with a quote; logs that extend one register extend it in this order. */
export interface EventLogs {
  /** Content of `/sys/firmware/acpi/tables/data/CCEL`. */
  readonly ccel?: Uint8Array;
  /** Lines of RTMR3 as COCOON guests log them: `/var/log/tdx-attestation.log`. */
  readonly lines?: Uint8Array;
  /** Parsed JSON of a dstack guest. */
  readonly dstack?: unknown;
}

export type LogReason = 'LOG_MALFORMED' | 'LOG_DATA_MISMATCH' | 'LOG_REGISTER_MISMATCH';

/** An event of the firmware. */
export interface FirmwareEvent extends LogEvent {
  /** The part of the data that its digest is of, and so the register. Only this means anything. */
  readonly proven?: Uint8Array;
}

export interface ReplayedLogs {
  readonly registers: Registers;
  readonly firmware: readonly FirmwareEvent[];
  readonly lines: readonly string[];
  readonly dstack: readonly DstackEvent[];
}

export type LogVerdict =
  | ({ readonly ok: true } & ReplayedLogs)
  | { readonly ok: false; readonly failures: readonly Failure<LogReason>[] };

/** @param registers of a quote that was verified: all four must be what the logs lead to */
export function verifyEventLogs(logs: EventLogs, registers: Registers, crypto: AttestCrypto): LogVerdict {
  const read = readLogs(logs, crypto);
  if (!read.ok) return read;
  const failures: Failure<LogReason>[] = [];
  const [lie, ...more] = read.lies; // one text, however many: a log has room for thousands
  if (lie !== undefined) {
    const others = more.length > 0 ? `, and that of ${more.length} more,` : '';
    const message = `the data of event ${lie.at}, of type 0x${lie.type.toString(16)}${others} is not what its digest is of`;
    failures.push({ code: 'LOG_DATA_MISMATCH', message });
  }
  registers.forEach((expected, n) => {
    const found = read.registers[n] as Uint8Array; // four and four
    if (equalBytes(found, expected)) return;
    const message = `the log leads to RTMR${n} ${toHex(found).slice(0, 16)}…, the quote has ${toHex(expected).slice(0, 16)}…`;
    failures.push({ code: 'LOG_REGISTER_MISMATCH', message, fix: 'give the whole log of the same boot as the quote' });
  });
  if (failures.length > 0) return { ok: false, failures };
  const { registers: replayed, firmware, lines, dstack } = read;
  return { ok: true, registers: replayed, firmware, lines, dstack };
}

type Read = { readonly ok: true; readonly lies: readonly LogEvent[] } & ReplayedLogs;

function readLogs(logs: EventLogs, crypto: AttestCrypto): Read | (LogVerdict & { ok: false }) {
  try {
    const events = logs.ccel === undefined ? [] : readTcgLog(logs.ccel);
    const judged = events.map((event) => ({ event, proven: provenData(event, crypto) }));
    const lines = logs.lines === undefined ? [] : readLines(logs.lines);
    const dstack = logs.dstack === undefined ? [] : readDstackLog(logs.dstack, crypto);
    const extensions = [...events.flatMap(extensionOf), ...lines.map((line) => lineExtension(line, crypto)), ...dstack];
    return {
      ok: true,
      registers: replay(extensions, crypto),
      firmware: judged.map(({ event, proven }) =>
        proven instanceof Uint8Array && event.index > 0 ? { ...event, proven } : event,
      ),
      lines,
      dstack,
      lies: judged.flatMap(({ event, proven }) => (proven === 'lie' ? [event] : [])),
    };
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return { ok: false, failures: [{ code: 'LOG_MALFORMED', message: error.message }] };
  }
}

/** MRTD grows while the TD is built, by nothing that a log could tell: its events extend nothing. */
function extensionOf({ index, digest }: LogEvent): RegisterExtension[] {
  return index === 0 ? [] : [{ register: (index - 1) as RegisterExtension['register'], digest }]; // the reader knows 0…4
}

/** @throws {MalformedError} not text, or no end of the last line */
function readLines(log: Uint8Array): string[] {
  if (log.length === 0) return [];
  if (log.length > MAX_LINES_BYTES)
    throw new MalformedError(`lines of ${log.length} bytes, more than ${MAX_LINES_BYTES}`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(log);
  } catch {
    throw new MalformedError('the lines are not UTF-8');
  }
  const lines = text.split('\n');
  if (lines.pop() !== '') throw new MalformedError('the last line has no end');
  if (lines.length > MAX_LINES) throw new MalformedError(`more than ${MAX_LINES} lines`);
  return lines;
}
