/** A client among scripted proxies, with a clock that stands still. */
import { createHash } from 'node:crypto';
import { silentLogger } from '@bombyx/base';
import { FakeClock, turn } from '@bombyx/testkit';
import type { AnswerSink, ClientRequest, FinalInfo, HeaderList } from '../src/api.ts';
import type { CostDiary } from '../src/bill.ts';
import { openClient, type ProxyClient } from '../src/client.ts';
import { type ClientConfig, parseClientConfig } from '../src/config.ts';
import type { ClientError } from '../src/errors.ts';
import type { Keep } from '../src/target.ts';
import {
  CLIENT_WALLET_KEY,
  MODEL,
  OWNER,
  ROOT,
  rootWith,
  ScriptedProxy,
  type ScriptedProxyOptions,
} from './scripted-proxy.ts';

export const BASE_CONFIG = {
  is_test: true,
  owner_address: OWNER,
  root_contract_address: ROOT,
  node_wallet_key: CLIENT_WALLET_KEY,
};

export interface Network {
  readonly client: ProxyClient;
  readonly clock: FakeClock;
  readonly proxies: readonly ScriptedProxy[];
  /** The first proxy. */
  readonly proxy: ScriptedProxy;
  /** Connects a proxy again after it was lost, as reconnection would. */
  reconnect(proxy: ScriptedProxy): Promise<void>;
}

/** One client, ready, connected to one scripted proxy per element of `proxies`. */
export async function network(
  proxies: readonly ScriptedProxyOptions[] = [{}],
  config: Record<string, unknown> = {},
  diary?: CostDiary,
): Promise<Network> {
  const clock = new FakeClock();
  const root = rootWith(...proxies.map((_, i) => `127.0.0.1:${9001 + i}`));
  const scripted = proxies.map((options, i) => new ScriptedProxy(root, { host: '127.0.0.1', port: 9001 + i }, options));
  const dial = new Map<number, () => Promise<void>>();
  const keep: Keep = (endpoint, handlersFor, serve) => {
    const proxy = scripted.find((one) => one.endpoint.port === endpoint.port);
    if (proxy === undefined) throw new Error('no such proxy');
    const kept = { lastError: undefined as unknown, close: () => proxy.lose() };
    const once = async () => {
      const connection = proxy.accept(handlersFor);
      void serve(connection, connection.signal).catch((error: unknown) => {
        kept.lastError = error;
      });
      await turn();
    };
    dial.set(endpoint.port, once);
    void once();
    return kept;
  };
  const full: ClientConfig = parseClientConfig({ ...BASE_CONFIG, proxy_connections: proxies.length, ...config });
  let draws = 0; // deterministic, and no two draws alike
  const random = {
    bytes: (size: number) => createHash('shake256', { outputLength: size }).update(`${draws++}`).digest(),
  };
  const client = await openClient(full, { clock, log: silentLogger, root, random, ...(diary && { diary }) }, keep);
  await turn();
  await turn();
  const [proxy] = scripted;
  if (proxy === undefined) throw new Error('a network needs a proxy');
  return { client, clock, proxies: scripted, proxy, reconnect: async (one) => await dial.get(one.endpoint.port)?.() };
}

export function request(over: Partial<ClientRequest> = {}): ClientRequest {
  return {
    model: MODEL,
    method: 'POST',
    path: '/v1/chat/completions',
    headers: [['Content-Type', 'application/json']],
    body: Buffer.from('{"model":"Qwen/Qwen3-8B"}'),
    maxTokens: 100,
    maxCoefficient: 4000,
    timeouts: { firstByteMs: 10_000, idleMs: 5_000, totalMs: 60_000 },
    enableDebug: false,
    ...over,
  };
}

/** Writes down what a sink is told, as the gateway would see it. */
export class Transcript implements AnswerSink {
  readonly events: string[] = [];
  status: number | undefined;
  headers: HeaderList = [];
  body = '';
  final: FinalInfo | undefined;
  failure: ClientError | undefined;

  head(status: number, _reason: string, headers: HeaderList): void {
    this.events.push('head');
    this.status = status;
    this.headers = headers;
  }

  part(bytes: Buffer): void {
    this.events.push('part');
    this.body += bytes.toString('latin1');
  }

  end(final: FinalInfo): void {
    this.events.push('end');
    this.final = final;
  }

  error(error: ClientError): void {
    this.events.push('error');
    this.failure = error;
  }

  get code(): string | undefined {
    return this.failure?.code;
  }
}
