/** SOCKS5 server, as much of it as the C++ router has: CONNECT to an IPv4 address; a user name may choose the policy. Source: wire.md §2.2. */
import type { Socket } from 'node:net';
import { readExactly, type Step, type StepContext, TransportError } from '@bombyx/transport';
import { SOCKS_TIMEOUT_MS } from './limits.ts';

const STEP: Step = { name: 'the SOCKS5 request', timeoutMs: SOCKS_TIMEOUT_MS, code: 'TRANSPORT_SOCKS' };
const VERSION = 5;
const AUTHENTICATION_VERSION = 1;
const Method = { none: 0, password: 2, nothingOffered: 0xff } as const;
const CONNECT = 1;
const IPV4 = 1;

/** Answers of RFC 1928. The C++ router gives none but the first. */
export const SocksReply = {
  done: 0,
  failed: 1,
  networkUnreachable: 3,
  hostUnreachable: 4,
  refused: 5,
  timedOut: 6,
  command: 7,
  addressType: 8,
} as const;

export interface SocksRequest {
  readonly host: string;
  readonly port: number;
  /** Name of the policy that the user name asks for. */
  readonly policy?: string;
}

/**
 * Reads the request; {@link replySocks} answers it.
 * @param policies those a user name may choose; undefined where it may not choose
 * @throws {TransportError} `TRANSPORT_SOCKS`, `TRANSPORT_TIMEOUT`; the program is told first
 */
export async function readSocks(
  socket: Socket,
  policies: ReadonlySet<string> | undefined,
  context: StepContext,
): Promise<SocksRequest> {
  const read = (size: number) => readExactly(socket, size, STEP, context);
  const refuse = (answer: Buffer, message: string) => {
    socket.write(answer);
    return new TransportError('TRANSPORT_SOCKS', message);
  };
  const [version, count] = await read(2);
  if (version !== VERSION) throw refuse(Buffer.alloc(0), 'not SOCKS5');
  const methods = await read(count!);
  const named = policies !== undefined && methods.includes(Method.password);
  if (!named && !methods.includes(Method.none)) {
    const way = policies === undefined ? 'no authentication' : 'none or a user name';
    throw refuse(
      Buffer.of(VERSION, Method.nothingOffered),
      `the program offers no way to authenticate but ${way} is known`,
    );
  }
  socket.write(Buffer.of(VERSION, named ? Method.password : Method.none));
  let policy: string | undefined;
  if (named) {
    const [authentication, length] = await read(2);
    if (authentication !== AUTHENTICATION_VERSION) throw refuse(Buffer.of(1, 1), 'not a user name');
    policy = (await read(length!)).toString();
    const [passwordLength] = await read(1);
    await read(passwordLength!);
    if (!policies.has(policy)) {
      throw refuse(
        Buffer.of(AUTHENTICATION_VERSION, 1),
        `the user name asks for the policy "${policy}", and there is none`,
      );
    }
    socket.write(Buffer.of(AUTHENTICATION_VERSION, 0));
  }
  const [again, command, reserved, addressType] = await read(4);
  if (again !== VERSION || reserved !== 0) throw refuse(Buffer.alloc(0), 'not a SOCKS5 request');
  if (command !== CONNECT)
    throw refuse(replyOf(SocksReply.command), `SOCKS5 command ${command}: only CONNECT is known`);
  if (addressType !== IPV4) throw refuse(replyOf(SocksReply.addressType), 'only IPv4 addresses are connected to');
  const address = await read(6);
  return {
    host: address.subarray(0, 4).join('.'),
    port: address.readUInt16BE(4),
    ...(policy !== undefined && { policy }),
  };
}

/** @param error why no connection came about: a TransportError with what the system said as its cause */
export function replyForFailure(error: unknown): number {
  const { code, cause } = error as TransportError;
  if (code === 'TRANSPORT_TIMEOUT') return SocksReply.timedOut;
  switch ((cause as NodeJS.ErrnoException | undefined)?.code) {
    case 'ECONNREFUSED':
      return SocksReply.refused;
    case 'EHOSTUNREACH':
      return SocksReply.hostUnreachable;
    case 'ENETUNREACH':
      return SocksReply.networkUnreachable;
    case 'ETIMEDOUT':
      return SocksReply.timedOut;
    default:
      return SocksReply.failed;
  }
}

/** @param opened the connection whose local end is told; zeros without it */
export function replySocks(socket: Socket, reply: number, opened?: Socket): void {
  socket.write(replyOf(reply, opened?.localAddress, opened?.localPort));
}

function replyOf(reply: number, address = '0.0.0.0', port = 0): Buffer {
  return Buffer.of(VERSION, reply, 0, IPV4, ...address.split('.').map(Number), port >> 8, port & 0xff);
}
