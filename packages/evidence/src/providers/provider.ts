/** The one interface of everything that proves what this machine is. */
import type { EvidenceItem } from '@bombyx/attest';

export interface MachineRequest {
  /** 64 bytes: what the evidence is about. */
  readonly reportData: Uint8Array;
  readonly signal: AbortSignal;
}

/** Evidence of the machine itself. Real ones need a fraction of a second of a shared service: ask sparingly. */
export interface EvidenceProvider extends AsyncDisposable {
  readonly kind: 'tdx' | 'sev-snp' | 'simulated' | 'recorded';
  /**
   * @returns the item that holds the report data first, then what helps to judge it
   * @throws {EvidenceError} `TSM_…` or `SIMULATED_KEY`; the reason of `signal`
   * @throws {RangeError} for report data of another size
   */
  collect(request: MachineRequest): Promise<EvidenceItem[]>;
}

export interface GpuRequest {
  /** 32 bytes. */
  readonly nonce: Uint8Array;
  /** GPUs that must be there; fewer and more are errors. */
  readonly expected: number;
  readonly signal: AbortSignal;
}

/** Evidence of the GPUs of this machine. */
export interface GpuProvider {
  /** @throws {EvidenceError} `GPU_…`; the reason of `signal`. @throws {RangeError} for a nonce of another size */
  collect(request: GpuRequest): Promise<EvidenceItem[]>;
}

/** A copy, so that a caller who changes his bytes meanwhile changes nothing. @throws {RangeError} */
export function exactly(size: number, bytes: Uint8Array, what: string): Uint8Array {
  if (bytes.length !== size) throw new RangeError(`${what} of ${bytes.length} bytes instead of ${size}`);
  return Uint8Array.from(bytes);
}
