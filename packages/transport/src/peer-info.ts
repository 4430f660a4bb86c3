/** The frame by which a router tells us who is on the other side. Source: wire.md §3. */
import type { Duplex } from 'node:stream';
import { decodePeerInfo, imageHash, type PeerInfo } from '@bombyx/wire';
import type { PeerIdentity } from './connection.ts';
import { asTransportError, TransportError } from './errors.ts';
import { PEER_INFO_TIMEOUT_MS } from './limits.ts';
import { readExactly, type Step, type StepContext } from './step.ts';

const STEP: Step = { name: 'the peer-info frame', timeoutMs: PEER_INFO_TIMEOUT_MS, code: 'TRANSPORT_PROTOCOL' };
/** Largest content the C++ programs take. */
const MAX_PEER_INFO_BYTES = 16_536;

/** @throws {TransportError} `TRANSPORT_PROTOCOL`, `TRANSPORT_PEER_REFUSED`, `TRANSPORT_TIMEOUT`; the socket is destroyed */
export async function readPeerInfo(socket: Duplex, context: StepContext): Promise<PeerInfo> {
  const prefix = await readExactly(socket, 4, STEP, context);
  const size = prefix.readUInt32LE();
  try {
    if (size > MAX_PEER_INFO_BYTES) {
      throw new TransportError('TRANSPORT_PROTOCOL', `a peer-info frame of ${size} bytes`, { size });
    }
    const info = decodePeerInfo(Buffer.concat([prefix, await readExactly(socket, size, STEP, context)]));
    if (info.attestation?.kind === 'sgx') {
      throw new TransportError('TRANSPORT_PEER_REFUSED', 'the peer shows an SGX quote, and no policy admits those');
    }
    return info;
  } catch (error) {
    socket.destroy();
    if (error === context.signal.reason) throw error;
    throw asTransportError(error, 'TRANSPORT_PROTOCOL', 'the peer-info frame');
  }
}

/**
 * The peer as the router describes it, at this address. Only a quote that was verified has a root; registers say nothing
 * about that, since those of a genuine machine may all be zero.
 */
export function identityOf(info: PeerInfo, address: string, port: number): PeerIdentity {
  const hash = imageHash(info.attestation);
  const kind = info.collateralRootHash.every((byte) => byte === 0) ? 'fake_tdx' : 'tdx';
  return { publicKey: info.publicKey, imageHash: hash, attestation: info.attestation ? kind : 'none', address, port };
}
