/**
 * Mutual TLS 1.3 over a connected socket, and our own verdict on the peer before any of its bytes are looked at.
 * Node's traps, each closed here: a resumed session skips certificates; the client can read the peer's certificate only
 * once; with `rejectUnauthorized: false`, which self-signed certificates need, nothing is enforced, not even that there is
 * a certificate. Source: wire.md §5, attestation.md §4.
 */
import type { Socket } from 'node:net';
import { connect, TLSSocket } from 'node:tls';
import { judgeCertificate, type Role } from '@bombyx/attest';
import { nodeCrypto } from '@bombyx/attest/node';
import { TransportError } from './errors.ts';
import type { TlsIdentity } from './identity.ts';
import { TLS_TIMEOUT_MS } from './limits.ts';
import type { PeerPolicy, PolicyVerdict } from './policy.ts';
import { guard, runStep, type Step, type StepContext } from './step.ts';

export interface TlsPeer {
  readonly publicKey: Buffer;
  readonly attestation: Extract<PolicyVerdict, { ok: true }>['attestation'];
  readonly imageHash: Buffer;
}

export interface TlsSide {
  readonly identity: TlsIdentity;
  readonly policy: PeerPolicy;
}

const STEP: Step = { name: 'TLS handshake', timeoutMs: TLS_TIMEOUT_MS, code: 'TRANSPORT_TLS' };

/** Accepting side. @throws {TransportError} `TRANSPORT_TLS`, `TRANSPORT_PEER_REFUSED`; the socket is destroyed */
export async function acceptTls(socket: Socket, side: TlsSide, context: StepContext): Promise<[TLSSocket, TlsPeer]> {
  const { context: secureContext } = await side.identity.credentials();
  const options = { isServer: true, secureContext, requestCert: true, rejectUnauthorized: false };
  const secure = guard(new TLSSocket(socket, options));
  return [secure, await handshake(secure, 'secure', 'client', side.policy, context)];
}

/** Connecting side. @throws {TransportError} `TRANSPORT_TLS`, `TRANSPORT_PEER_REFUSED`; the socket is destroyed */
export async function connectTls(socket: Socket, side: TlsSide, context: StepContext): Promise<[TLSSocket, TlsPeer]> {
  const { context: secureContext } = await side.identity.credentials();
  const options = { socket, secureContext, servername: '', rejectUnauthorized: false };
  const secure = guard(connect({ ...options, checkServerIdentity: () => undefined }));
  return [secure, await handshake(secure, 'secureConnect', 'server', side.policy, context)];
}

function handshake(
  secure: TLSSocket,
  event: 'secure' | 'secureConnect',
  peerRole: Role,
  policy: PeerPolicy,
  context: StepContext,
): Promise<TlsPeer> {
  return runStep(secure, STEP, context, (resolve, reject) => {
    const onSecure = () => {
      try {
        resolve(judgePeer(secure, peerRole, policy, context.clock.nowMs()));
      } catch (error) {
        reject(error);
      }
    };
    secure.once(event, onSecure);
    return () => secure.off(event, onSecure);
  });
}

function judgePeer(secure: TLSSocket, role: Role, policy: PeerPolicy, nowMs: number): TlsPeer {
  if (secure.isSessionReused()) throw refused(['the session was resumed, so no certificate was shown']);
  const der = secure.getPeerX509Certificate()?.raw;
  if (der === undefined) throw refused(['no certificate']);
  const verdict = judgeCertificate(der, role, nowMs, nodeCrypto);
  if (!verdict.ok) throw refused(verdict.failures);
  const admitted = policy.judge(der, verdict.certificate);
  if (!admitted.ok) throw refused(admitted.failures);
  return {
    publicKey: Buffer.from(verdict.publicKey),
    attestation: admitted.attestation,
    imageHash: admitted.imageHash,
  };
}

function refused(failures: readonly string[]): TransportError {
  return new TransportError('TRANSPORT_PEER_REFUSED', `the peer's certificate was refused: ${failures.join('; ')}`);
}
