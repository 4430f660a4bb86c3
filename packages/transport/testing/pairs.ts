/** Two packet connections over an in-memory pipe, or one and a peer whose bytes a test writes by hand. */
import { once } from 'node:events';
import net from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import { type Logger, silentLogger } from '@bombyx/base';
import { eventually, FakeClock } from '@bombyx/testkit';
import { decodeOf, FrameCutter, FrameWriter, type TlFunction, type TlObject, type TlOfType } from '@bombyx/wire';
import { type Connection, type ConnectionHandlers, NO_IMAGE_HASH, type PeerIdentity } from '../src/index.ts';
import { PacketConnection } from '../src/packet-connection.ts';

export const nobody: PeerIdentity = {
  publicKey: undefined,
  imageHash: NO_IMAGE_HASH,
  attestation: 'none',
  address: '192.0.2.1',
  port: 1,
};

/** Handlers that note what comes, and answer queries with what `answer` gives. */
export function recorder(answer: (fn: TlFunction) => Promise<TlObject> = () => new Promise(() => {})) {
  const messages: TlObject[] = [];
  const handlers: ConnectionHandlers = { onMessage: (message) => void messages.push(message), onQuery: answer };
  return { messages, handlers };
}

export interface Side {
  readonly connection: PacketConnection;
  readonly socket: Duplex;
}

export interface SideOptions {
  readonly clock?: FakeClock;
  readonly handlers?: (connection: Connection) => ConnectionHandlers;
  readonly log?: Logger;
}

function side(socket: Duplex, which: 'connecting' | 'accepting', options: SideOptions): Side {
  const { clock = new FakeClock(), handlers = () => recorder().handlers, log = silentLogger } = options;
  const connection = new PacketConnection(socket, { side: which, peer: nobody, handlersFor: handlers }, { clock, log });
  return { connection, socket };
}

/** Both ends, opened. */
export async function connectedPair(connecting: SideOptions = {}, accepting: SideOptions = {}): Promise<[Side, Side]> {
  const [a, b] = duplexPair();
  const pair: [Side, Side] = [side(a, 'connecting', connecting), side(b, 'accepting', accepting)];
  await Promise.all(pair.map(({ connection }) => connection.opened));
  return pair;
}

/** A peer that speaks frames, but only what the test tells it to. */
export class RawPeer {
  readonly socket: Duplex;
  readonly writer = new FrameWriter();
  readonly packets: TlOfType<'tcp.Packet'>[] = [];
  ended = false;
  readonly #cutter = new FrameCutter();

  constructor(socket: Duplex) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      for (const payload of this.#cutter.push(chunk)) this.packets.push(decodeOf('tcp.Packet', payload));
    });
    const end = () => {
      this.ended = true;
    };
    socket.on('end', end).on('close', end).on('error', end);
  }

  send(packet: TlOfType<'tcp.Packet'>): void {
    this.socket.write(this.writer.transport(packet));
  }
}

/** One real side and a raw peer, not opened yet unless `open`. */
export async function withRawPeer(
  which: 'connecting' | 'accepting',
  options: SideOptions & { readonly open?: boolean; readonly ends?: readonly [Duplex, Duplex] } = {},
): Promise<{ connection: PacketConnection; peer: RawPeer }> {
  const [a, b] = options.ends ?? duplexPair();
  const peer = new RawPeer(b);
  const { connection } = side(a, which, options);
  if (options.open ?? true) {
    if (which === 'connecting') await eventually('tcp.connect', () => peer.packets.length > 0);
    const first = peer.packets[0];
    if (which === 'accepting') peer.send({ kind: 'tcp.connect', id: 7n });
    else peer.send({ kind: 'tcp.connected', id: first?.kind === 'tcp.connect' ? first.id : 0n });
    await connection.opened;
  }
  return { connection, peer };
}

/** Both ends of a TCP connection over loopback. */
export async function tcpPair(): Promise<[net.Socket, net.Socket]> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const near = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
  const [far] = (await once(server, 'connection')) as [net.Socket];
  server.close();
  return [near, far];
}

/** Code of the TransportError that `promise` rejects with. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
  return 'no error';
}

/** Code of why a connection ended; undefined while it stands. */
export function endOf(connection: Connection): string | undefined {
  return connection.signal.aborted ? (connection.signal.reason as { code: string }).code : undefined;
}

export function part(size: number, fill = 0): TlObject {
  return { kind: 'bombyx.answerPart', request_id: Buffer.alloc(32), data: Buffer.alloc(size, fill), flags: 0 };
}
