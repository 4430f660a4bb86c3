/** A proxy made of a script: the client sees a `Connection`, the test sees messages. Every object crosses the wire codec. */
import { createHash, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { tokens } from '@bombyx/base';
import {
  type Address,
  clientContractAddress,
  type Endpoint,
  formatAddress,
  parseAddress,
  privateKeyFromSeed,
  proxyContractAddress,
  publicKeyBytes,
  type RootConfig,
  readFakeRoot,
  signPayment,
} from '@bombyx/ton';
import {
  type Connection,
  type ConnectionHandlers,
  type PeerIdentity,
  QueryError,
  TransportError,
} from '@bombyx/transport';
import { decode, encode, type Tl, type TlFunction, type TlObject } from '@bombyx/wire';

const folder = new URL('../../../vectors/cocoon-cpp/', import.meta.url);

/** The network of the recordings; its keys are public test keys. */
export const OWNER = 'UQAuz15H1ZHrZ_psVrAra7HealMIVeFq0wguqlmFno1f3B-m';
export const ROOT = 'EQBT4hy4vMEZ9uxSCuhw_gBKh9_AwmHXLe7Wo0O4Vh-4kRjJ';
export const CLIENT_WALLET_KEY = 'gaEatwGNgLGOeFI/TRGfPdJG/K4G8picYHQkDHpLQ9w=';
export const PROXY_KEY = 'ml+7xELuOQtfp9q9mSWtHiSWx5aSBV6p3xCfwPmHOwY=';
export const MODEL = 'Qwen/Qwen3-8B';

/** The recorded root configuration, with `proxies` registered: `ip:port ip:port` each. */
export function rootWith(...proxies: string[]): RootConfig {
  const file = JSON.parse(readFileSync(new URL('fake-ton.json', folder), 'utf8')) as Record<string, unknown>;
  return readFakeRoot({ ...file, registered_proxies: proxies.map((address, i) => ({ seqno: i + 1, address })) });
}

export const NO_TOKENS: Tl<'tokensUsed'> = usage(0n, 0n);

export function usage(prompt: bigint, completion: bigint): Tl<'tokensUsed'> {
  return {
    kind: 'tokensUsed',
    prompt_tokens_used: prompt,
    cached_tokens_used: 0n,
    completion_tokens_used: completion,
    reasoning_tokens_used: 0n,
    total_tokens_used: prompt + completion,
  };
}

export function httpResponse(payload = '', over: Partial<Tl<'http.response'>> = {}): Buffer {
  return encode({
    kind: 'http.response',
    http_version: 'HTTP/1.1',
    status_code: 200,
    reason: 'OK',
    headers: [{ kind: 'http.header', name: 'content-type', value: 'application/json' }],
    payload: Buffer.from(payload),
    ...over,
  });
}

/** Who a proxy is on the chain. */
export interface ProxyOnChain {
  readonly key: KeyObject;
  readonly owner: Address;
  readonly rootAddress: Address;
}

export interface ScriptedProxyOptions {
  /** What the proxy answers to `client.connectToProxy`; default 3. */
  readonly protoVersion?: number;
  /** Hash of the secret it knows; absent: the long form. */
  readonly secretHash?: Buffer;
  readonly peer?: Partial<PeerIdentity>;
  /** Default: the one of the recordings. */
  readonly party?: ProxyOnChain;
  /** What has to be registered; default 5. */
  readonly nonce?: bigint;
  /** Totals it names when it welcomes a client. */
  readonly totals?: { readonly signed: bigint; readonly max: bigint };
  /** Resolves when the script may answer. */
  readonly before?: (fn: TlFunction) => Promise<void> | undefined;
  /** Changes what connectToProxy is answered with. */
  readonly hello?: (honest: Tl<'client.connectedToProxy'>) => TlObject;
  /** Answers a query in place of the script; undefined: the script does. */
  readonly answer?: (fn: TlFunction) => TlObject | Promise<TlObject> | undefined;
}

type Sent = Exclude<TlObject, { kind: `tcp.${string}` }>;

/** One proxy, over any number of connections; the latest is the one that counts. */
export class ScriptedProxy {
  root: RootConfig;
  readonly endpoint: Endpoint;
  options: ScriptedProxyOptions;
  /** One-way messages of the client, oldest first, all connections. */
  readonly messages: Sent[] = [];
  readonly queries: TlFunction[] = [];
  bufferedBytes = 0;
  readonly #party: ProxyOnChain;
  #handlers: ConnectionHandlers | undefined;
  #ending: AbortController | undefined;
  #clientContract = '';

  constructor(root: RootConfig, endpoint: Endpoint, options: ScriptedProxyOptions = {}) {
    this.root = root;
    this.endpoint = endpoint;
    this.options = options;
    this.#party = options.party ?? {
      key: privateKeyFromSeed(Buffer.from(PROXY_KEY, 'base64')),
      owner: parseAddress(OWNER),
      rootAddress: parseAddress(ROOT),
    };
  }

  /** A fresh connection, as `connect` would hand it over. */
  accept(handlersFor: (connection: Connection) => ConnectionHandlers): Connection {
    const ending = new AbortController();
    const proxy = this;
    const connection: Connection = {
      id: 'scripted',
      peer: {
        publicKey: undefined,
        imageHash: Buffer.alloc(32),
        attestation: 'none',
        address: '127.0.0.1',
        port: 1,
        ...this.options.peer,
      },
      signal: ending.signal,
      get bufferedBytes() {
        return proxy.bufferedBytes;
      },
      send: (message) => {
        if (!ending.signal.aborted) this.messages.push(decode(encode(message)) as Sent);
        return true;
      },
      drained: () => Promise.resolve(),
      query: (fn, { signal }) => this.#query(fn, AbortSignal.any([ending.signal, ...(signal ? [signal] : [])])),
      close: (reason = 'closed by the client') =>
        ending.abort(typeof reason === 'string' ? new TransportError('TRANSPORT_CLOSED', reason) : reason),
    };
    this.#ending = ending;
    this.#handlers = handlersFor(connection);
    return connection;
  }

  /** The contract of the client that introduced itself last. */
  get clientContract(): Address {
    return parseAddress(this.#clientContract);
  }

  get connected(): boolean {
    return this.#ending?.signal.aborted === false;
  }

  /** The proxy sends a one-way message. */
  say(message: TlObject): void {
    void this.#handlers?.onMessage(decode(encode(message)));
  }

  /** As {@link say}, for objects that no codec would write. */
  sayUnchecked(message: TlObject): void {
    void this.#handlers?.onMessage(message);
  }

  /** The connection breaks. */
  lose(): void {
    this.#ending?.abort(new TransportError('TRANSPORT_CLOSED', 'the peer closed the connection'));
  }

  /** The run messages among {@link messages}. */
  get runs(): (Tl<'bombyx.runQuery'> | Tl<'client.runQueryEx'> | Tl<'client.runQuery'>)[] {
    return this.messages.filter((message) => /\.runQuery(Ex)?$/.test(message.kind)) as ReturnType<
      () => (typeof this)['runs']
    >;
  }

  /** Id of the n-th run, from the end if negative. */
  runId(n = -1): Buffer {
    const run = this.runs.at(n);
    if (run === undefined) throw new Error('no such run at this proxy');
    return run.request_id;
  }

  signed(total: bigint, over: { contract?: string } = {}): Tl<'proxy.signedPayment'> {
    const contract = parseAddress(over.contract ?? this.#clientContract);
    const payment = { kind: 'charge', queryId: 7n, tokens: tokens(total), contract, excess: contract } as const;
    return { kind: 'proxy.signedPayment', data: signPayment(payment, this.#party.key) };
  }

  async #query(fn: TlFunction, signal: AbortSignal): Promise<TlObject> {
    this.queries.push(fn);
    const over = new Promise<never>((_, reject) => {
      if (signal.aborted) reject(signal.reason);
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    const script = async () => {
      await this.options.before?.(fn);
      return this.options.answer?.(fn) ?? this.#script(fn);
    };
    return decode(encode(await Promise.race([script(), over])));
  }

  #script(fn: TlFunction): TlObject {
    switch (fn.kind) {
      case 'client.connectToProxy':
        return (this.options.hello ?? ((it) => it))(this.#hello(fn));
      case 'client.authorizeWithProxyShort': {
        const right = this.options.secretHash?.equals(createHash('sha256').update(fn.data).digest());
        if (!right) throw new QueryError(0, 'sha256 mismatch');
        return this.#welcome();
      }
      case 'client.authorizeWithProxyLong':
        return this.#welcome();
      case 'client.updatePaymentStatus':
        return {
          kind: 'client.paymentStatus',
          signed_payment: { kind: 'proxy.signedPaymentEmpty' },
          db_tokens: 0n,
          max_tokens: 0n,
        };
      case 'client.getWorkerTypesV2':
        return {
          kind: 'client.workerTypesV2',
          types: [
            {
              kind: 'client.workerTypeV2',
              name: MODEL,
              workers: [
                {
                  kind: 'client.workerInstanceV2',
                  flags: 0,
                  coefficient: 1000,
                  active_requests: 1,
                  max_active_requests: 60,
                },
              ],
            },
          ],
        };
      default:
        throw new QueryError(0, 'Lost promise');
    }
  }

  #welcome(): Tl<'client.authorizationWithProxySuccess'> {
    return {
      kind: 'client.authorizationWithProxySuccess',
      signed_payment: this.signed(this.options.totals?.signed ?? 0n),
      tokens_committed_to_db: 0n,
      max_tokens: this.options.totals?.max ?? 0n,
    };
  }

  #hello({ params }: Tl<'client.connectToProxy'>): Tl<'client.connectedToProxy'> {
    const { key, owner: proxyOwner, rootAddress } = this.#party;
    const publicKey = publicKeyBytes(key);
    const proxy = proxyContractAddress(this.root, { owner: proxyOwner, publicKey, rootAddress });
    const owner = parseAddress(params.client_owner_address);
    const text = (address: Parameters<typeof formatAddress>[0]) => formatAddress(address, { testnet: false });
    this.#clientContract = text(clientContractAddress(this.root, { owner, proxy, publicKey }));
    const protoVersion = this.options.protoVersion ?? 3;
    return {
      kind: 'client.connectedToProxy',
      params: {
        kind: 'proxy.params',
        flags: protoVersion > 0 ? 3 : 1,
        proxy_public_key: publicKey,
        proxy_owner_address: text(proxyOwner),
        proxy_sc_address: text(proxy),
        is_test: true,
        ...(protoVersion > 0 ? { proto_version: protoVersion } : {}),
      },
      client_sc_address: this.#clientContract,
      auth: this.options.secretHash
        ? {
            kind: 'client.proxyConnectionAuthShort',
            secret_hash: this.options.secretHash,
            nonce: this.options.nonce ?? 0n,
          }
        : { kind: 'client.proxyConnectionAuthLong', nonce: this.options.nonce ?? 5n },
      signed_payment: { kind: 'proxy.signedPaymentEmpty' },
    };
  }
}
