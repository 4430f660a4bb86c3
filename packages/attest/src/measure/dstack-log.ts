/** Event log of dstack guests: the log of the firmware without its data, and lines of their own in RTMR3. */
import { concat, equalBytes, fromHex, utf8 } from '../bytes.ts';
import type { AttestCrypto } from '../crypto/port.ts';
import { MalformedError } from '../malformed.ts';
import { REGISTER_BYTES, type RegisterExtension } from './registers.ts';

const MAX_EVENTS = 16_384;
const RUNTIME_EVENT = 0x0800_0001;

/** An extension, and what it is of where that can be recomputed. */
export interface DstackEvent extends RegisterExtension {
  readonly name: string;
  /** Undefined where only the digest is known, so that the name is a claim. */
  readonly payload?: Uint8Array;
}

/**
 * Digests of RTMR3 are computed from name and payload: SHA-384(type ‖ `:` ‖ name ‖ `:` ‖ payload). One that stands in the log
 * must be the same.
 * @param log parsed JSON
 * @throws {MalformedError} not such a log, a digest that is not of its payload included
 */
export function readDstackLog(log: unknown, crypto: AttestCrypto): DstackEvent[] {
  if (!Array.isArray(log) || log.length > MAX_EVENTS) throw new MalformedError('not a list of events');
  return log.map((entry: unknown, at) => {
    const { imr, event_type: type, digest, event: name, event_payload: hex } = (entry ?? {}) as Record<string, unknown>;
    if (imr !== 0 && imr !== 1 && imr !== 2 && imr !== 3) throw new MalformedError(`event ${at} is of no register`);
    if (typeof type !== 'number' || !Number.isInteger(type) || type < 0 || type > 0xffff_ffff) {
      throw new MalformedError(`event ${at} has no type`);
    }
    if (typeof digest !== 'string' || typeof name !== 'string' || typeof hex !== 'string') {
      throw new MalformedError(`event ${at} is not made of text`);
    }
    const said = digest === '' ? undefined : fromHex(digest, REGISTER_BYTES);
    if (imr !== 3) {
      if (said === undefined) throw new MalformedError(`event ${at} has no digest`);
      return { register: imr, digest: said, name };
    }
    if (type !== RUNTIME_EVENT) throw new MalformedError(`event ${at} of RTMR3 is of type ${type}`);
    const payload = fromHex(hex);
    const computed = crypto.hash('sha384', concat(littleEndian(type), utf8(`:${name}:`), payload));
    if (said !== undefined && !equalBytes(said, computed)) throw new MalformedError(`digest of event ${at}`);
    return { register: imr, digest: computed, name, payload };
  });
}

function littleEndian(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
