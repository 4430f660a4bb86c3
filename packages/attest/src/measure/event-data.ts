/**
 * Whether an event's data is what its digest is of. The digest alone went into the register, so data that is not checked may
 * be anything the host likes. Source: TCG PC Client Platform Firmware Profile, table of event types; GRUB for `EV_IPL`.
 */
import { equalBytes, utf8 } from '../bytes.ts';
import type { AttestCrypto } from '../crypto/port.ts';
import type { LogEvent } from './tcg-log.ts';

/**
 * The bytes that the digest is of: of some events a part of the data, whose rest (the name of a variable, the prefix that
 * tells a command from a kernel's command line) stays a claim. `'lie'`: the digest is not of what it should be of.
 * `undefined`: of such events it is of something that is not in the log.
 */
export type ProvenData = Uint8Array | 'lie' | undefined;

const EventType = {
  separator: 0x4,
  ipl: 0xd,
  variableDriverConfig: 0x8000_0001,
  variableBoot: 0x8000_0002,
  gpt: 0x8000_0006,
  action: 0x8000_0007,
  variableBoot2: 0x8000_000c,
  variableAuthority: 0x8000_00e0,
} as const;

/** Digest of the data as it stands. */
const whole: ReadonlySet<number> = new Set([
  EventType.separator,
  EventType.variableDriverConfig,
  EventType.gpt,
  EventType.action,
  EventType.variableAuthority,
]);
/** Firmware hashes the whole record or, since PFP 1.05, the value in it alone. */
const variables: ReadonlySet<number> = new Set([EventType.variableBoot, EventType.variableBoot2]);
/** GRUB hashes what follows, without the zero at the end. An EV_IPL without one of them names a file. */
const iplPrefixes = ['grub_cmd: ', 'kernel_cmdline: ', 'module_cmdline: '].map(utf8);

export function provenData({ type, digest, data }: LogEvent, crypto: AttestCrypto): ProvenData {
  const candidates = whole.has(type)
    ? [data]
    : variables.has(type)
      ? [data, ...variableValue(data)]
      : type === EventType.ipl
        ? iplText(data)
        : [];
  if (candidates.length === 0) return undefined;
  return candidates.find((bytes) => equalBytes(crypto.hash('sha384', bytes), digest)) ?? 'lie';
}

function iplText(data: Uint8Array): Uint8Array[] {
  const prefix = iplPrefixes.find((bytes) => equalBytes(bytes, data.subarray(0, bytes.length)));
  return prefix === undefined ? [] : [data.subarray(prefix.length, data.at(-1) === 0 ? -1 : undefined)];
}

/** UEFI_VARIABLE_DATA: GUID 16 | name length u64, in UTF-16 units | value length u64 | name | value. */
function variableValue(data: Uint8Array): Uint8Array[] {
  if (data.length < 32) return [];
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const start = 32n + 2n * view.getBigUint64(16, true);
  const end = start + view.getBigUint64(24, true);
  return end === BigInt(data.length) ? [data.subarray(Number(start))] : [];
}
