/** SOCKS5 client towards a router on this machine: no authentication, CONNECT, IPv4. Source: wire.md §2.2. */
import { isIPv4 } from 'node:net';
import type { Duplex } from 'node:stream';
import { TransportError } from './errors.ts';
import { CONNECT_TIMEOUT_MS } from './limits.ts';
import { readExactly, type Step, type StepContext } from './step.ts';

const STEP: Step = { name: 'SOCKS5 exchange', timeoutMs: CONNECT_TIMEOUT_MS, code: 'TRANSPORT_SOCKS' };
const VERSION = 5;
const NO_AUTHENTICATION = 0;
const CONNECT = 1;
/** Bytes of the bound address by its type, the port included; the C++ router always answers with IPv4. */
const ADDRESS_BYTES: Readonly<Record<number, number>> = { 1: 6, 4: 18 };

/**
 * Asks the router behind `socket` for a connection. It answers before that connection stands; a failure over there only
 * closes the socket.
 * @throws {TransportError} `TRANSPORT_SOCKS`; the socket is destroyed
 */
export async function socksConnect(socket: Duplex, host: string, port: number, context: StepContext): Promise<void> {
  if (!isIPv4(host)) throw fail(socket, `a router connects to IPv4 addresses only, not to ${host}`);
  socket.write(Buffer.of(VERSION, 1, NO_AUTHENTICATION));
  const method = await readExactly(socket, 2, STEP, context);
  if (method[0] !== VERSION || method[1] !== NO_AUTHENTICATION) throw fail(socket, 'the router wants authentication');
  socket.write(Buffer.of(VERSION, CONNECT, 0, 1, ...host.split('.').map(Number), port >> 8, port & 0xff));
  const reply = await readExactly(socket, 4, STEP, context);
  if (reply[0] !== VERSION) throw fail(socket, 'not a SOCKS5 answer');
  if (reply[1] !== 0) throw fail(socket, `the router refused with code ${reply[1]}`);
  const addressBytes = ADDRESS_BYTES[reply.readUInt8(3)];
  if (addressBytes === undefined) throw fail(socket, 'unknown address type in the answer');
  await readExactly(socket, addressBytes, STEP, context);
}

function fail(socket: Duplex, message: string): TransportError {
  socket.destroy();
  return new TransportError('TRANSPORT_SOCKS', message);
}
