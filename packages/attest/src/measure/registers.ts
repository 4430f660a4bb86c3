/** Run-time measurement registers of a TD and how they grow. Source: attestation.md §10, §11. */
import { concat, utf8 } from '../bytes.ts';
import type { AttestCrypto } from '../crypto/port.ts';

export const REGISTER_BYTES = 48;

/** RTMR0…3. */
export type Registers = readonly [Uint8Array, Uint8Array, Uint8Array, Uint8Array];

/** One extension. The digest is what went in, whether or not the log tells truly what it is of. */
export interface RegisterExtension {
  /** Of RTMR0…3. */
  readonly register: 0 | 1 | 2 | 3;
  /** SHA-384, 48 bytes. */
  readonly digest: Uint8Array;
}

/** What the registers hold after these extensions. They begin as zeros. */
export function replay(events: Iterable<RegisterExtension>, crypto: AttestCrypto): Registers {
  const zero = () => new Uint8Array(REGISTER_BYTES);
  const registers: [Uint8Array, Uint8Array, Uint8Array, Uint8Array] = [zero(), zero(), zero(), zero()];
  for (const { register, digest } of events) {
    registers[register] = crypto.hash('sha384', concat(registers[register], digest));
  }
  return registers;
}

/** What a line of text, without its end, puts into RTMR3 in COCOON. */
export function lineExtension(line: string | Uint8Array, crypto: AttestCrypto): RegisterExtension {
  return { register: 3, digest: crypto.hash('sha384', typeof line === 'string' ? utf8(line) : line) };
}
