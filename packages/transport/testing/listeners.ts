/** Real sockets on loopback. */
import { once } from 'node:events';
import type net from 'node:net';
import { type Clock, type Logger, silentLogger, systemClock } from '@bombyx/base';
import { encodePowResponse, solvePow } from '@bombyx/wire';
import {
  anyPolicy,
  type Connection,
  type ConnectionHandlers,
  type ConnectOptions,
  connect,
  createIdentity,
  type Listener,
  type ListenLimits,
  type ListenSecurity,
  listen,
  type PeerPolicy,
  type TlsIdentity,
} from '../src/index.ts';
import { recorder } from './pairs.ts';

/** Shared by the tests of a file: making one takes a while. */
export const identity = await createIdentity();
export const fakeIdentity = await createIdentity({ attestation: 'fake_tdx' });
export const deps = { clock: systemClock, log: silentLogger };

export interface Gate extends AsyncDisposable {
  readonly listener: Listener;
  readonly accepted: Connection[];
  /** Reasons for which peers did not get in. */
  readonly refusals: string[];
}

/** A listener that notes who got in and who did not. */
export async function gate(
  options: {
    readonly security?: Partial<ListenSecurity>;
    readonly limits?: Partial<ListenLimits>;
    readonly clock?: Clock;
    readonly reattestEveryMs?: number;
    readonly handlers?: Parameters<typeof listen>[1];
  } = {},
): Promise<Gate> {
  const accepted: Connection[] = [];
  const refusals: string[] = [];
  const log: Logger = {
    ...silentLogger,
    debug: (message, fields) => {
      if (message.startsWith('a peer')) refusals.push(`${fields?.['code'] ?? message}: ${fields?.['reason'] ?? ''}`);
    },
    child: () => silentLogger,
  };
  const security = { kind: 'tls', identity, policy: anyPolicy(), pow: { difficulty: 1 }, ...options.security };
  const listener = await listen(
    {
      host: '127.0.0.1',
      port: 0,
      security: security as ListenSecurity,
      ...(options.limits && { limits: options.limits }),
    },
    (connection) => {
      accepted.push(connection);
      return options.handlers?.(connection) ?? recorder().handlers;
    },
    { clock: options.clock ?? systemClock, log, reattestEveryMs: options.reattestEveryMs },
  );
  return { listener, accepted, refusals, [Symbol.asyncDispose]: () => listener.close() };
}

/** Connects with TLS; whatever is not given is flawless. */
export function knock(
  port: number,
  options: Partial<ConnectOptions> & {
    identity?: TlsIdentity;
    policy?: PeerPolicy;
    maxDifficulty?: number;
    onMessage?: ConnectionHandlers['onMessage'];
    reattestEveryMs?: number;
  } = {},
): Promise<Connection> {
  const { handlers } = recorder();
  const {
    maxDifficulty = 28,
    onMessage = handlers.onMessage,
    policy = anyPolicy(),
    identity: mine = identity,
    reattestEveryMs,
    ...rest
  } = options;
  const security = { kind: 'tls', identity: mine, policy, pow: { maxDifficulty } } as const;
  return connect({ host: '127.0.0.1', port, security, ...rest }, () => ({ ...handlers, onMessage }), {
    ...deps,
    reattestEveryMs,
  });
}

/** Does a peer's part of the proof of work by hand. */
export async function answerPuzzle(socket: net.Socket): Promise<void> {
  const [challenge] = (await once(socket, 'data')) as [Buffer];
  socket.removeAllListeners('data').pause();
  socket.write(encodePowResponse({ nonce: solvePow(challenge.subarray(8), challenge.readInt32LE(4)) }));
}
