/** A proxy that is honest until a peer is ready, and then says whatever a test wants it to say. */
import { randomBytes } from 'node:crypto';
import { silentLogger, systemClock, tokens } from '@bombyx/base';
import {
  type Address,
  clientContractAddress,
  formatAddress,
  parseAddress,
  privateKeyFromSeed,
  proxyContractAddress,
  publicKeyBytes,
  signPayment,
  workerContractAddress,
} from '@bombyx/ton';
import { anyPolicy, type Connection, createIdentity, type Listener, listen, QueryError } from '@bombyx/transport';
import type { Tl, TlFunction, TlObject } from '@bombyx/wire';
import { anyAddress, rootWith } from './configuration.ts';

const logs = { clock: systemClock, log: silentLogger };
const text = (address: Address) => formatAddress(address, { testnet: true });

/** Answers one query differently; undefined: as an honest proxy does. */
export type Lie = (fn: TlFunction) => TlObject | undefined;

export class FalseProxy implements AsyncDisposable {
  /** Changed at will between tests. */
  lie: Lie = () => undefined;
  /** Hears every one-way message. */
  hear: (message: TlObject, connection: Connection) => void = () => {};
  /** What the latest peer was told its contract is. */
  contractOfPeer: Address | undefined;
  readonly #listener: Listener;
  readonly #rootAddress: Address;
  readonly #owner = parseAddress(anyAddress());
  readonly #key = privateKeyFromSeed(randomBytes(32));

  static async start(rootAddress: string): Promise<FalseProxy> {
    const identity = await createIdentity({ attestation: 'fake_tdx' });
    const security = { kind: 'tls', identity, policy: anyPolicy(), pow: { difficulty: 1 } } as const;
    let proxy: FalseProxy | undefined;
    const listener = await listen(
      { host: '127.0.0.1', port: 0, security },
      (connection) => ({
        onMessage: (message) => proxy?.hear(message, connection),
        onQuery: async (fn) => proxy!.lie(fn) ?? proxy!.#answer(fn),
      }),
      logs,
    );
    proxy = new FalseProxy(listener, parseAddress(rootAddress));
    return proxy;
  }

  private constructor(listener: Listener, rootAddress: Address) {
    this.#listener = listener;
    this.#rootAddress = rootAddress;
  }

  get port(): number {
    return this.#listener.port;
  }

  /** The latest connection of the peer under test. */
  get connection(): Connection | undefined {
    return [...this.#listener.connections].at(-1);
  }

  /** A right signature under any total, for any contract. */
  signed(kind: 'charge' | 'payout', total: bigint, contract = this.contractOfPeer!): Tl<'proxy.signedPayment'> {
    const payment = { kind, queryId: 7n, tokens: tokens(total), contract, excess: this.#owner };
    return { kind: 'proxy.signedPayment', data: signPayment(payment, this.#key) };
  }

  close(): Promise<void> {
    return this.#listener.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #answer(fn: TlFunction): TlObject {
    switch (fn.kind) {
      case 'client.connectToProxy': {
        const contract = this.#contractFor(fn.params.client_owner_address, clientContractAddress);
        return {
          kind: 'client.connectedToProxy',
          params: this.#params(),
          client_sc_address: text(contract),
          auth: { kind: 'client.proxyConnectionAuthLong', nonce: 1n },
          signed_payment: { kind: 'proxy.signedPaymentEmpty' },
        };
      }
      case 'client.authorizeWithProxyLong':
        return {
          kind: 'client.authorizationWithProxySuccess',
          signed_payment: this.signed('charge', 0n),
          tokens_committed_to_db: 0n,
          max_tokens: 0n,
        };
      case 'worker.connectToProxy': {
        const contract = this.#contractFor(fn.params.worker_owner_address, workerContractAddress);
        return { kind: 'worker.connectedToProxy', params: this.#params(), worker_sc_address: text(contract) };
      }
      case 'worker.compareBalanceWithProxy':
        return {
          kind: 'worker.compareBalanceWithProxyResult',
          signed_payment: this.signed('payout', 0n),
          tokens_committed_to_db: 0n,
          max_tokens: 0n,
          error_code: 0,
        };
      case 'worker.proxyHandshakeComplete':
        return { kind: 'worker.proxyHandshakeCompleted' };
      default:
        throw new QueryError(0, 'no');
    }
  }

  #contract(): Address {
    const publicKey = publicKeyBytes(this.#key);
    return proxyContractAddress(rootWith([]), { owner: this.#owner, publicKey, rootAddress: this.#rootAddress });
  }

  #contractFor(owner: string, of: typeof clientContractAddress): Address {
    const account = { owner: parseAddress(owner), proxy: this.#contract(), publicKey: publicKeyBytes(this.#key) };
    this.contractOfPeer = of(rootWith([]), account);
    return this.contractOfPeer;
  }

  #params(): Tl<'proxy.params'> {
    return {
      kind: 'proxy.params',
      flags: 3,
      proxy_public_key: publicKeyBytes(this.#key),
      proxy_owner_address: text(this.#owner),
      proxy_sc_address: text(this.#contract()),
      is_test: true,
      proto_version: 3,
    };
  }
}
