/** A whole proxy without ports: scripted clients and workers talk to its sessions directly, time is driven by hand. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Clock, silentLogger } from '@bombyx/base';
import type { LedgerEvent } from '@bombyx/ledger';
import { FakeClock } from '@bombyx/testkit';
import { type RootConfig, readFakeRoot } from '@bombyx/ton';
import { type Connection, type ConnectionHandlers, NO_IMAGE_HASH, type PeerIdentity } from '@bombyx/transport';
import { encode, type Tl, type TlFunction, type TlName, type TlObject } from '@bombyx/wire';
import { Bookkeeper } from '../src/bookkeeper.ts';
import { clientSession } from '../src/client-session.ts';
import { type ProxyConfig, parseProxyConfig } from '../src/config.ts';
import { type Core, createCore } from '../src/core.ts';
import type { ProxyLimits } from '../src/limits.ts';
import type { Credentials } from '../src/session.ts';
import { workerSession } from '../src/worker-session.ts';
import { connectClient, connectWorker, OWNER, someOwner, type WorkerOptions } from './messages.ts';

export const vectors: URL = new URL('../../../vectors/cocoon-cpp/', import.meta.url);

export function fakeRoot(): RootConfig {
  return readFakeRoot(readFileSync(new URL('fake-ton.json', vectors), 'utf8'));
}

/** The configuration under which the recordings were made. */
export function testConfig(over: Record<string, unknown> = {}): ProxyConfig {
  return parseProxyConfig({
    is_test: true,
    owner_address: OWNER,
    root_contract_address: 'EQBT4hy4vMEZ9uxSCuhw_gBKh9_AwmHXLe7Wo0O4Vh-4kRjJ',
    machine_specific_private_key: 'ml+7xELuOQtfp9q9mSWtHiSWx5aSBV6p3xCfwPmHOwY=',
    node_wallet_key: 'ml+7xELuOQtfp9q9mSWtHiSWx5aSBV6p3xCfwPmHOwY=',
    db_path: '/nonexistent',
    ...over,
  });
}

/** The proxy's end of a connection; what it sends is kept. */
export class FakeConnection implements Connection {
  readonly id = randomBytes(6).toString('hex');
  readonly peer: PeerIdentity;
  readonly sent: TlObject[] = [];
  /** While true, `send` reports a full connection. */
  full = false;
  closedWith: string | undefined;
  readonly #ended = new AbortController();
  #waiters: (() => void)[] = [];

  constructor(peer: Partial<PeerIdentity> = {}) {
    this.peer = {
      publicKey: undefined,
      imageHash: NO_IMAGE_HASH,
      attestation: 'none',
      address: '127.0.0.1',
      port: 1,
      ...peer,
    };
  }

  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  get bufferedBytes(): number {
    return this.full ? 1 << 20 : 0;
  }

  send(message: TlObject): boolean {
    if (this.signal.aborted) return false;
    encode(message); // a message that does not encode is a mistake of ours
    this.sent.push(message);
    return !this.full;
  }

  drained(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  drain(): void {
    this.full = false;
    for (const wake of this.#waiters.splice(0)) wake();
  }

  query(): Promise<TlObject> {
    return Promise.reject(new TypeError('the proxy asks nobody'));
  }

  close(reason: string | Error = 'closed'): void {
    this.closedWith ??= typeof reason === 'string' ? reason : reason.message;
    this.drop();
  }

  /** The peer is gone. */
  drop(): void {
    if (!this.signal.aborted) this.#ended.abort(new Error('gone'));
  }
}

/** One peer with its handlers. */
export class Peer {
  readonly connection: FakeConnection;
  readonly handlers: ConnectionHandlers;

  constructor(open: (connection: Connection) => ConnectionHandlers, peer?: Partial<PeerIdentity>) {
    this.connection = new FakeConnection(peer);
    this.handlers = open(this.connection);
  }

  tell(message: TlObject): void {
    void this.handlers.onMessage(message);
  }

  ask(fn: TlFunction): Promise<TlObject> {
    return this.handlers.onQuery(fn);
  }

  /** Messages of one kind so far. */
  got<K extends TlName>(kind: K): Tl<K>[] {
    return this.connection.sent.filter((message): message is Tl<K> => message.kind === kind);
  }

  /** The only message of that kind. */
  the<K extends TlName>(kind: K): Tl<K> {
    const all = this.got(kind);
    if (all.length !== 1) {
      const kinds = this.connection.sent.map((message) => message.kind).join(', ');
      throw new Error(`expected one ${kind}, got ${all.length} (all: ${kinds})`);
    }
    return all[0]!;
  }
}

/** The bookkeeper of a proxy without chain, and what its books say in sum. */
export class TestKeeper extends Bookkeeper {
  /** Charges written since it was opened. */
  charges = 0;

  constructor(options: { path: string; gatherMs?: () => number | undefined }, deps: { clock: Clock }) {
    super({ key: Buffer.alloc(32), withoutChain: true, ...options }, deps);
  }

  override async record(...events: readonly LedgerEvent[]): Promise<void> {
    await super.record(...events);
    this.charges += events.filter(({ type }) => type === 'charged').length;
  }

  used(client: string): bigint {
    return this.books.active?.accounts.client(client)?.used.max ?? 0n;
  }

  earned(worker: string): bigint {
    return this.books.active?.accounts.worker(worker)?.earned.max ?? 0n;
  }

  /** Sums over everybody. @throws {AssertionError} when the books disagree with themselves */
  totals(): { charged: bigint; charges: number } {
    assert.equal(this.books.audit(), undefined);
    let charged = 0n;
    for (const { used } of this.books.active?.accounts.clients() ?? []) charged += used.max;
    return { charged, charges: this.charges };
  }
}

export interface Bench extends Disposable {
  readonly clock: FakeClock;
  readonly core: Core;
  readonly keeper: TestKeeper;
  readonly config: ProxyConfig;
  clientPeer(): Peer;
  workerPeer(peer?: Partial<PeerIdentity>): Peer;
  client(options?: { version?: number; owner?: string }): Promise<Peer>;
  worker(options?: WorkerOptions, peer?: Partial<PeerIdentity>): Promise<Peer>;
}

export function createBench(
  options: {
    keeper?: TestKeeper;
    limits?: Partial<ProxyLimits>;
    config?: Record<string, unknown>;
    root?: Partial<RootConfig>;
    credentials?: Credentials;
    random?: () => number;
  } = {},
): Bench {
  const clock = new FakeClock();
  const keeper = options.keeper ?? new TestKeeper({ path: ':memory:' }, { clock });
  const config = testConfig(options.config);
  const limited = { ...config, limits: { ...config.limits, ...options.limits } };
  const core = createCore(limited, {
    clock,
    log: silentLogger,
    from: { ...fakeRoot(), ...options.root },
    keeper,
    random: options.random ?? seeded(1),
    ...(options.credentials ? { credentials: options.credentials } : {}),
  });
  const clientPeer = () => new Peer((connection) => clientSession(connection, core.sessions));
  const workerPeer = (peer?: Partial<PeerIdentity>) => new Peer((it) => workerSession(it, core.sessions), peer);
  return {
    clock,
    core,
    keeper,
    config: limited,
    clientPeer,
    workerPeer,
    async client({ version = 3, owner = someOwner(1) } = {}) {
      const peer = clientPeer();
      await peer.ask(connectClient({ owner, version }));
      await peer.ask({ kind: 'client.authorizeWithProxyLong' });
      return peer;
    },
    async worker(options = {}, identity = {}) {
      const peer = workerPeer(identity);
      await peer.ask(connectWorker(options));
      const claim = { tokens_committed_to_blockchain: 0n, tokens_committed_to_db: 0n, max_tokens: 0n };
      await peer.ask({ kind: 'worker.compareBalanceWithProxy', ...claim });
      await peer.ask({ kind: 'worker.proxyHandshakeComplete', is_disabled: options.disabled ?? false });
      await turns();
      clock.advance(50);
      return peer;
    },
    [Symbol.dispose]: () => keeper[Symbol.dispose](),
  };
}

/** Lets promises and immediates run, so that a group commit is through. */
export async function turns(n = 4): Promise<void> {
  for (let i = 0; i < n; i += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Mulberry32: numbers in [0, 1) that repeat for a seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Everything that a request takes is back: call it when none runs. @returns what is not */
export function leaks({ core }: Bench): string[] {
  const { dispatcher, pool, parties } = core.sessions;
  const found: string[] = [];
  if (dispatcher.size > 0) found.push(`${dispatcher.size} requests`);
  if (dispatcher.bufferedBytes > 0) found.push(`${dispatcher.bufferedBytes} buffered bytes`);
  for (const { name, queue } of pool.models()) if (queue.size > 0) found.push(`${queue.size} queued for ${name}`);
  for (const link of pool.links()) if (link.running > 0) found.push(`${link.running} running on ${link.id}`);
  for (const party of parties.clients()) {
    if (party.running > 0) found.push(`${party.running} of a client`);
    const reserved = party.instance.accounts.client(party.owner)?.reserved ?? 0n;
    if (reserved > 0n) found.push(`${reserved} tokens reserved`);
  }
  return found;
}
