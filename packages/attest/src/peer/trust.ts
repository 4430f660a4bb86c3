/** What a judge is given besides the evidence: the vendors' statements about it, the clock and the cryptography. */
import type { SnpCertificates } from '../amd/verify.ts';
import type { AttestCrypto } from '../crypto/port.ts';
import type { Collateral, OpenedCollateral } from '../intel/collateral.ts';

/** Whatever is missing that the evidence needs is a check that failed. Roots other than the pinned ones are for tests. */
export interface Trust {
  readonly intel?: {
    readonly collateral: Collateral | OpenedCollateral;
    /** DER. */
    readonly root?: Uint8Array;
  };
  readonly amd?: SnpCertificates & { readonly roots?: readonly Uint8Array[] };
  /** Reference values of NVIDIA for the drivers and VBIOSes shown: XML. */
  readonly rims?: readonly string[];
  /** DER. */
  readonly nvidiaRoot?: Uint8Array;
  readonly rimRoot?: Uint8Array;
}

export interface JudgeOptions {
  readonly atMs: number;
  readonly crypto: AttestCrypto;
  /** Living connections to each platform (SHA-256 in hex), the one being judged not counted. */
  readonly platformPeers?: ReadonlyMap<string, number>;
}
