/** Accepting side, bounded at every step: a stranger costs a socket for a limited time and nothing else. */
import { setMaxListeners } from 'node:events';
import net, { type Socket } from 'node:net';
import type { AttestedPeer, PartRole } from '@bombyx/attest';
import { Turns } from '@bombyx/base';
import type { PeerPolicy } from './attested.ts';
import { open, type Ready, readyFor, type TransportDeps } from './connect.ts';
import type { Connection, ConnectionHandlers } from './connection.ts';
import { asTransportError, PeerRefusedError, TransportError, tooMany } from './errors.ts';
import type { TlsIdentity } from './identity.ts';
import {
  DEFAULT_DIFFICULTY,
  HANDSHAKE_GAP_MS,
  MAX_CONNECTIONS,
  MAX_HANDSHAKES,
  MAX_HANDSHAKES_PER_ADDRESS,
  MAX_JUDGED,
  MAX_WAITING_JUDGEMENTS,
} from './limits.ts';
import { Pace } from './pace.ts';
import { identityOf, readPeerInfo } from './peer-info.ts';
import { askForPow } from './pow.ts';
import { guard, type StepContext } from './step.ts';
import { acceptTls, type Expected } from './tls.ts';

/** How peers reach a listener: by themselves, or through a router on this machine that did proof of work and TLS. */
export type ListenSecurity =
  | {
      readonly kind: 'tls';
      readonly identity: TlsIdentity;
      readonly policy: PeerPolicy;
      /** The part that peers must prove to be; default `client`. */
      readonly peerRole?: Exclude<PartRole, 'proxy'>;
      /** Bits of work asked from each peer, 0…64; default 20. */
      readonly pow?: { readonly difficulty: number };
    }
  | { readonly kind: 'router' };

export interface ListenLimits {
  readonly maxConnections: number;
  readonly maxHandshakes: number;
  readonly maxHandshakesPerAddress: number;
}

export interface ListenOptions {
  /** Behind a router only a loopback address: whoever opens such a port can claim any attestation. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly security: ListenSecurity;
  readonly limits?: Partial<ListenLimits> | undefined;
  /** Hears of each peer that proved too little. Strangers decide how often. */
  readonly onRefused?: ((error: PeerRefusedError, address: string) => void) | undefined;
}

export interface Listener extends AsyncDisposable {
  readonly port: number;
  readonly connections: ReadonlySet<Connection>;
  /** Handshakes under way. */
  readonly handshakes: number;
  /** Accepts nothing more and closes all connections, writing what was sent. Idempotent. */
  close(): Promise<void>;
}

/** A peer that is not connected yet. Once admitted it has its place: the opening packets take time as well. */
interface Handshake {
  readonly address: string;
  attested: AttestedPeer | undefined;
}

/**
 * @param onConnection called for each peer that is ready, before anything is received from it; throwing ends it
 * @returns when the port is bound
 * @throws {TransportError} `TRANSPORT_CONNECT` when the port cannot be bound
 */
export async function listen(
  options: ListenOptions,
  onConnection: (connection: Connection) => ConnectionHandlers,
  deps: TransportDeps,
): Promise<Listener> {
  const { host, port, security } = options;
  if (security.kind === 'router' && !isLoopback(host)) {
    throw new TypeError(`a listener behind a router must bind a loopback address, not ${host}`);
  }
  const limits: ListenLimits = {
    maxConnections: MAX_CONNECTIONS,
    maxHandshakes: MAX_HANDSHAKES,
    maxHandshakesPerAddress: security.kind === 'router' ? MAX_HANDSHAKES : MAX_HANDSHAKES_PER_ADDRESS,
    ...options.limits,
  };
  const connections = new Set<Connection>();
  const handshakes = new Map<Socket, Handshake>();
  const closing = new AbortController();
  setMaxListeners(0, closing.signal); // one per handshake
  const context: StepContext = { clock: deps.clock, signal: closing.signal };
  const turns = new Turns({ places: MAX_JUDGED, maxWaiting: MAX_WAITING_JUDGEMENTS }, () =>
    tooMany('peers to be judged', MAX_WAITING_JUDGEMENTS),
  );

  const pace = new Pace(HANDSHAKE_GAP_MS);
  const peers = function* () {
    for (const { attested } of handshakes.values()) if (attested) yield attested;
    for (const { peer } of connections) if (peer.attested) yield peer.attested;
  };

  const admits = (address: string): boolean => {
    if (closing.signal.aborted || connections.size + handshakes.size >= limits.maxConnections) return false;
    if (handshakes.size >= limits.maxHandshakes) return false;
    let fromThere = 0;
    for (const other of handshakes.values()) if (other.address === address) fromThere++;
    return fromThere < limits.maxHandshakesPerAddress;
  };

  const accept = async (socket: Socket, address: string): Promise<void> => {
    const handshake: Handshake = { address, attested: undefined };
    handshakes.set(socket, handshake);
    const onAdmitted = (peer: AttestedPeer) => {
      handshake.attested = peer;
    };
    try {
      const ready = await secure(socket, address, security, { turns, peers, onAdmitted, pace }, context);
      const connection = await open(ready, onConnection, context, deps, 'accepting');
      if (connection.signal.aborted) return;
      connections.add(connection);
      connection.signal.addEventListener('abort', () => connections.delete(connection), { once: true });
    } catch (error) {
      const { code, message } = asTransportError(error, 'TRANSPORT_CLOSED', 'the handshake failed');
      if (error instanceof PeerRefusedError) options.onRefused?.(error, address);
      deps.log.debug('a peer did not get in', { address, code, reason: message });
      socket.destroy();
    } finally {
      handshakes.delete(socket);
    }
  };

  const server = net.createServer({ noDelay: true }, (socket) => {
    guard(socket);
    const address = plainAddress(socket.remoteAddress);
    if (address !== undefined && admits(address)) return void accept(socket, address);
    deps.log.debug('a peer was turned away: limit reached', { address });
    socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(asTransportError(error, 'TRANSPORT_CONNECT', `cannot listen on ${host}`)));
    server.listen(port, host, resolve);
  });
  server.on('error', (error) => deps.log.warn('accepting a connection failed', { reason: error.message }));

  const close = () => {
    closing.abort(new TransportError('TRANSPORT_CLOSED', 'the listener is closing'));
    for (const connection of [...connections]) connection.close('the listener is closing');
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  let closed: Promise<void> | undefined;
  const closeOnce = () => {
    closed ??= close();
    return closed;
  };
  return {
    port: (server.address() as net.AddressInfo).port, // a TCP server that listens has one
    connections,
    get handshakes() {
      return handshakes.size;
    },
    close: closeOnce,
    [Symbol.asyncDispose]: closeOnce,
  };
}

async function secure(
  socket: Socket,
  address: string,
  security: ListenSecurity,
  { pace, ...others }: Omit<Expected, 'role' | 'address'> & { readonly pace: Pace },
  context: StepContext,
): Promise<Ready> {
  if (security.kind === 'router') {
    const info = await readPeerInfo(socket, context);
    return { socket, peer: identityOf(info, info.sourceAddress, info.sourcePort) };
  }
  const port = socket.remotePort ?? 0;
  const { policy, peerRole: role = 'client' } = security;
  await askForPow(socket, security.pow?.difficulty ?? DEFAULT_DIFFICULTY, context);
  await pace.turn();
  const secured = await acceptTls(socket, security, { role, address, ...others }, context);
  return readyFor(secured, policy, role, address, port, others.peers);
}

/** IPv4 in its own form where the socket shows it as IPv6; undefined when the peer is gone already. */
function plainAddress(address: string | undefined): string | undefined {
  return address?.replace(/^::ffff:/, '');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
