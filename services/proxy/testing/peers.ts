/** A client and a worker of version 3 over real sockets, as small as they can be. */
import { silentLogger, systemClock } from '@bombyx/base';
import { anyPolicy, type Connection, type ConnectionHandlers, connect, createIdentity } from '@bombyx/transport';
import type { TlObject } from '@bombyx/wire';
import { connectClient, connectWorker, head, lastPart, used, type WorkerOptions } from './messages.ts';

const deps = { clock: systemClock, log: silentLogger };
const timeoutMs = 20_000;

export async function dial(
  port: number,
  onMessage: (message: TlObject, from: Connection) => void,
): Promise<Connection> {
  const security = { kind: 'tls', identity: await createIdentity(), policy: anyPolicy() } as const;
  let connection: Connection | undefined;
  const handlersFor = (it: Connection): ConnectionHandlers => {
    connection = it;
    return {
      onMessage: (message) => onMessage(message, connection!),
      onQuery: () => Promise.reject(new TypeError('a proxy asks nothing')),
    };
  };
  return connect({ host: '127.0.0.1', port, security }, handlersFor, deps);
}

/** A ready client; every message of the proxy goes to `onMessage`. */
export async function dialClient(
  port: number,
  onMessage: (message: TlObject) => void,
  owner?: string,
): Promise<Connection> {
  const connection = await dial(port, onMessage);
  await connection.query(connectClient(owner === undefined ? {} : { owner }), { timeoutMs });
  await connection.query({ kind: 'client.authorizeWithProxyLong' }, { timeoutMs });
  return connection;
}

/** A ready worker that answers every job at once with `text`, one prompt token and one of answer. */
export async function dialWorker(port: number, text = 'hello', options: WorkerOptions = {}): Promise<Connection> {
  const connection = await dial(port, (message, proxy) => {
    if (message.kind !== 'bombyx.runJob') return;
    proxy.send(head(message.request_id));
    proxy.send(lastPart(message.request_id, text, used(1, 1)));
  });
  const zeros = { tokens_committed_to_blockchain: 0n, tokens_committed_to_db: 0n, max_tokens: 0n };
  await connection.query(connectWorker(options), { timeoutMs });
  await connection.query({ kind: 'worker.compareBalanceWithProxy', ...zeros }, { timeoutMs });
  await connection.query(
    { kind: 'worker.proxyHandshakeComplete', is_disabled: options.disabled ?? false },
    { timeoutMs },
  );
  return connection;
}
