/** A peer that goes through the steps of a connection one by one, so that a test can go wrong at each. */
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { createIdentity } from '@bombyx/transport';
import { decodePowChallenge, encodePowResponse, POW_CHALLENGE_SIZE, solvePow } from '@bombyx/wire';

/** A TCP connection on which nothing was said yet. */
export async function dial(port: number): Promise<Socket> {
  const socket = connectTcp(port, '127.0.0.1');
  socket.on('error', () => {}); // how it ends is what the test asks
  await once(socket, 'connect');
  return socket;
}

/** The first bytes that come, `size` of them; fewer when the other side closes. */
export async function take(socket: Duplex, size: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let have = 0;
  while (have < size && !socket.readableEnded && !socket.destroyed) {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) {
      await Promise.race([once(socket, 'readable'), once(socket, 'close')]);
      continue;
    }
    chunks.push(chunk);
    have += chunk.length;
  }
  const bytes = Buffer.concat(chunks);
  if (bytes.length > size) socket.unshift(bytes.subarray(size));
  return bytes.subarray(0, size);
}

/** After the proof of work: the next byte belongs to TLS. */
export async function dialAndWork(port: number): Promise<Socket> {
  const socket = await dial(port);
  const { salt, difficulty } = decodePowChallenge(await take(socket, POW_CHALLENGE_SIZE));
  socket.write(encodePowResponse({ nonce: solvePow(salt, difficulty) }));
  return socket;
}

/** After mutual TLS: the next byte belongs to a frame. Without `shown` no certificate is sent. */
export async function dialSecurely(port: number, shown = true): Promise<TLSSocket> {
  const socket = await dialAndWork(port);
  const identity = await createIdentity({ attestation: 'fake_tdx' });
  const { context } = await identity.credentials();
  const secure = connectTls({ socket, rejectUnauthorized: false, ...(shown && { secureContext: context }) });
  secure.on('error', () => {});
  await once(secure, 'secureConnect');
  return secure;
}

/** Resolves when the other side has ended the connection. @throws {Error} when it does not within `timeoutMs` */
export async function ended(socket: Duplex, timeoutMs = 10_000): Promise<void> {
  socket.resume();
  if (socket.destroyed || socket.readableEnded) return;
  const late = new Error(`the connection still stands after ${timeoutMs} ms`);
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(late), timeoutMs);
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    socket.once('end', done).once('close', done);
  });
}
