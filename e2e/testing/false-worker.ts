/** A worker that gets through the handshake and then says whatever a test wants it to say. */
import { randomBytes } from 'node:crypto';
import { silentLogger, systemClock } from '@bombyx/base';
import { Address, formatAddress } from '@bombyx/ton';
import { anyPolicy, type Connection, connect, createIdentity, QueryError } from '@bombyx/transport';
import { encode, type Tl, type TlFunction, type TlObject } from '@bombyx/wire';
import type { Network } from './network.ts';
import { until } from './until.ts';

export const FALSE_MODEL = 'false-model';

/** What it does with a request. */
export type Behaviour = (job: Tl<'bombyx.runJob'>, say: (message: TlObject) => void, connection: Connection) => void;

/** Resolves when the proxy offers its model. */
export async function joinFalsely({ proxy }: Network, behave: Behaviour): Promise<Connection> {
  const identity = await createIdentity({ attestation: 'fake_tdx' });
  const security = { kind: 'tls', identity, policy: anyPolicy() } as const;
  const connection = await connect(
    { host: '127.0.0.1', port: proxy.workersPort, security },
    (connection) => ({
      onMessage: (message) => {
        if (message.kind === 'bombyx.runJob') behave(message, (said) => connection.send(said), connection);
      },
      onQuery: () => Promise.reject(new QueryError(0, 'no')),
    }),
    { clock: systemClock, log: silentLogger },
  );
  const steps: TlFunction[] = [
    {
      kind: 'worker.connectToProxy',
      params: {
        kind: 'worker.params',
        flags: 3,
        worker_owner_address: formatAddress(new Address(0, randomBytes(32)), { testnet: true }),
        model: FALSE_MODEL,
        coefficient: 1_000,
        is_test: true,
        proxy_cnt: 1,
        max_active_requests: 4,
        min_proto_version: 1,
        max_proto_version: 3,
      },
    },
    {
      kind: 'worker.compareBalanceWithProxy',
      tokens_committed_to_blockchain: 0n,
      tokens_committed_to_db: 0n,
      max_tokens: 0n,
    },
    { kind: 'worker.proxyHandshakeComplete', is_disabled: false },
  ];
  for (const step of steps) await connection.query(step, { timeoutMs: 10_000 });
  await until('the model is offered', () =>
    proxy.snapshot().worker_connections.some(({ model }) => model === FALSE_MODEL),
  );
  return connection;
}

export interface HeadOptions {
  readonly status?: number;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly payload?: string | Buffer;
}

export function response({
  status = 200,
  headers = [['Content-Type', 'application/json']],
  payload = '',
}: HeadOptions = {}): Buffer {
  return encode({
    kind: 'http.response',
    http_version: 'HTTP/1.1',
    status_code: status,
    reason: 'OK',
    headers: headers.map(([name, value]) => ({ kind: 'http.header', name, value })),
    payload: Buffer.from(payload),
  });
}

export function finalInfo(tokens: bigint): Tl<'bombyx.finalInfo'> {
  return {
    kind: 'bombyx.finalInfo',
    flags: 0,
    tokens_used: {
      kind: 'tokensUsed',
      prompt_tokens_used: 0n,
      cached_tokens_used: 0n,
      completion_tokens_used: tokens,
      reasoning_tokens_used: 0n,
      total_tokens_used: tokens,
    },
  };
}

/** The first answer; with `tokens` also the last. */
export function head(request_id: Buffer, answer: Buffer, tokens?: bigint): Tl<'bombyx.answerHead'> {
  const last = tokens === undefined ? { flags: 0 } : { flags: 1, final_info: finalInfo(tokens) };
  return { kind: 'bombyx.answerHead', request_id, answer, ...last };
}

export function part(request_id: Buffer, data: string | Buffer, tokens?: bigint): Tl<'bombyx.answerPart'> {
  const last = tokens === undefined ? { flags: 0 } : { flags: 1, final_info: finalInfo(tokens) };
  return { kind: 'bombyx.answerPart', request_id, data: Buffer.from(data), ...last };
}
