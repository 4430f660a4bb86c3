/**
 * One port of a router. Between accepting a connection and copying its bytes stand bounded steps, each with its own limit
 * in time; nothing of the peer reaches the program on this machine before the handshake is complete and the verdict good.
 */
import net, { type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Clock, type Logger, Turns } from '@bombyx/base';
import {
  acceptTls,
  answerPow,
  askForPow,
  connectTls,
  guard,
  type PeerPolicy,
  type PowSolver,
  type Secured,
  type StepContext,
  type TlsIdentity,
  TransportError,
} from '@bombyx/transport';
import { encodePeerInfo } from '@bombyx/wire';
import { dial } from './dial.ts';
import { RouterError } from './errors.ts';
import { MAX_CONNECTIONS, MAX_HANDSHAKES, MAX_HANDSHAKES_PER_ADDRESS, MAX_JUDGED } from './limits.ts';
import { peerInfoOf } from './peer-frame.ts';
import type { PortType } from './plan.ts';
import { readSocks, replyForFailure, replySocks, SocksReply, type SocksRequest } from './socks.ts';
import { type TunnelReport, tunnel } from './tunnel.ts';

/** A port with everything it goes by. */
export interface DoorOptions {
  readonly type: PortType;
  readonly port: number;
  readonly policy: PeerPolicy;
  /** Those that a SOCKS5 user name may choose, by name; undefined where it may not. */
  readonly policies?: ReadonlyMap<string, PeerPolicy> | undefined;
  readonly destination?: { readonly host: string; readonly port: number } | undefined;
  readonly serializeInfo: boolean;
  readonly powDifficulty: number;
  readonly maxPowDifficulty: number;
}

export interface DoorDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly identity: TlsIdentity;
  readonly solver: PowSolver;
}

export interface Door extends AsyncDisposable {
  readonly port: number;
  readonly type: PortType;
  /** Those that are being set up, and those over which bytes are copied. */
  readonly handshakes: number;
  readonly tunnels: number;
}

/** Two streams that may be joined, until the verdict on the peer ends. */
interface Joined {
  readonly near: Duplex;
  readonly far: Duplex;
  readonly untilMs: number;
}

/**
 * @returns when the port is bound: forward sides on 127.0.0.1, reverse sides on all IPv4 addresses
 * @throws {RouterError} `ROUTER_LISTEN`
 */
export async function openDoor(options: DoorOptions, deps: DoorDeps): Promise<Door> {
  const { type } = options;
  const host = type === 'reverse' ? '0.0.0.0' : '127.0.0.1';
  const log = deps.log.child({ port: options.port, type });
  const stops = new Map<Socket, AbortController>();
  const handshakes = new Map<Socket, string>();
  const turns = new Turns({ places: MAX_JUDGED, maxWaiting: MAX_HANDSHAKES }, () => {
    return new TransportError('TRANSPORT_LIMIT', 'too many peers wait to be judged', { limit: MAX_HANDSHAKES });
  });
  let closing = false;

  const admits = (address: string): boolean => {
    if (closing || stops.size >= MAX_CONNECTIONS || handshakes.size >= MAX_HANDSHAKES) return false;
    if (type !== 'reverse') return true; // all of them come from this machine
    let fromThere = 0;
    for (const other of handshakes.values()) if (other === address) fromThere++;
    return fromThere < MAX_HANDSHAKES_PER_ADDRESS;
  };

  /** A peer whose evidence has ended must show newer one: it connects again. */
  const endAt = (untilMs: number, stop: AbortController): (() => void) => {
    if (untilMs === Number.POSITIVE_INFINITY) return () => {};
    return deps.clock.after(untilMs - deps.clock.nowMs(), () => stop.abort());
  };

  const serve = async (socket: Socket, address: string): Promise<void> => {
    const stop = new AbortController();
    stops.set(socket, stop);
    handshakes.set(socket, address);
    const gone = () => stop.abort(new TransportError('TRANSPORT_CLOSED', 'who connected is gone'));
    socket.once('close', gone);
    try {
      const context: StepContext = { clock: deps.clock, signal: stop.signal };
      const joined =
        type === 'reverse'
          ? await letIn(socket, options, turns, deps, context)
          : await lead(socket, options, deps, context);
      handshakes.delete(socket);
      socket.off('close', gone);
      const cancel = endAt(joined.untilMs, stop);
      const report: TunnelReport = await tunnel(joined.near, joined.far, deps.clock, stop.signal).finally(cancel);
      log.debug('a connection ended', { address, ...report });
    } catch (error) {
      const { code, message } = error as TransportError;
      // Programs on this machine are the operator's own; strangers are not worth a line each.
      const strange = type === 'reverse' && code !== 'TRANSPORT_CONNECT';
      log[strange ? 'debug' : 'info']('a connection did not come about', { address, code, reason: message });
    } finally {
      socket.destroy();
      handshakes.delete(socket);
      stops.delete(socket);
    }
  };

  const server = net.createServer({ noDelay: true, pauseOnConnect: true }, (socket) => {
    guard(socket);
    const address = socket.remoteAddress?.replace(/^::ffff:/, '');
    if (address !== undefined && admits(address)) return void serve(socket, address);
    log.debug('a connection was turned away: limit reached', { address });
    socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const message = `cannot open the port ${options.port} on ${host}: ${cause.message}`;
      reject(new RouterError('ROUTER_LISTEN', message, { port: options.port }, { cause }));
    });
    server.listen(options.port, host, resolve);
  });
  server.on('error', (error) => log.warn('accepting a connection failed', { reason: error.message }));

  let closed: Promise<void> | undefined;
  const close = () => {
    closing = true;
    for (const stop of stops.values()) stop.abort(new TransportError('TRANSPORT_CLOSED', 'the router is closing'));
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return {
    type,
    port: (server.address() as AddressInfo).port, // a TCP server that listens has one
    get handshakes() {
      return handshakes.size;
    },
    get tunnels() {
      return stops.size - handshakes.size;
    },
    [Symbol.asyncDispose]() {
      closed ??= close();
      return closed;
    },
  };
}

/** Forward side: a program on this machine is led to an attested peer. */
async function lead(near: Socket, options: DoorOptions, deps: DoorDeps, context: StepContext): Promise<Joined> {
  const { policies, destination, maxPowDifficulty } = options;
  const choice = policies && new Set(policies.keys());
  const request: SocksRequest = destination ?? (await readSocks(near, choice, context));
  const asked = request.policy === undefined ? undefined : policies?.get(request.policy);
  const far = await dial(request.host, request.port, context).catch((error: unknown) => {
    if (destination === undefined) replySocks(near, replyForFailure(error));
    throw error;
  });
  if (destination === undefined) replySocks(near, SocksReply.done, far);
  await answerPow(far, maxPowDifficulty, deps.solver, context);
  const side = { identity: deps.identity, policy: asked ?? options.policy };
  const secured = await connectTls(far, side, { role: 'proxy', address: request.host }, context);
  if (options.serializeInfo) near.write(frame(secured, 'server', far));
  return { near, far: secured.socket, untilMs: secured.attested.expiresAtMs };
}

/** Reverse side: a peer is let in to a program on this machine. */
async function letIn(
  far: Socket,
  options: DoorOptions,
  turns: Turns,
  deps: DoorDeps,
  context: StepContext,
): Promise<Joined> {
  const { policy, destination, powDifficulty } = options;
  if (destination === undefined) throw new TypeError('a reverse port needs a destination');
  await askForPow(far, powDifficulty, context);
  const expected = { role: 'worker', address: plain(far.remoteAddress), turns } as const; // only workers prove themselves
  const secured = await acceptTls(far, { identity: deps.identity, policy }, expected, context);
  const near = await dial(destination.host, destination.port, context);
  if (options.serializeInfo) near.write(frame(secured, 'client', far));
  return { near, far: secured.socket, untilMs: secured.attested.expiresAtMs };
}

/** The peer-info frame: who connected to whom, seen from here. */
function frame(peer: Secured, role: 'server' | 'client', socket: Socket): Buffer {
  const here = { address: plain(socket.localAddress), port: socket.localPort ?? 0 };
  const there = { address: plain(socket.remoteAddress), port: socket.remotePort ?? 0 };
  const [source, destination] = role === 'server' ? [here, there] : [there, here];
  return encodePeerInfo(peerInfoOf(peer, source, destination));
}

function plain(address: string | undefined): string {
  return address?.replace(/^::ffff:/, '') ?? '0.0.0.0';
}
