/** The other end of a session without sockets: what a proxy says, and everything the worker sent it. */
import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { tokens } from '@bombyx/base';
import {
  type Address,
  formatAddress,
  parseAddress,
  proxyContractAddress,
  publicKeyBytes,
  type RootConfig,
  readFakeRoot,
  signPayment,
  workerContractAddress,
} from '@bombyx/ton';
import { type Connection, TransportError } from '@bombyx/transport';
import { decode, encode, type Tl, type TlFunction, type TlObject } from '@bombyx/wire';
import { soon } from './soon.ts';

export const OWNER = 'UQAuz15H1ZHrZ_psVrAra7HealMIVeFq0wguqlmFno1f3B-m';
export const ROOT_ADDRESS = 'EQBT4hy4vMEZ9uxSCuhw_gBKh9_AwmHXLe7Wo0O4Vh-4kRjJ';

/** The root configuration of the recordings. */
export function recordedRoot(): RootConfig {
  return readFakeRoot(readFileSync(new URL('../../../vectors/cocoon-cpp/fake-ton.json', import.meta.url), 'utf8'));
}

/** A proxy's key, contracts and signature. */
export class ProxyParty {
  readonly privateKey: KeyObject;
  readonly publicKey: Buffer;
  readonly contract: Address;
  readonly workerContract: Address;

  constructor(root: RootConfig, workerOwner = OWNER) {
    this.privateKey = generateKeyPairSync('ed25519').privateKey;
    this.publicKey = publicKeyBytes(this.privateKey);
    const owner = parseAddress(OWNER);
    this.contract = proxyContractAddress(root, {
      owner,
      publicKey: this.publicKey,
      rootAddress: parseAddress(ROOT_ADDRESS),
    });
    const party = { owner: parseAddress(workerOwner), proxy: this.contract, publicKey: this.publicKey };
    this.workerContract = workerContractAddress(root, party);
  }

  sign(total: bigint, more: { contract?: Address; key?: KeyObject } = {}): Tl<'proxy.signedPayment'> {
    const contract = more.contract ?? this.workerContract;
    const payment = { kind: 'payout', queryId: 7n, tokens: tokens(total), contract, excess: this.contract } as const;
    return { kind: 'proxy.signedPayment', data: signPayment(payment, more.key ?? this.privateKey) };
  }

  connected(version: number | undefined): Tl<'worker.connectedToProxy'> {
    const text = (address: Address) => formatAddress(address, { testnet: false });
    return {
      kind: 'worker.connectedToProxy',
      params: {
        kind: 'proxy.params',
        flags: version === undefined ? 1 : 3,
        proxy_public_key: this.publicKey,
        proxy_owner_address: OWNER,
        proxy_sc_address: text(this.contract),
        is_test: true,
        ...(version === undefined ? {} : { proto_version: version }),
      },
      worker_sc_address: text(this.workerContract),
    };
  }
}

/** Answers a query, or throws. */
export type Replies = (fn: TlFunction) => TlObject | Promise<TlObject>;

/** What an honest proxy answers that knows of no work yet. */
export function honest(party: ProxyParty, version: number | undefined): Replies {
  return (fn) => {
    switch (fn.kind) {
      case 'worker.connectToProxy':
        return party.connected(version);
      case 'worker.compareBalanceWithProxy':
        return {
          kind: 'worker.compareBalanceWithProxyResult',
          signed_payment: party.sign(0n),
          tokens_committed_to_db: 0n,
          max_tokens: 0n,
          error_code: 0,
        };
      case 'worker.extendedCompareBalanceWithProxy':
        return { kind: 'worker.extendedCompareBalanceWithProxyResult', error_code: 0 };
      case 'worker.proxyHandshakeComplete':
        return { kind: 'worker.proxyHandshakeCompleted' };
      case 'worker.updatePaymentStatus':
        return { kind: 'worker.paymentStatus', signed_payment: party.sign(0n), db_tokens: 0n, max_tokens: 0n };
      default:
        throw new TypeError(`unexpected ${fn.kind}`);
    }
  };
}

/** In-memory connection. Messages take the way through the codec, so that only what can be sent passes. */
export class FakeConnection implements Connection {
  readonly id = 'fake';
  readonly peer = {
    publicKey: undefined,
    imageHash: Buffer.alloc(32),
    attestation: 'none',
    address: '127.0.0.1',
    port: 1,
  } as const;
  readonly sent: TlObject[] = [];
  readonly asked: TlFunction[] = [];
  /** What `send` answers. */
  accepts = true;
  replies: Replies;
  readonly #end = new AbortController();
  #waiting: PromiseWithResolvers<void>[] = [];
  #watchers: (() => void)[] = [];

  constructor(replies: Replies) {
    this.replies = replies;
  }

  get signal(): AbortSignal {
    return this.#end.signal;
  }
  get bufferedBytes(): number {
    return 0;
  }
  send(message: TlObject): boolean {
    if (!this.signal.aborted) this.sent.push(decode(encode(message)));
    for (const watcher of this.#watchers.splice(0)) watcher();
    return this.accepts;
  }
  drained(): Promise<void> {
    const waiting = Promise.withResolvers<void>();
    this.#waiting.push(waiting);
    return waiting.promise;
  }
  async query(fn: TlFunction): Promise<TlObject> {
    this.asked.push(decode(encode(fn)) as TlFunction);
    return decode(encode(await this.replies(fn)));
  }
  close(reason = 'closed'): void {
    const error = new TransportError('TRANSPORT_CLOSED', reason);
    this.#end.abort(error);
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  /** The kernel takes bytes again. */
  drain(): void {
    this.accepts = true;
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }
  /** Resolves when `holds` does; looks again after each message. */
  async until(holds: (sent: readonly TlObject[]) => boolean): Promise<void> {
    while (!holds(this.sent)) {
      const next = Promise.withResolvers<void>();
      this.#watchers.push(next.resolve);
      await soon(next.promise, 'the next message of the worker');
    }
  }
}

/** A boxed `http.request`. */
export function httpRequest(body: unknown, fields: Partial<Tl<'http.request'>> = {}): Buffer {
  return encode({
    kind: 'http.request',
    method: 'POST',
    url: '/v1/chat/completions',
    http_version: 'HTTP/1.1',
    headers: [{ kind: 'http.header', name: 'Content-Type', value: 'application/json' }],
    payload: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    ...fields,
  });
}

export function runJob(query: Buffer, fields: Partial<Tl<'bombyx.runJob'>> = {}): Tl<'bombyx.runJob'> {
  return {
    kind: 'bombyx.runJob',
    request_id: randomBytes(32),
    query,
    signed_payment: { kind: 'proxy.signedPaymentEmpty' },
    coefficient: 1_000,
    max_tokens: 1_000,
    first_byte_timeout_ms: 60_000,
    idle_timeout_ms: 60_000,
    total_timeout_ms: 60_000,
    window: 1 << 20,
    flags: 0,
    ...fields,
  };
}

export function runQueryEx(query: Buffer, fields: Partial<Tl<'proxy.runQueryEx'>> = {}): Tl<'proxy.runQueryEx'> {
  return {
    kind: 'proxy.runQueryEx',
    query,
    signed_payment: { kind: 'proxy.signedPaymentEmpty' },
    coefficient: 1_000n,
    timeout: 60,
    request_id: randomBytes(32),
    flags: 1,
    enable_debug: false,
    ...fields,
  };
}
