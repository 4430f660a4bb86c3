/**
 * What a side asks of its peer, as a port: who judges certificates and evidence, and what a verdict says. Judging may wait
 * for collateral and for a thread; where it runs, and how much of it at once, is up to whoever implements this.
 */
import type { AttestedPeer, Binding, ContractLists, Failure, PartRole, PeerVerdict } from '@bombyx/attest';

/** Who is judged, and for how long somebody waits for it. */
export interface Judging {
  /** Part that the peer must be. */
  readonly role: PartRole;
  /** IP address, for limits of rate. */
  readonly address: string;
  /** Aborts when nobody needs the verdict any more. */
  readonly signal: AbortSignal;
  /** The other peers that are connected at the same place. */
  readonly peers?: (() => Iterable<AttestedPeer>) | undefined;
}

/** A policy together with what is needed to judge by it. */
export interface PeerPolicy {
  readonly name: string;
  /** The peer must prove itself for this very connection: a certificate alone, as C++ peers have it, does not do. */
  readonly wantsFresh: boolean;
  /** @param der a certificate that passed every check which no policy decides */
  judgeCertificate(der: Uint8Array, judging: Judging): Promise<PeerVerdict>;
  /** @param bundle encoded evidence, at least one byte, as it came @param binding what it must be bound to */
  judgeEvidence(bundle: Uint8Array, binding: Binding, judging: Judging): Promise<PeerVerdict>;
  /** The lists of the root contract are these now. */
  adopt?(lists: ContractLists): void;
  /**
   * What the lists of the moment have against a peer that was admitted before; absent where there are none.
   * @param others where the peer is about to join them: what bounds their number is asked as well
   */
  reconsider?(peer: AttestedPeer, role: PartRole, others?: Iterable<AttestedPeer>): readonly Failure[];
}

/**
 * Verdicts are given side by side, so several can rest on one free place: what there is against a peer in the moment in
 * which it joins the others. Whoever asks counts the peer in the same tick.
 */
export function joinFaults(peer: AttestedPeer, policy: PeerPolicy, judging: Judging): readonly Failure[] {
  const { role, peers } = judging;
  return (peers && policy.reconsider?.(peer, role, peers())) ?? [];
}

/** Proves this side to a peer. */
export interface EvidenceSource {
  /** The part that it proves. */
  readonly role: PartRole;
  /**
   * @param binding our role and key, the peer's nonce, the exporter of this connection
   * @returns an encoded bundle of at most `MAX_EVIDENCE_BYTES`
   */
  evidence(binding: Binding, signal: AbortSignal): Promise<Uint8Array>;
}

/** What a verdict was given on: enough to repeat it elsewhere. */
export interface Proof {
  /** `fresh`: an encoded bundle, bound to this connection; `certificate`: the DER. */
  readonly form: 'fresh' | 'certificate';
  readonly bytes: Buffer;
  /** Of the fresh form. */
  readonly binding: Binding | undefined;
  /** Name of the policy that admitted it. */
  readonly policy: string;
  /** Unix time in ms. */
  readonly judgedAtMs: number;
}
