/** A client that pays: one scripted proxy that watches a chain run by the real executor, and lives that can be cut off. */
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LogFields, type Logger, nanoTon, silentLogger } from '@bombyx/base';
import { FakeClock, turn } from '@bombyx/testkit';
import {
  type Address,
  initAddress,
  operatingWallet,
  privateKeyFromSeed,
  proxyBirthData,
  publicKeyBytes,
  type RootConfig,
} from '@bombyx/ton';
import { rootData } from '../../../packages/ton/testing/chain-root.ts';
import {
  actor,
  code,
  key as proxyKey,
  publicKey as proxyPublicKey,
  START,
  signed,
  TON,
} from '../../../packages/ton/testing/contracts-world.ts';
import { WorldChain } from '../../../packages/ton/testing/world-chain.ts';
import { openClient, type ProxyClient } from '../src/client.ts';
import { parseClientConfig } from '../src/config.ts';
import type { Keep } from '../src/target.ts';
import { request, Transcript } from './network.ts';
import { httpResponse, rootWith, ScriptedProxy, usage } from './scripted-proxy.ts';

export { TON };
/** NanoTON for a token: a stake of one TON is a million tokens. */
export const PRICE = 1_000n;
const ENDPOINT = { host: '127.0.0.1', port: 9001 };
const SEED = Buffer.alloc(32, 9);

export interface MoneyOptions {
  /** NanoTON in the operating wallet; default 10 TON. */
  readonly wallet?: bigint;
  readonly config?: Record<string, unknown>;
  /** NanoTON for a token; default {@link PRICE}. */
  readonly price?: bigint;
  /** Images of proxies in the root; default none. */
  readonly hashes?: readonly Buffer[];
}

export class MoneyNetwork implements AsyncDisposable {
  readonly clock: FakeClock;
  readonly chain: WorldChain;
  readonly proxy: ScriptedProxy;
  readonly owner = actor('owner of the client');
  readonly wallet: Address;
  readonly lines: string[] = [];
  root: RootConfig;
  client!: ProxyClient;
  folder = mkdtempSync(join(tmpdir(), 'bombyx-client-money-'));
  #config: Record<string, unknown>;
  readonly #folders: string[] = [this.folder];
  /** Running total that the proxy counts. */
  total = 0n;
  #draws = 0;
  /** 64 bits with a sign on the wire, without one in the contract. */
  #nonce = -1n;
  #dial: () => Promise<void> = async () => {};

  static async start({
    wallet = 10n * TON,
    config = {},
    price = PRICE,
    hashes = [],
  }: MoneyOptions = {}): Promise<MoneyNetwork> {
    const clock = new FakeClock(START * 1_000);
    const params = { pricePerToken: nanoTon(price), workerFeePerToken: nanoTon(price / 2n) };
    const it = new MoneyNetwork(clock, await WorldChain.create(clock, { params }), config);
    const { world } = it.chain;
    await world.placeProxy({ stake: nanoTon(20n * TON) }, 100n * TON);
    it.root = { ...it.root, proxyHashes: hashes };
    await it.showRoot();
    if (wallet > 0n) await it.fund(wallet);
    await it.live();
    return it;
  }

  private constructor(clock: FakeClock, chain: WorldChain, config: Record<string, unknown>) {
    this.clock = clock;
    this.chain = chain;
    this.#config = config;
    const { world } = chain;
    const codes = { proxyCode: code.proxy, workerCode: code.worker, clientCode: code.client };
    const { host, port } = ENDPOINT;
    this.root = { ...rootWith(`${host}:${port}`), ...world.params, ...codes, version: 1 };
    const publicKey = publicKeyBytes(privateKeyFromSeed(SEED));
    this.wallet = operatingWallet({ publicKey, owner: this.owner }, 'bombyx').address;
    this.proxy = new ScriptedProxy(this.root, ENDPOINT, {
      party: { key: proxyKey, owner: world.owner, rootAddress: world.root },
      before: (fn) => {
        if (fn.kind === 'client.connectToProxy') this.proxy.options = { ...this.proxy.options, nonce: this.#nonce-- };
        return fn.kind === 'client.authorizeWithProxyLong' ? this.#registered() : undefined;
      },
    });
  }

  /** Begins a life of the client, from its folder and the chain. */
  async live(): Promise<void> {
    const full = parseClientConfig({
      is_test: true,
      owner_address: this.owner.toRawString(),
      root_contract_address: this.chain.world.root.toRawString(),
      node_wallet_key: SEED.toString('base64'),
      data_dir: this.folder,
      proxy_connections: 1,
      wait_for_proxy_ms: 0,
      ...this.#config,
    });
    const random = {
      bytes: (size: number) =>
        createHash('shake256', { outputLength: size })
          .update(`${this.#draws++}`)
          .digest(),
    };
    const deps = { clock: this.clock, log: this.#logger(), random, chain: this.chain };
    const keep: Keep = (_endpoint, handlersFor, serve) => {
      let wanted = true;
      let again = () => {};
      const kept = {
        lastError: undefined as unknown,
        close: () => {
          wanted = false;
          again();
          this.proxy.lose();
        },
      };
      const once = async () => {
        if (!wanted) return;
        const connection = this.proxy.accept(handlersFor);
        await serve(connection, connection.signal).catch((error: unknown) => {
          kept.lastError = error;
          connection.close('the handshake failed');
        });
        if (wanted) again = this.clock.after(10_000, () => void once());
      };
      this.#dial = async () => {
        again();
        void once();
        await turn();
      };
      void once();
      return kept;
    };
    this.client = await openClient(full, deps, keep);
    await turn();
  }

  /** Other fields of its configuration, from the next life on. */
  configure(config: Record<string, unknown>): void {
    this.#config = { ...this.#config, ...config };
  }

  /** Ends it in good order. */
  async die(): Promise<void> {
    await this.client[Symbol.asyncDispose]();
  }

  /** Power fails: what is on disk is on disk, nothing else is done. */
  async crash(): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'bombyx-client-money-'));
    this.#folders.push(folder);
    cpSync(this.folder, folder, { recursive: true });
    await this.die();
    this.folder = folder;
  }

  async restart(): Promise<void> {
    await this.die();
    await this.live();
  }

  /** Connects at once, as reconnection would in a while. */
  reconnect(): Promise<void> {
    this.proxy.lose();
    return this.#dial();
  }

  pass(seconds: number): Promise<void> {
    return this.chain.pass(seconds);
  }

  /** Passes time until it holds. @throws when it does not within `seconds` */
  async until(what: string, holds: () => boolean | Promise<boolean>, seconds = 120): Promise<void> {
    for (let i = 0; i < seconds; i += 1) {
      if (await holds()) return;
      await this.pass(1);
    }
    if (!(await holds())) throw new Error(`never happened: ${what}\n${this.lines.join('\n')}`);
  }

  /** Until a request could go out, and nothing is under way on the chain. */
  async ready(): Promise<void> {
    await this.until('the proxy is ready', () => this.client.ready);
    await this.until('nothing is under way', () => this.client.snapshot().wallet.active_transactions_cnt === 0);
  }

  get contract(): Address {
    return this.chain.world.clientOf(this.wallet);
  }

  get account() {
    return this.chain.world.client(this.contract);
  }

  /** Our account in the client's own words; the first one. */
  get said() {
    const [account] = this.client.snapshot().proxies;
    if (account === undefined) throw new Error('no account');
    return account;
  }

  get proxyText(): string {
    return this.said.proxy_sc_address;
  }

  balance(of: Address): Promise<bigint> {
    return this.chain.world.balance(of);
  }

  async fund(amount: bigint): Promise<void> {
    await this.chain.act((world) => world.send(actor('faucet'), this.wallet, amount, undefined, false));
  }

  /** Whether the contract account exists. */
  async deployed(at = this.contract): Promise<boolean> {
    return (await this.chain.world.chain.getContract(at)).accountState?.type === 'active';
  }

  /** A request that costs `tokens`, answered and billed; the proxy may add what was never used. */
  serve(tokens: bigint, lie: { readonly total?: bigint; readonly signed?: bigint } = {}): Transcript {
    const sink = new Transcript();
    this.client.run(request({ maxTokens: Number(tokens) }), sink);
    if (sink.failure) return sink;
    const request_id = this.proxy.runId();
    const head = { kind: 'bombyx.answerHead', request_id, answer: httpResponse('{}'), flags: 1 } as const;
    this.proxy.say({ ...head, final_info: { kind: 'bombyx.finalInfo', flags: 0, tokens_used: usage(0n, tokens) } });
    this.total += tokens;
    this.bill(lie.total ?? this.total, lie.signed ?? this.total, tokens);
    return sink;
  }

  /** The proxy names totals. */
  bill(max: bigint, signedTotal = max, requestTokens = 0n): void {
    this.proxy.say({
      kind: 'proxy.clientRequestPayment',
      request_id: requestTokens > 0n ? this.proxy.runId() : Buffer.alloc(32),
      signed_payment: this.proxy.signed(signedTotal),
      request_tokens: requestTokens,
      db_tokens: max,
      max_tokens: max,
    });
  }

  /** Body that closes an account of ours, as the proxy signs it. */
  refund(contract: Address, total: bigint) {
    return signed('refund', contract, total, this.chain.world.owner);
  }

  /** The proxy charges on the chain. */
  async charge(total: bigint): Promise<void> {
    const body = signed('charge', this.contract, total, this.chain.world.owner);
    await this.chain.act((world) => world.send(world.owner, this.contract, (7n * TON) / 10n, body));
  }

  /** Puts {@link root} on the chain; nodes see it within a minute. */
  async showRoot(): Promise<void> {
    await this.chain.act(async (world) => {
      await world.place(world.root, 'root', rootData(this.root), TON);
      return [];
    });
  }

  /** New parameters of the network, and the proxy's contract for them. */
  async newParams(): Promise<void> {
    this.root = { ...this.root, version: this.root.version + 1, paramsVersion: this.root.paramsVersion + 1 };
    this.proxy.root = this.root;
    const { secretHash: _, ...options } = this.proxy.options;
    this.proxy.options = options;
    const { owner, root: rootAddress } = this.chain.world;
    const data = proxyBirthData(this.root, { owner, publicKey: proxyPublicKey, rootAddress });
    await this.chain.act(async (world) => {
      await world.place(initAddress({ code: code.proxy, data }), 'proxy', data, 100n * TON);
      return [];
    });
    await this.showRoot();
  }

  /** Lines of the log that say so. */
  logged(pattern: RegExp): readonly string[] {
    return this.lines.filter((line) => pattern.test(line));
  }

  /** Transactions on our contract that came from our wallet, as operation codes. */
  async orders(contract = this.contract): Promise<readonly number[]> {
    const history = await this.chain.transactions(contract, undefined, 1_000);
    return history.flatMap(({ transaction: { inMessage } }) => {
      const fromWallet = inMessage?.info.type === 'internal' && inMessage.info.src.equals(this.wallet);
      return fromWallet && inMessage.body.bits.length >= 32 ? [inMessage.body.beginParse().loadUint(32)] : [];
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.die();
    for (const folder of this.#folders) rmSync(folder, { recursive: true, force: true });
  }

  /** The proxy has seen the nonce on the chain, and from then on knows the secret's hash. */
  async #registered(): Promise<void> {
    const contract = this.proxy.clientContract;
    const nonce = BigInt.asUintN(64, this.proxy.options.nonce ?? 0n);
    const isRegistration = async () => {
      const history = await this.chain.transactions(contract, undefined, 1_000).catch(() => []);
      return history.some(({ transaction: { inMessage }, succeeded }) => {
        if (!succeeded || !inMessage || inMessage.body.bits.length < 160) return false;
        const body = inMessage.body.beginParse();
        return body.loadUint(32) === 0xc45f9f3b && body.skip(64).loadUintBig(64) === nonce;
      });
    };
    while (!(await isRegistration())) await new Promise<void>((seen) => void this.clock.after(5_000, seen));
    const { secretHash } = await this.chain.world.client(contract);
    this.proxy.options = { ...this.proxy.options, secretHash };
  }

  #logger(): Logger {
    const write = (message: string, fields?: LogFields) =>
      void this.lines.push([message, ...Object.values(fields ?? {}).map(String)].join(' '));
    const log: Logger = { ...silentLogger, info: write, warn: write, error: write, child: () => log };
    return log;
  }
}
