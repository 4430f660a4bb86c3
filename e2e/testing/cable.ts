/** A TCP connection between two parts that a test can cut or clamp. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class Cable implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  /** Forwards everything that comes in at its own port to `port`. */
  static async to(port: number): Promise<Cable> {
    const server = createServer({ noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const cable = new Cable(server);
    server.on('connection', (near) => cable.#join(near, connect({ port, host: '127.0.0.1', noDelay: true })));
    return cable;
  }

  /** Ends what runs over it with a reset, as a killed process would; new connections are let through. */
  cut(): void {
    for (const pair of this.#pairs) for (const end of pair) end.resetAndDestroy();
  }

  /** Lets nothing pass any more, without a word to either side: the half-open connection. */
  clamp(): void {
    for (const [near, far] of this.#pairs) {
      near.unpipe(far);
      far.unpipe(near);
      near.pause();
      far.pause();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.cut();
  }

  #join(near: Socket, far: Socket): void {
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    near.pipe(far);
    far.pipe(near);
    for (const end of pair) {
      end.on('error', () => {});
      end.once('close', () => {
        this.#pairs.delete(pair);
        for (const other of pair) other.destroy();
      });
    }
  }
}
