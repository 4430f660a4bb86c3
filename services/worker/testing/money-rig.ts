/** A worker's money on an emulated chain: a proxy whose pool is funded, a wallet, and lives that can be ended. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LogFields, type Logger, nanoTon, silentLogger, tokens } from '@bombyx/base';
import { FakeClock } from '@bombyx/testkit';
import {
  type Address,
  initAddress,
  type PaymentKind,
  privateKeyFromSeed,
  proxyBirthData,
  publicKeyBytes,
  type RootConfig,
  readCell,
  redirectExcess,
  signPayment,
  walletBirthData,
} from '@bombyx/ton';
import {
  actor,
  code,
  key as proxyKey,
  publicKey as proxyPublicKey,
  START,
  TON,
} from '../../../packages/ton/testing/contracts-world.ts';
import { WorldChain } from '../../../packages/ton/testing/world-chain.ts';
import { parseWorkerConfig, type WorkerConfig } from '../src/config.ts';
import { PaymentMemory } from '../src/memory.ts';
import { birthOf } from '../src/money/birth.ts';
import { Money } from '../src/money/money.ts';
import type { Account } from '../src/payments.ts';
import { recordedRoot } from './fake-proxy.ts';

const SEED = Buffer.alloc(32, 3);

interface SignOptions {
  readonly contract?: Address;
  readonly kind?: PaymentKind;
}

export interface MoneyRigOptions {
  /** NanoTON in the pool of the proxy contract; default 100 TON. */
  readonly pool?: bigint;
  /** NanoTON in our wallet; default 5 TON. */
  readonly wallet?: bigint;
  readonly config?: object;
}

export class MoneyRig implements AsyncDisposable {
  readonly clock: FakeClock;
  readonly folder = mkdtempSync(join(tmpdir(), 'bombyx-money-'));
  readonly owner = actor('owner of the worker');
  readonly lines: string[] = [];
  readonly chain: WorldChain;
  readonly config: WorkerConfig;
  readonly wallet: Address;
  root: RootConfig;
  memory!: PaymentMemory;
  money!: Money;

  /** One token costs a millionth of a TON, of which the worker gets half. */
  static async start({ pool = 100n * TON, wallet = 5n * TON, config = {} }: MoneyRigOptions = {}): Promise<MoneyRig> {
    const clock = new FakeClock(START * 1_000);
    const prices = { pricePerToken: nanoTon(1_000n), workerFeePerToken: nanoTon(500n) };
    const rig = new MoneyRig(clock, await WorldChain.create(clock, { params: prices }), config);
    await rig.chain.world.placeProxy({}, pool);
    if (wallet > 0n) await rig.fund(rig.wallet, wallet);
    await rig.live();
    return rig;
  }

  private constructor(clock: FakeClock, chain: WorldChain, config: object) {
    this.clock = clock;
    this.chain = chain;
    const { params, root } = chain.world;
    const codes = { proxyCode: code.proxy, workerCode: code.worker, clientCode: code.client };
    this.root = { ...recordedRoot(), ...params, ...codes };
    this.config = parseWorkerConfig({
      is_test: true,
      owner_address: this.owner.toRawString(),
      root_contract_address: root.toRawString(),
      model_name: 'm',
      forward_requests_to: '127.0.0.1:1',
      node_wallet_key: SEED.toString('base64'),
      data_dir: this.folder,
      ...config,
    });
    const publicKey = publicKeyBytes(privateKeyFromSeed(SEED));
    this.wallet = initAddress({ code: code.wallet, data: walletBirthData({ publicKey, owner: this.owner }) });
  }

  /** Begins a life of the worker, from its folder and the chain. */
  async live(): Promise<void> {
    const log = this.#logger();
    this.memory = await PaymentMemory.open(this.folder, { clock: this.clock, log });
    const deps = { chain: this.chain, memory: this.memory, root: () => this.root, clock: this.clock, log };
    this.money = new Money(this.config, deps);
  }

  /** Ends it between two steps: nothing more is sent; what was on disk is on disk. */
  async die(): Promise<void> {
    await this.money[Symbol.asyncDispose]();
    await this.memory[Symbol.asyncDispose]();
  }

  /** Another proxy contract of the same key, with a pool of its own. */
  async otherProxy(): Promise<Address> {
    const { world } = this.chain;
    const owner = actor('owner of another proxy');
    const data = proxyBirthData(world.params, { owner, publicKey: proxyPublicKey, rootAddress: world.root });
    const contract = initAddress({ code: code.proxy, data });
    await world.place(contract, 'proxy', data, 100n * TON);
    return contract;
  }

  /** The account under a proxy, met as in a handshake. */
  account(proxyContract = this.chain.world.proxy): Account {
    const party = { owner: this.owner, proxy: proxyContract, publicKey: proxyPublicKey };
    const birth = birthOf(this.root, party);
    const workerContract = initAddress(birth);
    return this.memory.account({ proxyPublicKey, proxyContract, workerContract, birth });
  }

  /** The payment the proxy signs for a running total. */
  signed(total: bigint, { contract = this.account().keys.workerContract, kind = 'payout' }: SignOptions = {}): Buffer {
    return signPayment(
      { kind, queryId: 9n, tokens: tokens(total), contract, excess: this.chain.world.proxy },
      proxyKey,
    );
  }

  /** The proxy signs, and the worker hears of it. */
  earn(total: bigint, proxyContract?: Address): void {
    const account = this.account(proxyContract);
    const data = this.signed(total, { contract: account.keys.workerContract });
    account.demand({ kind: 'proxy.signedPayment', data });
  }

  /** Tokens the chain has paid for under the first proxy; undefined while there is no contract. */
  async paid(): Promise<bigint | undefined> {
    return (await this.outcome()).paid;
  }

  /** NanoTON that payouts brought the owner, before his account pays for its storage. */
  received(): Promise<bigint> {
    return this.chain.look(async () => this.chain.received(this.owner));
  }

  /** Both at one moment. */
  outcome(): Promise<{ readonly paid: bigint | undefined; readonly received: bigint }> {
    const contract = this.account().keys.workerContract;
    return this.chain.look(async (world) => {
      const paid = await world.worker(contract).then(
        ({ tokens: total }) => total,
        () => undefined,
      );
      return { paid, received: this.chain.received(this.owner) };
    });
  }

  /**
   * The proxy pays out by itself.
   * @param how `burns`: with a receiver of the excess that no message can reach; `last`: closing the account
   */
  async cashAsProxy(total: bigint, how: { readonly burns?: boolean; readonly last?: boolean } = {}): Promise<void> {
    const [account] = this.memory.accounts;
    const contract = account!.keys.workerContract;
    const sender = actor('wallet of the proxy');
    const data = this.signed(total, { contract, kind: how.last ? 'lastPayout' : 'payout' });
    const body = readCell(redirectExcess(data, how.burns ? actor('nobody', 5) : sender));
    await this.chain.act((world) => world.send(sender, contract, (7n * TON) / 10n, body));
  }

  async fund(to: Address, amount: bigint): Promise<void> {
    await this.chain.act((world) => world.send(actor('faucet'), to, amount, undefined, false));
  }

  balance(of: Address): Promise<bigint> {
    return this.chain.world.balance(of);
  }

  /** Lines of the log that say so. */
  said(pattern: RegExp): readonly string[] {
    return this.lines.filter((line) => pattern.test(line));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.die();
    rmSync(this.folder, { recursive: true });
  }

  #logger(): Logger {
    const write = (message: string, fields?: LogFields) =>
      this.lines.push([message, ...Object.values(fields ?? {}).map(String)].join(' '));
    const log: Logger = { ...silentLogger, info: write, warn: write, error: write, child: () => log };
    return log;
  }
}
