/**
 * The five contracts on an emulated chain with the smallest configuration. Accounts outside the network are bare addresses:
 * what they send is counted as brought in, what they get stays with them.
 */
import { createHash } from 'node:crypto';
import { nanoTon, tokens } from '@bombyx/base';
import { Address, Cell, external, type Transaction, type TupleReader } from '@ton/core';
import { Blockchain, createShardAccount, Executor, internal } from '@ton/sandbox';
import { type ClientData, clientBirthData, clientDataCell, readClientData } from '../src/contracts/client.ts';
import { type ContractName, readContractCode } from '../src/contracts/code.ts';
import { initAddress } from '../src/contracts/data.ts';
import type { ParamCodes, Params } from '../src/contracts/params.ts';
import { type ProxyData, proxyBirthData, proxyDataCell, readProxyData } from '../src/contracts/proxy.ts';
import { readWorkerData, type WorkerData, workerBirthData, workerDataCell } from '../src/contracts/worker.ts';
import { type PaymentKind, privateKeyFromSeed, publicKeyBytes, readCell, signPayment } from '../src/index.ts';

export const TON = 1_000_000_000n;
/** Seconds; the clock of the chain stands still unless a test moves it. */
export const START = 1_800_000_000;

/** An account of somebody outside the network. */
export function actor(name: string, workchain = 0): Address {
  return new Address(workchain, createHash('sha256').update(name).digest());
}

export const key = privateKeyFromSeed(Buffer.alloc(32, 7));
export const publicKey = publicKeyBytes(key);
export const code = Object.fromEntries(
  (['root', 'proxy', 'client', 'worker', 'wallet'] as const).map((name) => [name, readContractCode(name)]),
) as Record<ContractName, Cell>; // one entry for each name

export const params: Params & ParamCodes = {
  structVersion: 3,
  paramsVersion: 1,
  uniqueId: 17,
  isTest: true,
  pricePerToken: nanoTon(2n),
  workerFeePerToken: nanoTon(1n),
  multipliers: { prompt: 10_000, cached: 10_000, completion: 10_000, reasoning: 10_000 },
  proxyDelayBeforeCloseSec: 86_400,
  clientDelayBeforeCloseSec: 3_600,
  minProxyStake: nanoTon(TON),
  minClientStake: nanoTon(TON),
  proxyCode: code.proxy,
  workerCode: code.worker,
  clientCode: code.client,
};

/** A transaction of one account, as far as tests look at it. */
export interface Step {
  readonly account: Address;
  readonly gas: bigint;
  /** Of the compute phase; undefined when it was skipped. */
  readonly exit: number | undefined;
  /** Of the action phase. */
  readonly action: number | undefined;
  readonly succeeded: boolean;
  /** Fees of the transaction and of the messages it sent, nanoTON. */
  readonly fees: bigint;
  readonly sent: readonly Sent[];
  readonly transaction: Transaction;
}

export interface Sent {
  readonly to: Address;
  readonly value: bigint;
  readonly bounce: boolean;
  readonly bounced: boolean;
  readonly body: Cell;
  /** First 32 bits of the body. */
  readonly op: number;
}

let shared: Promise<Executor> | undefined;

export interface WorldOptions {
  readonly params?: Partial<Params & ParamCodes>;
  /** `slim` runs three times as fast; fees and gas prices are those of the main network in both. */
  readonly config?: 'default' | 'slim';
}

export class World {
  readonly chain: Blockchain;
  readonly params: Params & ParamCodes;
  readonly owner = actor('owner of the proxy');
  readonly root = actor('root');
  readonly proxy: Address;
  /** Coins that came from outside, and those that fees have taken. */
  brought = 0n;
  fees = 0n;
  readonly #accounts = new Set<string>();
  #queryId = 1n;

  private constructor(chain: Blockchain, options: WorldOptions) {
    this.chain = chain;
    this.chain.now = START;
    this.params = { ...params, ...options.params };
    this.proxy = initAddress({ code: code.proxy, data: this.proxyBirth() });
  }

  static async create(options: WorldOptions = {}): Promise<World> {
    shared ??= Executor.create();
    const executor = await shared;
    const chain = await Blockchain.create({ config: options.config ?? 'slim', executor });
    return new World(chain, options);
  }

  get now(): number {
    return this.chain.now ?? START;
  }

  wait(seconds: number): void {
    this.chain.now = this.now + seconds;
  }

  nextQuery(): bigint {
    return this.#queryId++;
  }

  proxyBirth(): Cell {
    return proxyBirthData(this.params, { owner: this.owner, publicKey, rootAddress: this.root });
  }

  clientOf(owner: Address): Address {
    return initAddress({ code: code.client, data: clientBirthData(this.params, this.#party(owner)) });
  }

  workerOf(owner: Address): Address {
    return initAddress({ code: code.worker, data: workerBirthData(this.params, this.#party(owner)) });
  }

  /** Puts an account on the chain, its coins counted as brought in. */
  async place(at: Address, kind: ContractName, data: Cell, balance: bigint): Promise<void> {
    this.brought += balance - (await this.balance(at));
    this.#accounts.add(at.toRawString());
    const account = createShardAccount({ address: at, code: code[kind], data, balance });
    // The emulator aborts over accounts that claim to use nothing.
    if (account.account) account.account.storageStats.used = sizeOf([code[kind], data]);
    await this.chain.setShardAccount(at, account);
  }

  placeProxy(change: Partial<ProxyData> = {}, balance = 100n * TON): Promise<void> {
    const data = { ...readProxyData(this.proxyBirth()), ...change };
    return this.place(this.proxy, 'proxy', proxyDataCell(data), balance);
  }

  async placeClient(owner: Address, change: Partial<ClientData> = {}, balance = TON): Promise<Address> {
    const at = this.clientOf(owner);
    const data = { ...readClientData(clientBirthData(this.params, this.#party(owner))), ...change };
    await this.place(at, 'client', clientDataCell(data), balance);
    return at;
  }

  async placeWorker(owner: Address, change: Partial<WorkerData> = {}, balance = TON): Promise<Address> {
    const at = this.workerOf(owner);
    const data = { ...readWorkerData(workerBirthData(this.params, this.#party(owner))), ...change };
    await this.place(at, 'worker', workerDataCell(data), balance);
    return at;
  }

  /** Deploys as nodes do: state-init, empty body, not bounceable. */
  deploy(from: Address, kind: ContractName, data: Cell, value: bigint): Promise<readonly Step[]> {
    const init = { code: code[kind], data };
    return this.#run(internal({ from, to: initAddress(init), value, stateInit: init, bounce: false }), value);
  }

  send(from: Address, to: Address, value: bigint, body = Cell.EMPTY, bounce = true): Promise<readonly Step[]> {
    return this.#run(internal({ from, to, value, body, bounce }), value);
  }

  /** A message that came back to the one who sent it. */
  bounce(from: Address, to: Address, value: bigint, body: Cell): Promise<readonly Step[]> {
    return this.#run(internal({ from, to, value, body, bounce: false, bounced: true }), value);
  }

  /** @throws when the contract does not accept it */
  sendExternal(to: Address, body: Cell): Promise<readonly Step[]> {
    return this.#run(external({ to, body }), 0n);
  }

  async balance(of: Address): Promise<bigint> {
    return (await this.chain.getContract(of)).balance;
  }

  async data(of: Address): Promise<Cell> {
    const state = (await this.chain.getContract(of)).accountState;
    if (state?.type !== 'active' || !state.state.data) throw new Error(`${of} is not deployed`);
    return state.state.data;
  }

  async client(at: Address): Promise<ClientData> {
    return readClientData(await this.data(at));
  }

  async worker(at: Address): Promise<WorkerData> {
    return readWorkerData(await this.data(at));
  }

  async pool(): Promise<ProxyData> {
    return readProxyData(await this.data(this.proxy));
  }

  async get(at: Address, method: string, stack: Parameters<Blockchain['runGetMethod']>[2] = []): Promise<TupleReader> {
    return (await this.chain.runGetMethod(at, method, stack)).stackReader;
  }

  /** What all accounts hold that ever had a transaction. */
  async total(): Promise<bigint> {
    let sum = 0n;
    for (const account of this.#accounts) sum += await this.balance(Address.parse(account));
    return sum;
  }

  async #run(message: Parameters<Blockchain['sendMessage']>[0], value: bigint): Promise<readonly Step[]> {
    const { transactions } = await this.chain.sendMessage(message);
    this.brought += value;
    const steps = transactions.map(step);
    for (const { account, fees } of steps) {
      this.#accounts.add(account.toRawString());
      this.fees += fees;
    }
    return steps;
  }

  #party(owner: Address) {
    return { owner, proxy: this.proxy, publicKey };
  }
}

/** The body of a signed payment. */
export function signed(kind: PaymentKind, contract: Address, total: bigint, excess: Address, queryId = 5n): Cell {
  return readCell(signPayment({ kind, queryId, tokens: tokens(total), contract, excess }, key));
}

function step(transaction: Transaction): Step {
  const { description } = transaction;
  if (description.type !== 'generic') throw new Error(`a ${description.type} transaction`);
  const { computePhase: compute, actionPhase: action } = description;
  const ran = compute.type === 'vm' ? compute : undefined;
  const sent = transaction.outMessages.values().flatMap((message) => {
    const { info, body } = message;
    if (info.type !== 'internal') return [];
    const op = body.bits.length >= 32 ? body.beginParse().preloadUint(32) : 0;
    return [{ to: info.dest, value: info.value.coins, bounce: info.bounce, bounced: info.bounced, body, op }];
  });
  const forwarding = transaction.outMessages
    .values()
    .reduce((sum, { info }) => sum + (info.type === 'internal' ? info.forwardFee : 0n), 0n);
  return {
    account: new Address(0, Buffer.from(transaction.address.toString(16).padStart(64, '0'), 'hex')),
    gas: ran?.gasUsed ?? 0n,
    exit: ran?.exitCode,
    action: action?.resultCode,
    succeeded: !description.aborted,
    fees: transaction.totalFees.coins + forwarding,
    sent,
    transaction,
  };
}

/** Different cells below the storage of an account, and their bits; one more cell is the storage itself. */
function sizeOf(roots: readonly Cell[]): { cells: bigint; bits: bigint } {
  const seen = new Map<string, Cell>();
  const visit = (cell: Cell): void => {
    const hash = cell.hash().toString('hex');
    if (seen.has(hash)) return;
    seen.set(hash, cell);
    cell.refs.forEach(visit);
  };
  roots.forEach(visit);
  return {
    cells: BigInt(seen.size + 1),
    bits: BigInt([...seen.values()].reduce((sum, { bits }) => sum + bits.length, 0)),
  };
}

/** What one account did in answer to a message. @throws when it had no such transaction */
export function at(steps: readonly Step[], account: Address): Step {
  const found = steps.find((candidate) => candidate.account.equals(account));
  if (!found) throw new Error(`no transaction of ${account}`);
  return found;
}
