/** Connecting side: TCP, then proof of work and TLS, or the router that does both for us, then the opening packets. */
import net, { type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock, Logger } from '@bombyx/base';
import type { Connection, ConnectionHandlers, PeerIdentity } from './connection.ts';
import { TransportError } from './errors.ts';
import type { TlsIdentity } from './identity.ts';
import { CONNECT_TIMEOUT_MS, CONNECT_TOTAL_TIMEOUT_MS, DEFAULT_MAX_DIFFICULTY, OPENING_TIMEOUT_MS } from './limits.ts';
import { PacketConnection } from './packet-connection.ts';
import { identityOf, readPeerInfo } from './peer-info.ts';
import type { PeerPolicy } from './policy.ts';
import { answerPow } from './pow.ts';
import { type PowSolver, processSolver } from './pow-solver.ts';
import { socksConnect } from './socks5.ts';
import { guard, runStep, type Step, type StepContext } from './step.ts';
import { connectTls } from './tls.ts';

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
    const [socket, peer] = await secure(options, context, deps.solver ?? processSolver);
    return await open(socket, peer, handlersFor, context, deps);
  } finally {
    cancelTimer();
    signal?.removeEventListener('abort', onAbort);
  }
}

async function secure(
  { host, port, security }: ConnectOptions,
  context: StepContext,
  solver: PowSolver,
): Promise<[Duplex, PeerIdentity]> {
  if (security.kind === 'router') {
    const socket = await dial(security.via.host, security.via.port, context);
    await socksConnect(socket, host, port, context);
    return [socket, identityOf(await readPeerInfo(socket, context), host, port)];
  }
  const socket = await dial(host, port, context);
  await answerPow(socket, security.pow?.maxDifficulty ?? DEFAULT_MAX_DIFFICULTY, solver, context);
  const [secured, peer] = await connectTls(socket, security, context);
  return [secured, { ...peer, address: host, port }];
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
  socket: Duplex,
  peer: PeerIdentity,
  handlersFor: (connection: Connection) => ConnectionHandlers,
  context: StepContext,
  deps: TransportDeps,
  side: 'connecting' | 'accepting' = 'connecting',
): Promise<PacketConnection> {
  const connection = new PacketConnection(socket, { side, peer, handlersFor }, deps);
  try {
    await runStep<void>(socket, OPENING, context, (resolve, reject) => {
      connection.opened.then(resolve, reject);
      return () => {};
    });
    return connection;
  } catch (error) {
    connection.close('the opening exchange failed');
    throw error;
  }
}
