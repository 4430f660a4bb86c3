/** Evidence of the machine itself, whichever maker's: one shape for what is known after judging it. */
import type { Registers } from '../measure/registers.ts';
import type { Failure } from '../verdict.ts';
import type { Attestation, AttestedPeer, PeerTier } from './verdict.ts';

/** Believed only where no check failed. */
export interface Machine
  extends Pick<
    AttestedPeer,
    'imageHash' | 'measurements' | 'tcbStatus' | 'tcbDate' | 'evaluationNumber' | 'advisories' | 'platform'
  > {
  readonly tier: PeerTier;
  readonly attestation: Attestation;
  /** By its maker's rules, whatever the policy says of it. */
  readonly genuine: boolean;
  /** 64 bytes. */
  readonly reportData: Uint8Array;
  /** RTMR0…3 of a TD. */
  readonly registers?: Registers;
  /** When the first of the vendor's statements ends; infinite where none was needed. */
  readonly expiresAtMs: number;
}

export interface JudgedMachine {
  /** What could be read. */
  readonly machine?: Machine;
  readonly failures: readonly Failure[];
}
