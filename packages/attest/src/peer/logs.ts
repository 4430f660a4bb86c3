/**
 * The event logs of a TD, where it shows them: the registers of its quote prove them, and they prove what the claims say
 * about model and specification. Source: attestation.md §10, §11, §15.
 */
import { attempt } from '../attempt.ts';
import { toHex } from '../bytes.ts';
import type { AttestCrypto } from '../crypto/port.ts';
import { MalformedError } from '../malformed.ts';
import { type EventLogs, verifyEventLogs } from '../measure/event-log.ts';
import type { Registers } from '../measure/registers.ts';
import type { Failure } from '../verdict.ts';
import { decodeCanonical, encodeCanonical, Fields } from './cbor.ts';
import type { Claims } from './claims.ts';
import { type EvidenceItem, MAX_EVIDENCE_BYTES } from './evidence.ts';

/** What an item of kind `event-log` holds. */
export type GuestLogs = Pick<EventLogs, 'ccel' | 'lines'>;

export function encodeLogs({ ccel, lines }: GuestLogs): Uint8Array {
  return encodeCanonical({ ccel, lines });
}

/** Inverse of {@link encodeLogs}. @throws {MalformedError} */
export function decodeLogs(bytes: Uint8Array): GuestLogs {
  const fields = new Fields(decodeCanonical(bytes, MAX_EVIDENCE_BYTES, 5), 'event logs');
  const logs: GuestLogs = {
    ...(fields.has('ccel') && { ccel: fields.bytes('ccel', MAX_EVIDENCE_BYTES, 1) }),
    ...(fields.has('lines') && { lines: fields.bytes('lines', MAX_EVIDENCE_BYTES, 1) }),
  };
  fields.end();
  return logs;
}

/** @param registers RTMR0…3 of the quote; undefined for a machine that has none */
export function* logFaults(
  items: readonly EvidenceItem[],
  registers: Registers | undefined,
  claims: Claims,
  crypto: AttestCrypto,
): Generator<Failure> {
  const [item, ...more] = items.filter(({ kind }) => kind === 'event-log');
  if (item === undefined) return;
  if (more.length > 0)
    yield { code: 'EVIDENCE_AMBIGUOUS', message: `${more.length + 1} items are event logs; one may be` };
  if (registers === undefined) {
    yield { code: 'LOG_WITHOUT_REGISTERS', message: 'an event log is shown for a machine without registers' };
    return;
  }
  const logs = attempt(() => decodeLogs(item.data));
  if (logs instanceof MalformedError) {
    yield { code: 'LOG_MALFORMED', message: logs.message };
    return;
  }
  const verdict = verifyEventLogs(logs, registers, crypto);
  if (!verdict.ok) yield* verdict.failures;
  else yield* lineFaults(verdict.lines, claims);
}

/** A line that the guest extended before it made its key is worth more than the claim. */
function* lineFaults(lines: readonly string[], { model, specHash }: Claims): Generator<Failure> {
  const said = (name: string) => {
    const start = `cocoon:${name}=`;
    return lines.filter((line) => line.startsWith(start)).map((line) => line.slice(start.length));
  };
  if (said('model').some((measured) => measured !== model))
    yield { code: 'LOG_MODEL', message: 'the machine measured another model than its claims name' };
  const spec = specHash && toHex(specHash);
  if (spec !== undefined && said('spec.tree').some((measured) => measured !== spec))
    yield { code: 'LOG_SPEC', message: 'the machine measured another specification than its claims name' };
}
