/** A proxy's money on an embedded chain run by the real executor: a root, people with wallets, and lives that end. */
import { createHash } from 'node:crypto';
import { copyFileSync, cpSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Logger, nanoTon, type Random, silentLogger } from '@bombyx/base';
import type { LedgerEvent } from '@bombyx/ledger';
import { FakeClock, turn } from '@bombyx/testkit';
import {
  type Address,
  type Chain,
  type ChainAccount,
  ChainError,
  type ChainTransaction,
  type ClientData,
  type ContractInit,
  clientBirthData,
  clientRequest,
  formatAddress,
  initAddress,
  operatingWallet,
  type ProxyData,
  privateKeyFromSeed,
  proxyBirthData,
  publicKeyBytes,
  type RootConfig,
  readClientData,
  readContractCode,
  readProxyData,
  readWalletState,
  readWorkerData,
  rootDataCell,
  rootRequest,
  signWalletOrder,
  type Transfer,
  transfer,
  type WorkerData,
  walletExternal,
  workerBirthData,
  workerRequest,
} from '@bombyx/ton';
import { EmbeddedChain, Faucet, Ledger, Machine, Store } from '../../devnet/src/index.ts';
import { Bookkeeper } from '../src/bookkeeper.ts';
import type { SettlementPolicy } from '../src/settlement/policy.ts';
import { openSettlement, type Settlement } from '../src/settlement/settlement.ts';

export const TON = 1_000_000_000n;
/** NanoTON for a token, of which the worker gets three quarters: a thousand tokens for 0.001 TON. */
export const PRICE = 1_000n;
export const FEE = 750n;
/** Adjusted tokens for one TON. */
export const TOKENS_OF_TON = TON / PRICE;

const MACHINE_KEY = Buffer.alloc(32, 7);
const WALLET_KEY = Buffer.alloc(32, 8);
const testnet = true;
/** Of the key that signs for the contracts. */
export const MACHINE_PUBLIC_KEY = publicKeyBytes(privateKeyFromSeed(MACHINE_KEY));
export const signerKey = () => privateKeyFromSeed(MACHINE_KEY);

let machine: Promise<Machine> | undefined;

/** Somebody with a wallet of our code, outside the proxy. */
export class Person {
  readonly #key;
  readonly #init: ContractInit;
  readonly #rig: Rig;
  readonly address: Address;
  /** As the books name him. */
  readonly name: string;

  constructor(rig: Rig, who: string) {
    this.#rig = rig;
    this.#key = privateKeyFromSeed(createHash('sha256').update(who).digest());
    const { address, init } = operatingWallet({ publicKey: publicKeyBytes(this.#key), owner: rig.nobody }, 'bombyx');
    this.address = address;
    this.#init = init!;
    this.name = formatAddress(address, { testnet });
  }

  /** Sends, and makes blocks until everything that follows has happened. */
  async send(...transfers: readonly Transfer[]): Promise<void> {
    const { ledger } = this.#rig;
    const { data } = ledger.account(this.address);
    const seqno = data ? readWalletState(data).seqno : 0;
    const messages = transfers.map(transfer);
    const body = signWalletOrder({ subwallet: 0, validUntilSec: 0xffff_fffe, seqno, messages }, this.#key);
    await ledger.send(walletExternal(this.address, body, data ? undefined : this.#init));
    await this.#rig.blocks();
  }
}

/**
 * What a process does that another one could see: writing to its disk, handing messages in. It may be killed before any
 * of them; what comes after one is what comes before the next.
 */
export class Life {
  #at: number;
  acts = 0;
  isDead = false;

  constructor(killAt = Number.POSITIVE_INFINITY) {
    this.#at = killAt;
  }

  /** Lets it die before the act after so many others. */
  dieAfter(acts: number): void {
    this.#at = this.acts + acts + 1;
  }

  /** @throws when the process is dead or dies here */
  act(): void {
    if (this.isDead) throw new Error('a dead process does nothing');
    this.acts += 1;
    if (this.acts >= this.#at) {
      this.isDead = true;
      throw new Error('killed');
    }
  }
}

/** The chain as one process sees it. */
class SeenChain implements Chain {
  readonly #chain: Chain;
  readonly #rig: Rig;
  readonly #life: Life;

  constructor(chain: Chain, rig: Rig, life: Life) {
    this.#chain = chain;
    this.#rig = rig;
    this.#life = life;
  }

  nowSec(signal?: AbortSignal): Promise<number> {
    return this.#ask(() => this.#chain.nowSec(signal));
  }

  account(address: Address, signal?: AbortSignal): Promise<ChainAccount> {
    return this.#ask(async () => this.#rig.distort(await this.#rig.look(address, signal)));
  }

  transactions(...args: Parameters<Chain['transactions']>): Promise<readonly ChainTransaction[]> {
    return this.#ask(async () => {
      const [address, after, limit] = args;
      if (!this.#rig.repeats || after === undefined) return this.#chain.transactions(...args);
      const all = await this.#chain.transactions(address, undefined, 1_000);
      const from = all.findIndex(({ lt }) => lt === after.lt);
      return all.slice(Math.max(0, from - 2), from + 1 + limit);
    });
  }

  async send(...args: Parameters<Chain['send']>): Promise<void> {
    await this.#ask(async () => {
      this.#life.act();
      this.#rig.externals += 1;
      if (!this.#rig.losesExternals) await this.#chain.send(...args);
    });
  }

  run(): never {
    throw new TypeError('a proxy runs no get method');
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #ask<T>(question: () => Promise<T>): Promise<T> {
    if (this.#life.isDead) return new Promise(() => {});
    if (this.#rig.isDown) throw new ChainError('CHAIN_UNREACHABLE', 'no endpoint can be reached');
    this.#rig.asking += 1;
    try {
      return await question();
    } catch (error) {
      if (this.#life.isDead) return new Promise(() => {});
      throw error;
    } finally {
      this.#rig.asking -= 1;
    }
  }
}

/** A chain and books at rest, to begin from again and again. */
export interface Frozen {
  readonly folder: string;
  readonly nowMs: number;
}

export interface RigOptions {
  readonly from?: Frozen;
  readonly policy?: Partial<SettlementPolicy>;
  /** NanoTON in the proxy's wallet at the beginning. */
  readonly wallet?: bigint;
  /** Others who have a thousand TON at the beginning. */
  readonly people?: readonly string[];
  /** Where folders are made; that of the system by default. */
  readonly parent?: string;
  readonly random?: Random;
}

export class Rig implements AsyncDisposable {
  readonly clock: FakeClock;
  readonly folder: string;
  readonly ledger: Ledger;
  readonly faucet: Faucet;
  readonly nobody: Address = initAddress({ code: readContractCode('worker'), data: readContractCode('root') });
  readonly networkOwner: Person;
  readonly owner: Person;
  readonly client: Person;
  readonly worker: Person;
  /** As named in the options. */
  readonly people: readonly Person[];
  root: Address;
  readonly wallet: Address;
  readonly #rootInit: ContractInit;
  readonly #options: RigOptions;
  readonly #random: Random;
  readonly chain: EmbeddedChain;
  readonly #looks = new Map<string, { readonly state: Buffer; readonly account: ChainAccount }>();
  /** Log lines of warnings and errors. */
  readonly lines: string[] = [];
  readonly registered: { readonly nonce: bigint; readonly owner: string }[] = [];
  changes = 0;
  /** Called for each change that a process tells. */
  onChange: (settlement: Settlement) => void = () => {};
  /** Called when a process has written facts down. */
  onRecord: (events: readonly LedgerEvent[], keeper: Bookkeeper) => void = () => {};
  externals = 0;
  asking = 0;
  isDown = false;
  losesExternals = false;
  /** Whether transactions are delivered that were taken already. */
  repeats = false;
  distort: (account: ChainAccount) => ChainAccount = (account) => account;
  /** Requests running, by contract and client. */
  readonly running = new Map<string, number>();
  life = new Life();
  /** Processes that were killed on the way. */
  deaths = 0;
  keeper!: Bookkeeper;
  settlement!: Settlement;
  /** The books' file; a test may put an older copy in its place. */
  path: string;

  private constructor(shared: Machine, options: RigOptions) {
    const { from, parent = tmpdir() } = options;
    this.#options = options;
    this.#random = options.random ?? { bytes: (size) => globalThis.crypto.getRandomValues(new Uint8Array(size)) };
    this.folder = mkdtempSync(join(parent, 'bombyx-settlement-'));
    this.path = join(this.folder, 'books.sqlite');
    if (from) cpSync(from.folder, this.folder, { recursive: true });
    this.clock = new FakeClock(from?.nowMs);
    const seed = () => Buffer.alloc(32, 1);
    const store = new Store(join(this.folder, 'devnet.sqlite'));
    this.ledger = new Ledger({ blockMs: 0 }, { clock: this.clock, log: silentLogger, machine: shared, store, seed });
    this.faucet = new Faucet({ maxAmount: 1_000_000n * TON }, { ledger: this.ledger });
    this.chain = new EmbeddedChain(this.ledger);
    this.networkOwner = new Person(this, 'owner of the network');
    this.owner = new Person(this, 'owner of the proxy');
    this.client = new Person(this, 'client');
    this.worker = new Person(this, 'worker');
    this.people = (options.people ?? []).map((who) => new Person(this, who));
    const walletKey = privateKeyFromSeed(WALLET_KEY);
    this.wallet = operatingWallet(
      { publicKey: publicKeyBytes(walletKey), owner: this.owner.address },
      'bombyx',
    ).address;
    this.#rootInit = { code: readContractCode('root'), data: rootDataCell(firstRoot(this.networkOwner.address)) };
    this.root = initAddress(this.#rootInit);
  }

  /** A chain with a root contract, and people with coins. Nothing of the proxy but its wallet's coins. */
  static async create(options: RigOptions = {}): Promise<Rig> {
    machine ??= Machine.create();
    const rig = new Rig(await machine, options);
    if (options.from) return rig;
    const { wallet = 100n * TON } = options;
    for (const { address } of [rig.networkOwner, rig.owner, rig.client, rig.worker, ...rig.people]) {
      await rig.faucet.give(address, 1_000n * TON);
    }
    if (wallet > 0n) await rig.faucet.give(rig.wallet, wallet);
    await rig.blocks();
    await rig.networkOwner.send({ to: rig.root, value: TON, init: rig.#rootInit, bounce: false });
    return rig;
  }

  /** A new process, from the books as they are on disk. */
  async start(killAt?: number): Promise<Settlement> {
    const life = new Life(killAt);
    this.life = life;
    const keeper = new Bookkeeper({ path: this.path, key: MACHINE_KEY }, { clock: this.clock });
    this.keeper = keeper;
    const record = (...events: readonly LedgerEvent[]) => {
      life.act();
      keeper.recordNow(...events);
      this.onRecord(events, keeper);
    };
    const opening = openSettlement(
      {
        rootAddress: this.root,
        isTest: true,
        testnet,
        checkHashes: true,
        owner: this.owner.address,
        machineKey: signerKey(),
        walletKey: privateKeyFromSeed(WALLET_KEY),
        walletCode: 'bombyx',
        policy: this.#options.policy ?? {},
      },
      {
        chain: new SeenChain(this.chain, this, life),
        bookkeeper: { books: keeper.books, recordNow: record },
        clock: this.clock,
        log: this.#log(),
        random: this.#random,
        registered: (nonce, owner) => void this.registered.push({ nonce, owner }),
        changed: () => {
          this.changes += 1;
          if (this.settlement) this.onChange(this.settlement);
        },
        running: (contract, owner) => this.#running(contract, owner),
      },
    );
    try {
      this.settlement = await opening;
    } catch (error) {
      keeper[Symbol.dispose]();
      if (!life.isDead) throw error;
      this.deaths += 1;
      return this.start();
    }
    return this.settlement;
  }

  /** Starts, and waits until it serves. */
  async serve(killAt?: number): Promise<Settlement> {
    const settlement = await this.start(killAt);
    await this.until('it serves', () => settlement.serving !== undefined);
    return settlement;
  }

  /** Puts another process in the place of a dead one. */
  async revive(): Promise<void> {
    if (!this.life.isDead) return;
    this.deaths += 1;
    this.kill();
    await this.start();
  }

  /** Ends the process as `kill -9` does: it does nothing any more, and its files are what they were at that moment. */
  kill(): void {
    this.life.isDead = true;
    const files = [this.path, `${this.path}-wal`].filter((file) => existsSync(file));
    for (const file of files) copyFileSync(file, `${file}.killed`);
    this.keeper[Symbol.dispose]();
    for (const file of files) renameSync(`${file}.killed`, file);
  }

  async stop(): Promise<void> {
    await this.settlement[Symbol.asyncDispose]();
    this.keeper[Symbol.dispose]();
  }

  /** Ends everything where it stands. The folder is the caller's to remove. */
  async freeze(): Promise<Frozen> {
    if (this.settlement) await this.stop();
    this.life.isDead = true;
    await this.ledger[Symbol.asyncDispose]();
    const folder = mkdtempSync(join(this.#options.parent ?? tmpdir(), 'bombyx-frozen-'));
    cpSync(this.folder, folder, { recursive: true });
    return { folder, nowMs: this.clock.nowMs() };
  }

  /** Moves time on by so many seconds, in strides with a block after each; or second by second with a block every two. */
  async pass(seconds: number, stride?: number): Promise<void> {
    if (stride !== undefined) {
      for (let left = seconds; left > 0; left -= stride) await this.leap(Math.min(left, stride));
      return;
    }
    for (let i = 1; i <= seconds; i += 1) {
      this.clock.advance(1_000);
      await this.#settle();
      if (i % 2 === 0) await this.ledger.produce();
    }
  }

  /** Moves the chain and everybody's clock on at once. */
  async leap(seconds: number): Promise<void> {
    this.clock.advance(seconds * 1_000);
    await this.#settle();
    await this.ledger.produce();
  }

  async until(what: string, check: () => boolean | Promise<boolean>, seconds = 240): Promise<void> {
    for (let i = 0; i < seconds; i += 2) {
      await this.revive();
      if (await check()) return;
      await this.pass(2);
    }
    if (await check()) return;
    throw new Error(
      `never happened: ${what}; ${this.settlement.illness ?? 'well'}; ${this.lines.slice(-5).join('; ')}`,
    );
  }

  /** Makes blocks until no message is on its way. */
  async blocks(): Promise<void> {
    do await this.ledger.produce();
    while (this.ledger.head.size > 0);
  }

  /** An account; decoded again only when it has changed. */
  async look(address: Address, signal?: AbortSignal): Promise<ChainAccount> {
    const key = Buffer.concat([Buffer.from([address.workChain & 0xff]), address.hash]);
    const state = Buffer.from(this.ledger.records.stateOf(key));
    const known = this.#looks.get(key.toString('hex'));
    if (known?.state.equals(state)) return known.account;
    const account = await this.chain.account(address, signal);
    this.#looks.set(key.toString('hex'), { state, account });
    return account;
  }

  get proxy(): Address {
    return this.settlement.opened!.contract;
  }

  get contract(): string {
    return this.settlement.opened!.instance.contract;
  }

  config(): RootConfig {
    return this.settlement.root;
  }

  clientInit(owner = this.client, proxy = this.proxy, root = this.config()): ContractInit {
    return { code: root.clientCode, data: clientBirthData(root, this.#account(owner, proxy)) };
  }

  workerInit(owner = this.worker, proxy = this.proxy, root = this.config()): ContractInit {
    return { code: root.workerCode, data: workerBirthData(root, this.#account(owner, proxy)) };
  }

  proxyInit(): ContractInit {
    const root = this.config();
    const publicKey = MACHINE_PUBLIC_KEY;
    const data = proxyBirthData(root, { owner: this.owner.address, publicKey, rootAddress: this.root });
    return { code: root.proxyCode, data };
  }

  /** The client pays in, and deploys its contract with the first time. */
  async topUp(amount: bigint, owner = this.client): Promise<void> {
    const init = this.clientInit(owner);
    const secretHash = Buffer.alloc(32, 3);
    const body = clientRequest.topUpWithSecret({
      queryId: 1n,
      excess: owner.address,
      amount: nanoTon(amount),
      secretHash,
    });
    await owner.send({ to: initAddress(init), value: amount + TON, init, body });
  }

  /** The worker makes its contract, and says so. */
  async hire(owner = this.worker): Promise<void> {
    const init = this.workerInit(owner);
    const body = workerRequest.register({ queryId: 1n, excess: owner.address });
    await owner.send({ to: initAddress(init), value: TON, init, body });
  }

  /** The client asks for its refund, or sends something else to its contract. */
  async tell(to: Address, body: Transfer['body'], owner = this.client, value = TON): Promise<void> {
    await owner.send({ to, value, ...(body ? { body } : {}) });
  }

  /** A request that was answered. */
  charge(total: bigint, over: { client?: Person; worker?: Person; contract?: string } = {}): void {
    const { client = this.client, worker = this.worker, contract = this.contract } = over;
    const spent = { prompt: total, cached: 0n, completion: 0n, reasoning: 0n, total };
    const id = Buffer.from(globalThis.crypto.getRandomValues(new Uint8Array(32))).toString('hex');
    const parties = { client: client.name, worker: worker.name };
    const atMs = this.clock.nowMs();
    this.keeper.recordNow({ type: 'charged', instance: contract, id, ...parties, tokens: spent, atMs });
  }

  async changePrices(price = PRICE * 2n, fee = FEE * 2n): Promise<void> {
    const prices = { pricePerToken: nanoTon(price), workerFeePerToken: nanoTon(fee) };
    await this.networkOwner.send({
      to: this.root,
      value: TON,
      body: rootRequest.changePrices({ queryId: 1n, ...prices }),
    });
  }

  balance(of: Address): bigint {
    return this.ledger.account(of).balance;
  }

  isActive(at: Address): boolean {
    return this.ledger.account(at).kind === 'active';
  }

  clientData(at: Address): ClientData {
    return readClientData(this.#data(at));
  }

  workerData(at: Address): WorkerData {
    return readWorkerData(this.#data(at));
  }

  proxyData(at: Address): ProxyData {
    return readProxyData(this.#data(at));
  }

  /** Messages that an account got, oldest first: op and value. */
  async received(
    at: Address,
  ): Promise<readonly { readonly op: number; readonly value: bigint; readonly ok: boolean }[]> {
    const all = await this.chain.transactions(at, undefined, 1_000);
    return all.flatMap(({ transaction: { inMessage }, succeeded }) => {
      if (inMessage?.info.type !== 'internal') return [];
      const { body } = inMessage;
      const op = body.bits.length >= 32 ? body.beginParse().preloadUint(32) : 0;
      return [{ op, value: inMessage.info.value.coins, ok: succeeded }];
    });
  }

  /** What a client contract told the proxy contract last. */
  async saidToProxy(): Promise<NonNullable<Transfer['body']>> {
    const all = await this.chain.transactions(this.proxy, undefined, 1_000);
    const bodies = all.flatMap(({ transaction: { inMessage } }) => (inMessage ? [inMessage.body] : []));
    return bodies.findLast(({ bits }) => bits.length > 32 + 64 + 267)!;
  }

  rootInit(): ContractInit {
    return this.#rootInit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.settlement && !this.life.isDead) await this.stop();
    await this.ledger[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #account(owner: Person, proxy: Address) {
    return { owner: owner.address, proxy, publicKey: MACHINE_PUBLIC_KEY };
  }

  #data(at: Address) {
    const { data } = this.ledger.account(at);
    if (!data) throw new Error(`${at} is not there`);
    return data;
  }

  #running(contract: string, owner?: string): number {
    if (owner !== undefined) return this.running.get(`${contract}/${owner}`) ?? 0;
    let sum = 0;
    for (const [key, count] of this.running) if (key.startsWith(`${contract}/`)) sum += count;
    return sum;
  }

  async #settle(): Promise<void> {
    let quiet = 0;
    while (quiet < 4) {
      await turn();
      quiet = this.asking > 0 ? 0 : quiet + 1;
    }
  }

  #log(): Logger {
    const keep = (message: string, fields?: object) =>
      void this.lines.push(`${message} ${JSON.stringify(fields, bigints)}`);
    const log: Logger = { ...silentLogger, warn: keep, error: keep, child: () => log };
    return log;
  }
}

function bigints(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

function firstRoot(owner: Address): Parameters<typeof rootDataCell>[0] {
  return {
    owner,
    version: 1,
    proxyImages: [],
    workerImages: [],
    models: [],
    proxies: new Map(),
    lastProxySeqno: 0,
    params: {
      structVersion: 3,
      paramsVersion: 1,
      uniqueId: 17,
      isTest: true,
      pricePerToken: nanoTon(PRICE),
      workerFeePerToken: nanoTon(FEE),
      multipliers: { prompt: 10_000, cached: 10_000, completion: 10_000, reasoning: 10_000 },
      proxyDelayBeforeCloseSec: 600,
      clientDelayBeforeCloseSec: 300,
      minProxyStake: nanoTon(TON),
      minClientStake: nanoTon(TON),
      proxyCode: readContractCode('proxy'),
      workerCode: readContractCode('worker'),
      clientCode: readContractCode('client'),
    },
  };
}
