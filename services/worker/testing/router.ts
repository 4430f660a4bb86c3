/** The two routers between a worker and a proxy, as one: SOCKS5 in front, the peer-info frame for either side. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { encodePeerInfo } from '@bombyx/wire';

const GREETING_BYTES = 3;
const REQUEST_BYTES = 10;

export interface Router extends AsyncDisposable {
  readonly port: number;
  /** `host:port` of every destination asked for. */
  readonly asked: string[];
}

export async function startRouter(): Promise<Router> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => sockets.add(socket.on('error', () => socket.destroy()));
  const server = createServer((near) => {
    keep(near);
    let greeted = false;
    const onData = (chunk: Buffer) => {
      if (!greeted && chunk.length === GREETING_BYTES) {
        greeted = true;
        near.write(Buffer.from([5, 0]));
      } else if (chunk.length === REQUEST_BYTES) {
        near.off('data', onData);
        near.pause();
        near.write(Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 0]));
        const host = chunk.subarray(4, 8).join('.');
        const port = chunk.readUInt16BE(8);
        asked.push(`${host}:${port}`);
        join(near, host, port);
      } else near.destroy();
    };
    near.on('data', onData);
  });
  const join = (near: Socket, host: string, port: number) => {
    const far = connect(port, host, () => {
      near.write(peerInfo(port));
      far.write(peerInfo(port));
      near.pipe(far);
      far.pipe(near);
    });
    keep(far);
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function peerInfo(port: number): Buffer {
  return encodePeerInfo({
    attestation: undefined,
    collateralRootHash: Buffer.alloc(48),
    publicKey: Buffer.alloc(32, 1),
    sourceAddress: '127.0.0.1',
    sourcePort: 1,
    destinationAddress: '127.0.0.1',
    destinationPort: port,
  });
}
