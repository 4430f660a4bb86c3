/** What a router tells the program beside it of the peer. Source: wire.md §3. */
import { collateralRootHash, decodeEvidence, reportDataV1, reportDataV2 } from '@bombyx/attest';
import { nodeCrypto } from '@bombyx/attest/node';
import type { Secured } from '@bombyx/transport';
import type { PeerInfo } from '@bombyx/wire';

interface Place {
  readonly address: string;
  readonly port: number;
}

type Peer = Pick<Secured, 'publicKey' | 'attested' | 'proof'>;

/** The body of the frame in order, 48 bytes each; the stand-in names none but the measured ones, and all are zero. */
const REGISTERS = ['mrTd', 'mrConfigId', 'mrOwner', 'mrOwnerConfig', 'rtmr0', 'rtmr1', 'rtmr2', 'rtmr3'] as const;
const REGISTER_BYTES = 48;
const NO_ROOT = Buffer.alloc(48);

/**
 * The frame knows TDX and SGX, and SGX is admitted by no policy: a peer that proved itself in another way is told as one
 * without attestation, which the program behind the router refuses where it asks for any.
 */
export function peerInfoOf(peer: Peer, source: Place, destination: Place): PeerInfo {
  const { attestation } = peer.attested;
  const real = attestation === 'tdx';
  return {
    attestation: real || attestation === 'fake_tdx' ? { kind: 'tdx', body: bodyOf(peer) } : undefined,
    collateralRootHash: real ? Buffer.from(collateralRootHash(nodeCrypto)) : NO_ROOT,
    publicKey: peer.publicKey,
    sourceAddress: source.address,
    sourcePort: source.port,
    destinationAddress: destination.address,
    destinationPort: destination.port,
  };
}

function bodyOf(peer: Peer): Buffer {
  const { measurements } = peer.attested;
  const registers = REGISTERS.map((name) => {
    const value = measurements[name];
    return value === undefined ? Buffer.alloc(REGISTER_BYTES) : Buffer.from(value, 'hex');
  });
  return Buffer.concat([...registers, reportDataOf(peer)]);
}

/** The verdict was good, so REPORTDATA is what it must be in the form that was shown. */
function reportDataOf({ publicKey, proof }: Peer): Uint8Array {
  if (proof.form === 'certificate' || proof.binding === undefined) return reportDataV1(publicKey, nodeCrypto);
  return reportDataV2(proof.binding, decodeEvidence(proof.bytes).claims, nodeCrypto);
}
