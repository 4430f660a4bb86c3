/** A client that stops inside its TLS handshake: what it has not sent yet is all that proves that it holds its key. */
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { duplexPair } from 'node:stream';
import tls from 'node:tls';
import { systemClock } from '@bombyx/base';
import { answerPow, guard, PowSolver, TLS_OPTIONS } from '@bombyx/transport';

const RECORD_HEADER = 5;
/** Type of an encrypted record. The first that a client sends holds its certificate, then come signature and Finished. */
const ENCRYPTED = 23;

/**
 * Solves the puzzle of `port` and begins TLS with the certificate `base`.
 * @param most encrypted records that get through to the router; all that come behind them are kept back
 * @returns the socket, and the size in bytes of each record that got through, once there are `most` of them
 */
export async function halfHandshake(
  port: number,
  base: string,
  most: number,
): Promise<{ readonly socket: net.Socket; readonly sizes: readonly number[] }> {
  const socket = guard(net.connect(port, '127.0.0.1'));
  await answerPow(socket, 8, new PowSolver(), { clock: systemClock, signal: AbortSignal.timeout(20_000) });
  const [inside, outside] = duplexPair();
  const client = tls.connect({
    ...TLS_OPTIONS,
    socket: inside,
    cert: readFileSync(`${base}_cert.pem`),
    key: readFileSync(`${base}_key.pem`),
    rejectUnauthorized: false,
  });
  guard(client);
  socket.on('data', (chunk) => outside.write(chunk));
  socket.once('close', () => client.destroy());
  const sizes: number[] = [];
  await new Promise<void>((resolve) => {
    let waiting = Buffer.alloc(0);
    outside.on('data', (chunk: Buffer) => {
      waiting = Buffer.concat([waiting, chunk]);
      while (waiting.length >= RECORD_HEADER) {
        const end = RECORD_HEADER + waiting.readUInt16BE(3);
        if (waiting.length < end) return;
        const record = waiting.subarray(0, end);
        waiting = waiting.subarray(end);
        if (record[0] === ENCRYPTED && sizes.length === most) continue;
        socket.write(record);
        if (record[0] === ENCRYPTED) sizes.push(record.length);
        if (sizes.length === most) resolve();
      }
    });
  });
  return { socket, sizes };
}
