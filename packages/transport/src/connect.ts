/** Connecting side: TCP, then proof of work and TLS, or the router that does both for us, then the opening packets. */
import net, { type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock, Logger } from '@bombyx/base';
import type { PeerPolicy } from './attested.ts';
import type { Connection, ConnectionHandlers, PeerIdentity } from './connection.ts';
import { TransportError } from './errors.ts';
import type { TlsIdentity } from './identity.ts';
import { CONNECT_TIMEOUT_MS, CONNECT_TOTAL_TIMEOUT_MS, DEFAULT_MAX_DIFFICULTY, OPENING_TIMEOUT_MS } from './limits.ts';
import { PacketConnection } from './packet-connection.ts';
import { identityOf, readPeerInfo } from './peer-info.ts';
import { answerPow } from './pow.ts';
import { type PowSolver, processSolver } from './pow-solver.ts';
import { socksConnect } from './socks5.ts';
import { admittedAs, keepJudging, prover, type StandingDeps } from './standing.ts';
import { guard, runStep, type Step, type StepContext } from './step.ts';
import { connectTls, type Secured } from './tls.ts';

/** How a connecting side reaches its peer: by itself, or through the SOCKS5 port of a router on this machine. */
export type ConnectSecurity =
  | {
      readonly kind: 'tls';
      readonly identity: TlsIdentity;
      readonly policy: PeerPolicy;
      /** Most bits of work done for a peer; default 28. */
      readonly pow?: { readonly maxDifficulty: number };
    }
  | { readonly kind: 'router'; readonly via: { readonly host: string; readonly port: number } };

export interface ConnectOptions {
  /** The peer; behind a router an IPv4 address. */
  readonly host: string;
  readonly port: number;
  readonly security: ConnectSecurity;
  /** For all steps together; each has its own limit as well. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface TransportDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** Threads for proof of work; default those of the process. */
  readonly solver?: PowSolver | undefined;
  /** Time from one proof of a peer to the next, in ms; default 30 minutes. */
  readonly reattestEveryMs?: number | undefined;
}

/** A stream that is ready for packets, and how its peer is looked after. */
export interface Ready {
  readonly socket: Duplex;
  readonly peer: PeerIdentity;
  /** Absent behind a router, which judged the peer. */
  readonly standing?: Pick<StandingDeps, 'policy' | 'role' | 'channel' | 'peers'>;
}

/** A peer that refuses our certificate says so only by closing: in TLS 1.3 the client's handshake ends before its verdict. */
const OPENING: Step = {
  name: 'the opening exchange (a peer that closes here may have refused our certificate)',
  timeoutMs: OPENING_TIMEOUT_MS,
  code: 'TRANSPORT_CLOSED',
};

/**
 * @param handlersFor called when the connection is ready, before anything is received over it
 * @returns a connection that is ready; its end is told by its `signal`
 * @throws {TransportError} any code; the reason of `options.signal`
 */
export async function connect(
  options: ConnectOptions,
  handlersFor: (connection: Connection) => ConnectionHandlers,
  deps: TransportDeps,
): Promise<Connection> {
  const { timeoutMs = CONNECT_TOTAL_TIMEOUT_MS, signal } = options;
  const stop = new AbortController();
  const onAbort = () => stop.abort(signal?.reason);
  if (signal?.aborted) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  const cancelTimer = deps.clock.after(timeoutMs, () => {
    stop.abort(new TransportError('TRANSPORT_TIMEOUT', `connecting took longer than ${timeoutMs} ms`, { timeoutMs }));
  });
  try {
    const context: StepContext = { clock: deps.clock, signal: stop.signal };
    const ready = await secure(options, context, deps.solver ?? processSolver);
    return await open(ready, handlersFor, context, deps);
  } finally {
    cancelTimer();
    signal?.removeEventListener('abort', onAbort);
  }
}

async function secure(
  { host, port, security }: ConnectOptions,
  context: StepContext,
  solver: PowSolver,
): Promise<Ready> {
  if (security.kind === 'router') {
    const socket = await dial(security.via.host, security.via.port, context);
    await socksConnect(socket, host, port, context);
    return { socket, peer: identityOf(await readPeerInfo(socket, context), host, port) };
  }
  const socket = await dial(host, port, context);
  await answerPow(socket, security.pow?.maxDifficulty ?? DEFAULT_MAX_DIFFICULTY, solver, context);
  // Only proxies are connected to
  const secured = await connectTls(socket, security, { role: 'proxy', address: host }, context);
  return readyFor(secured, security.policy, 'proxy', host, port);
}

export function readyFor(
  secured: Secured,
  policy: PeerPolicy,
  role: StandingDeps['role'],
  address: string,
  port: number,
  peers?: StandingDeps['peers'],
): Ready {
  const { socket, channel } = secured;
  return { socket, peer: admittedAs(secured, address, port), standing: { policy, role, channel, peers } };
}

function dial(host: string, port: number, context: StepContext): Promise<Socket> {
  const socket = guard(net.connect({ host, port, family: 4, noDelay: true }));
  const step = { name: `connecting to ${host}:${port}`, timeoutMs: CONNECT_TIMEOUT_MS } as const;
  return runStep(socket, { ...step, code: 'TRANSPORT_CONNECT' }, context, (resolve) => {
    const onConnect = () => resolve(socket);
    socket.once('connect', onConnect);
    return () => socket.off('connect', onConnect);
  });
}

/** Packets start; used by both sides. @throws {TransportError} when the opening exchange fails or takes too long */
export async function open(
  { socket, peer, standing }: Ready,
  handlersFor: (connection: Connection) => ConnectionHandlers,
  context: StepContext,
  deps: TransportDeps,
  side: 'connecting' | 'accepting' = 'connecting',
): Promise<PacketConnection> {
  const { clock, log, reattestEveryMs: everyMs } = deps;
  const over = new AbortController();
  const prove = standing?.channel?.proves ? prover(standing.channel, clock, over.signal) : undefined;
  const connection = new PacketConnection(socket, { side, peer, handlersFor, prove }, deps);
  connection.signal.addEventListener('abort', () => over.abort(connection.signal.reason), { once: true });
  try {
    await runStep<void>(socket, OPENING, context, (resolve, reject) => {
      connection.opened.then(resolve, reject);
      return () => {};
    });
  } catch (error) {
    connection.close('the opening exchange failed');
    throw error;
  }
  if (standing) keepJudging(connection, { ...standing, clock, log, random: Math.random, everyMs });
  return connection;
}
