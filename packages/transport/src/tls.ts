/**
 * Mutual TLS 1.3 over a connected socket, and our own verdict on the peer before any of its packets are looked at.
 * Node's traps, each closed here: a resumed session skips certificates; the client can read the peer's certificate only
 * once; with `rejectUnauthorized: false`, which self-signed certificates need, nothing is enforced, not even that there is
 * a certificate. Source: wire.md §5, attestation.md §4 and §20.1.
 */
import type { Socket } from 'node:net';
import { connect, TLSSocket } from 'node:tls';
import { type AttestedPeer, judgeCertificate, type PartRole, type PeerVerdict, type Role } from '@bombyx/attest';
import { nodeCrypto } from '@bombyx/attest/node';
import type { Turns } from '@bombyx/base';
import { type Judging, joinFaults, type PeerPolicy, type Proof } from './attested.ts';
import { PeerRefusedError } from './errors.ts';
import { Channel, exchangeEvidence, exchangeVerdicts, FRESH_PROTOCOL, sayRefused } from './evidence-exchange.ts';
import type { Credentials, TlsIdentity } from './identity.ts';
import { JUDGE_TIMEOUT_MS, TLS_TIMEOUT_MS } from './limits.ts';
import { guard, runStep, type Step, type StepContext } from './step.ts';

export interface TlsSide {
  readonly identity: TlsIdentity;
  readonly policy: PeerPolicy;
}

/** Whom this side expects at the other end. */
export interface Expected {
  readonly role: PartRole;
  readonly address: string;
  /** Where many may come at once, the turns in which they are judged. */
  readonly turns?: Turns | undefined;
  readonly peers?: Judging['peers'];
  /** Told in the tick of the verdict who counts among `peers` from now on. */
  readonly onAdmitted?: (peer: AttestedPeer) => void;
}

/** A connection over which packets may flow. */
export interface Secured {
  readonly socket: TLSSocket;
  readonly publicKey: Buffer;
  readonly attested: AttestedPeer;
  readonly proof: Proof;
  /** Where both ends speak the fresh form: over it they can prove themselves again. */
  readonly channel: Channel | undefined;
}

const TLS: Step = { name: 'TLS handshake', timeoutMs: TLS_TIMEOUT_MS, code: 'TRANSPORT_TLS' };
const JUDGE: Step = { name: 'the verdict on the peer', timeoutMs: JUDGE_TIMEOUT_MS, code: 'TRANSPORT_CLOSED' };
const ALPN = { ALPNProtocols: [FRESH_PROTOCOL] };

/**
 * Accepting side.
 * @throws {TransportError} `TRANSPORT_TLS`, `TRANSPORT_PEER_REFUSED`, and those of the exchange; the socket is destroyed
 */
export async function acceptTls(
  socket: Socket,
  side: TlsSide,
  expected: Expected,
  context: StepContext,
): Promise<Secured> {
  const credentials = await side.identity.credentials();
  const options = { isServer: true, secureContext: credentials.context, requestCert: true, rejectUnauthorized: false };
  const secure = guard(new TLSSocket(socket, { ...options, ...ALPN }));
  const shown = await handshake(secure, 'secure', 'client', context);
  return admit(secure, shown, side, credentials, expected, context);
}

/** Connecting side. @throws as {@link acceptTls} */
export async function connectTls(
  socket: Socket,
  side: TlsSide,
  expected: Expected,
  context: StepContext,
): Promise<Secured> {
  const credentials = await side.identity.credentials();
  const options = { socket, secureContext: credentials.context, servername: '', rejectUnauthorized: false };
  const secure = guard(connect({ ...options, ...ALPN, checkServerIdentity: () => undefined }));
  const shown = await handshake(secure, 'secureConnect', 'server', context);
  return admit(secure, shown, side, credentials, expected, context);
}

interface Shown {
  readonly der: Buffer;
  readonly publicKey: Buffer;
}

/** Waits until the peer has shown that it holds its key, then judges what no policy decides. */
function handshake(
  secure: TLSSocket,
  event: 'secure' | 'secureConnect',
  role: Role,
  context: StepContext,
): Promise<Shown> {
  return runStep(secure, TLS, context, (resolve, reject) => {
    const onSecure = () => {
      try {
        resolve(readShown(secure, role, context.clock.nowMs()));
      } catch (error) {
        reject(error);
      }
    };
    secure.once(event, onSecure);
    return () => secure.off(event, onSecure);
  });
}

function readShown(secure: TLSSocket, role: Role, nowMs: number): Shown {
  if (secure.isSessionReused()) throw unfit('the session was resumed, so no certificate was shown');
  const der = secure.getPeerX509Certificate()?.raw;
  if (der === undefined) throw unfit('no certificate');
  const verdict = judgeCertificate(der, role, nowMs, nodeCrypto);
  if (!verdict.ok) throw unfit(...verdict.failures);
  return { der, publicKey: Buffer.from(verdict.publicKey) };
}

function unfit(...failures: string[]): PeerRefusedError {
  return new PeerRefusedError(
    "the peer's certificate was refused",
    failures.map((message) => ({ code: 'CERTIFICATE', message })),
  );
}

/** The policy's word. The peer hears it too where it speaks the fresh form; others only see a connection that closes. */
async function admit(
  secure: TLSSocket,
  { der, publicKey }: Shown,
  { identity, policy }: TlsSide,
  credentials: Credentials,
  { role, address, turns, peers, onAdmitted }: Expected,
  context: StepContext,
): Promise<Secured> {
  const ends = { ownKey: credentials.publicKey, peerKey: publicKey, peerRole: role, source: identity.evidence };
  const channel = secure.alpnProtocol === FRESH_PROTOCOL ? new Channel(secure, ends) : undefined;
  const fresh = channel && (await exchangeEvidence(secure, channel, context));
  const judge = async (judging: Judging): Promise<PeerVerdict> => {
    const giveBack = await turns?.take(judging.signal);
    try {
      if (fresh && fresh.bundle.length > 0) return await policy.judgeEvidence(fresh.bundle, fresh.binding, judging);
      return policy.wantsFresh ? notFresh(policy, channel !== undefined) : await policy.judgeCertificate(der, judging);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return { ok: false, failures: [{ code: 'VERDICT_FAILED', message }] };
    } finally {
      giveBack?.();
    }
  };
  const over = new AbortController();
  const judging = { role, address, signal: over.signal, peers };
  const verdict = await runStep<PeerVerdict>(secure, JUDGE, context, (resolve, reject) => {
    judge(judging).then(resolve, reject);
    return () => over.abort();
  });
  const failures = verdict.ok ? joinFaults(verdict.peer, policy, judging) : verdict.failures;
  if (!verdict.ok || failures.length > 0) {
    const error = new PeerRefusedError(`the peer was refused under policy ${policy.name}`, failures);
    if (channel) await sayRefused(secure, error.reason, context);
    secure.destroy();
    throw error;
  }
  onAdmitted?.(verdict.peer);
  if (channel) await exchangeVerdicts(secure, context);
  const shown = fresh && fresh.bundle.length > 0 ? fresh : undefined;
  const proof: Proof = {
    form: shown ? 'fresh' : 'certificate',
    bytes: shown?.bundle ?? der,
    binding: shown?.binding,
    policy: policy.name,
    judgedAtMs: context.clock.nowMs(),
  };
  return { socket: secure, publicKey, attested: verdict.peer, proof, channel };
}

function notFresh({ name }: PeerPolicy, speaksIt: boolean): PeerVerdict {
  const message = speaksIt ? 'the peer shows no evidence' : `the peer does not speak ${FRESH_PROTOCOL}`;
  const fix = `policy ${name} asks for evidence made for this connection: set "attestation" at the peer`;
  return { ok: false, failures: [{ code: 'EVIDENCE_MISSING', message, fix }] };
}
