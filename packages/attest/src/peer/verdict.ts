/** What is known of a peer after it was judged. */
import type { DeviceKind } from '../nvidia/certificates.ts';
import type { Failure } from '../verdict.ts';

/** How far the confidentiality of a peer goes. */
export type PeerTier = 'tdx' | 'sev-snp' | 'simulated' | 'open';

/** What the peer showed; `fake_tdx` is the C++ stand-in of 64 bytes, whose tier is `simulated`. */
export type Attestation = 'none' | 'fake_tdx' | 'tdx' | 'sev-snp' | 'simulated';

/** A GPU, or a switch between GPUs; texts are empty where the device does not say. */
export interface AttestedGpu {
  readonly kind: DeviceKind;
  readonly chip: string;
  readonly driver: string;
  readonly vbios: string;
  readonly serial: string;
}

export interface AttestedPeer {
  readonly tier: PeerTier;
  readonly attestation: Attestation;
  /** 32 bytes; zeros for `open`. */
  readonly imageHash: Uint8Array;
  readonly publicKey: Uint8Array;
  /** Claimed, and covered by the evidence (by nothing but the peer's word for `open`). */
  readonly model?: string;
  /** SHA-256 of the model's text. */
  readonly modelHash?: Uint8Array;
  readonly imageVersion?: string;
  readonly owner: string;
  readonly promptKey?: Uint8Array;
  /** In hex, by the vendor's names. */
  readonly measurements: Readonly<Record<string, string>>;
  readonly tcbStatus?: string;
  /** Day the platform's TCB level is of, ISO 8601. */
  readonly tcbDate?: string;
  readonly evaluationNumber?: number;
  readonly advisories: readonly string[];
  /** SHA-256 that names the machine. */
  readonly platform?: Uint8Array;
  readonly gpus: readonly AttestedGpu[];
  /** SHA-256 of the evidence bundle; absent for the certificate form. */
  readonly evidenceDigest?: Uint8Array;
  /** Made for this connection: covers our random bytes and the TLS exporter. */
  readonly fresh: boolean;
  /** Since when the claims (or the certificate) hold, and when this verdict ends. */
  readonly notBeforeMs: number;
  readonly expiresAtMs: number;
}

export type PeerVerdict =
  | { readonly ok: true; readonly peer: AttestedPeer }
  | {
      readonly ok: false;
      /** Every check that failed, in the order they are made; the first is the reason. */
      readonly failures: readonly Failure[];
      /** What could be read, believed by nobody. */
      readonly seen?: Partial<AttestedPeer>;
    };
