/** A port whose first caller meets something broken; all later ones get through to an honest one. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { createIdentity } from '@bombyx/transport';
import { decodePowResponse, encodePowChallenge, POW_RESPONSE_SIZE } from '@bombyx/wire';
import { ended, take } from './raw-peer.ts';

/** What the first caller meets, from its first byte on. */
export type Breakage = (socket: Socket) => Promise<Duplex>;

export class BrokenPort implements AsyncDisposable {
  readonly port: number;
  /** Resolves when the first caller has hung up. */
  readonly leftAlone: Promise<void>;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  /** @param honest port of a proxy in order */
  static async before(honest: number, breakage: Breakage): Promise<BrokenPort> {
    const server = createServer({ noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new BrokenPort(server, honest, breakage);
  }

  private constructor(server: Server, honest: number, breakage: Breakage) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.leftAlone = promise;
    let met = false;
    server.on('connection', (near) => {
      this.#keep(near);
      if (!met) {
        met = true;
        breakage(near)
          .then((last) => ended(last))
          .then(resolve, reject);
        return;
      }
      const far = this.#keep(connect({ port: honest, host: '127.0.0.1', noDelay: true }));
      near.pipe(far).pipe(near);
      near.once('close', () => far.destroy());
      far.once('close', () => near.destroy());
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #keep(socket: Socket): Socket {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => this.#sockets.delete(socket));
    return socket;
  }
}

/** Writes a puzzle and takes the answer. */
export async function afterWork(socket: Socket): Promise<Socket> {
  socket.write(encodePowChallenge({ difficulty: 1, salt: Buffer.alloc(16, 7) }));
  decodePowResponse(await take(socket, POW_RESPONSE_SIZE));
  return socket;
}

/** Goes on to TLS: the next byte belongs to a frame. */
export async function afterTls(socket: Socket): Promise<TLSSocket> {
  const identity = await createIdentity({ attestation: 'fake_tdx' });
  const { context: secureContext } = await identity.credentials();
  await afterWork(socket);
  const options = { isServer: true, secureContext, requestCert: true, rejectUnauthorized: false };
  const secure = new TLSSocket(socket, options);
  secure.on('error', () => {});
  await once(secure, 'secure');
  return secure;
}
