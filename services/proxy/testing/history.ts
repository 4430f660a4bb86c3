/**
 * A random life of a proxy's money: the real settlement and books on real contracts, and around them people who use,
 * pay, withdraw, cheat and cut the power.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { LedgerEvent } from '@bombyx/ledger';
import {
  type Address,
  ChainError,
  clientRequest,
  initAddress,
  parseAddress,
  type RootConfig,
  readClientData,
  readWorkerData,
  walletRequest,
} from '@bombyx/ton';
import type { Bookkeeper } from '../src/bookkeeper.ts';
import { checkLedger } from '../src/ledger-check.ts';
import { Parties } from '../src/parties.ts';
import { Acts, type Step } from './history-acts.ts';
import { Requests } from './history-requests.ts';
import { type Frozen, MACHINE_PUBLIC_KEY, type Person, Rig, signerKey, TON } from './settlement-rig.ts';

/** A proxy contract and the rules it was made under. */
export interface Place {
  readonly proxy: Address;
  readonly root: RootConfig;
  /** Of clients and workers, as they were asked for. */
  readonly contracts: Map<string, Address>;
}

/** Books at the moment of a commit: totals by `contract/owner`. */
export type Totals = ReadonlyMap<string, bigint>;

export const PEOPLE = ['second client', 'second worker', 'stranger'] as const;
/** Much happens with little money and in little time. */
export const POLICY = {
  chargeAt: TON / 5n,
  leastCharge: TON / 20n,
  payoutAt: TON / 5n,
  withdrawAt: TON / 10n,
  commitAt: TON / 20n,
  commitLeastMs: 4_000,
  commitMostMs: 60_000,
  busyMs: 4_000,
  idleMs: 8_000,
  backoffMs: 16_000,
  retryMs: 120_000,
} as const;
const LIMITS = { clientRecords: 100, workerRecords: 100 };

export class History {
  readonly rig: Rig;
  readonly clients: readonly Person[];
  readonly workers: readonly Person[];
  readonly stranger: Person;
  readonly places = new Map<string, Place>();
  /** By `number/session`. */
  readonly commits = new Map<string, Totals>();
  /** Logical time of the chain when nothing was used yet. */
  readonly beganLt: bigint;
  readonly requests: Requests;
  readonly random: (size: number) => Uint8Array;
  readonly #acts: Acts;
  /** Of the process that runs; undefined while none does. */
  parties: Parties | undefined;
  /** Steps until the present fault is mended. */
  #mendIn = 0;
  #deaths = 0;

  private constructor(rig: Rig, random: (size: number) => Uint8Array) {
    this.rig = rig;
    this.random = random;
    this.requests = new Requests(this);
    this.#acts = new Acts(this);
    const [client, worker, stranger] = rig.people as readonly [Person, Person, Person];
    this.clients = [rig.client, client];
    this.workers = [rig.worker, worker];
    this.stranger = stranger;
    this.beganLt = rig.ledger.head.endLt;
    rig.onRecord = (events, keeper) => this.#note(events, keeper);
  }

  /** @param seed decides all that is random, apart from the steps */
  static async begin(
    seed: number,
    options: { readonly from?: Frozen; readonly parent?: string } = {},
  ): Promise<History> {
    const random = randomBytes(seed);
    const rig = await Rig.create({ ...options, policy: POLICY, people: PEOPLE, random: { bytes: random } });
    const history = new History(rig, random);
    await history.#start();
    return history;
  }

  get isAlive(): boolean {
    return this.parties !== undefined;
  }

  get deaths(): number {
    return this.#deaths;
  }

  async do(step: Step): Promise<void> {
    await this.#acts.perform(step);
    if (this.#mendIn > 0) {
      this.#mendIn -= 1;
      if (this.#mendIn === 0) this.#mend();
    }
    await this.tend();
    this.check();
  }

  /** Everything is in order again, everybody leaves, and the proxy is switched off. */
  async end(): Promise<void> {
    const { rig } = this;
    this.#mend();
    rig.life.dieAfter(Number.POSITIVE_INFINITY);
    await this.tend();
    assert.ok(this.isAlive, 'with a chain it starts');
    await rig.owner.send({ to: rig.wallet, value: 50n * TON, bounce: false });
    await rig.owner.send({ to: rig.wallet, value: TON, body: walletRequest.text('u') });
    rig.settlement.disable();
    await rig.pass(40, 10);
    while (this.requests.running > 0) await this.requests.finish(0);
    const left = () => [...rig.keeper.books.instances()];
    for (let i = 0; left().length > 0 && i < 300; i += 1) {
      await rig.pass(20, 5);
      if (left().every(({ phase }) => phase === 'waiting')) await rig.leap(300);
    }
    this.check();
    await this.checkContracts();
    assert.deepEqual(left(), [], `the last contract is never closed: ${rig.lines.slice(-5).join('; ')}`);
    for (let turn = 0; turn < 2; turn += 1) {
      for (const place of this.places.values()) {
        for (const client of this.clients) {
          const at = this.contractOf('client', client, place);
          if (rig.isActive(at) && rig.clientData(at).state !== 'closed') await this.ask(client, at);
        }
      }
      await rig.leap(310);
    }
    await rig.blocks();
    const strange = rig.lines.filter((line) => line.includes('has a problem') && !/killed|dead process/.test(line));
    assert.deepEqual(strange, []);
  }

  /** What holds at any moment. */
  check(): void {
    const { rig } = this;
    if (!this.isAlive) return;
    assert.equal(rig.settlement.fault, undefined);
    const { books } = rig.keeper;
    assert.equal(books.audit(), undefined, 'the books agree with themselves');
    for (const { contract, accounts } of books.instances()) {
      assert.ok(this.places.has(contract), 'every contract was noticed');
      const used = Array.from(accounts.clients(), ({ id, used }) => [`${contract}/${id}`, used.max] as const);
      const earned = Array.from(accounts.workers(), ({ id, earned }) => [`${contract}/${id}`, earned.max] as const);
      assert.deepEqual(known(used), of(this.requests.used, contract), 'what was used');
      assert.deepEqual(known(earned), of(this.requests.earned, contract), 'what was earned');
    }
  }

  contractOf(kind: 'client' | 'worker', owner: Person, place: Place): Address {
    const key = `${kind}/${owner.name}`;
    const known = place.contracts.get(key);
    if (known) return known;
    const { rig } = this;
    const { proxy, root } = place;
    const init = kind === 'client' ? rig.clientInit(owner, proxy, root) : rig.workerInit(owner, proxy, root);
    const made = initAddress(init);
    place.contracts.set(key, made);
    return made;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.isAlive) this.rig.life.isDead = true;
    await this.rig[Symbol.asyncDispose]();
  }

  async checkContracts(): Promise<void> {
    for (const [contract, place] of this.places) {
      for (const client of this.clients) {
        const { data } = await this.rig.look(this.contractOf('client', client, place));
        if (!data) continue;
        const { tokens, debt } = readClientData(data);
        assert.ok(tokens <= total(this.requests.used, contract, client.name), 'nothing is charged that was not used');
        assert.equal(debt, 0n, 'nobody uses more than he has');
      }
      for (const worker of this.workers) {
        const { data } = await this.rig.look(this.contractOf('worker', worker, place));
        if (!data) continue;
        const { tokens } = readWorkerData(data);
        assert.ok(tokens <= total(this.requests.earned, contract, worker.name), 'nothing is paid that was not earned');
      }
    }
  }

  async ask(client: Person, at: Address): Promise<void> {
    await this.rig.tell(at, clientRequest.askRefund({ queryId: 3n, excess: client.address }), client);
  }

  /** A fault is mended after so many steps. */
  mendAfter(steps: number): void {
    this.#mendIn = steps;
  }

  #mend(): void {
    const { rig } = this;
    this.#mendIn = 0;
    rig.isDown = false;
    rig.losesExternals = false;
    rig.repeats = false;
    rig.distort = (account) => account;
  }

  #note(events: readonly LedgerEvent[], { books }: Bookkeeper): void {
    for (const event of events) {
      // Prices may change twice in one step; what a process opens at its start is noticed when it runs.
      if (event.type === 'opened' && this.isAlive) this.#notice(event.instance, parseAddress(event.instance));
      if (event.type !== 'committing') continue;
      const totals = new Map<string, bigint>();
      for (const { contract, accounts } of books.instances()) {
        for (const { id, used } of accounts.clients()) totals.set(`${contract}/${id}`, used.max);
        for (const { id, earned } of accounts.workers()) totals.set(`${contract}/${id}`, earned.max);
      }
      this.commits.set(`${event.number}/${event.session}`, totals);
    }
  }

  /** Buries a dead process and starts another one. */
  async tend(): Promise<void> {
    if (this.isAlive && this.rig.life.isDead) {
      this.#deaths += 1;
      this.parties = undefined;
      this.requests.forget();
      this.rig.kill();
    }
    if (!this.isAlive) await this.#start();
    const { opened } = this.rig.settlement;
    if (this.isAlive && opened) this.#notice(opened.instance.contract, opened.contract);
  }

  #notice(contract: string, proxy: Address): void {
    if (this.places.has(contract)) return;
    this.places.set(contract, { proxy, root: this.rig.config(), contracts: new Map() });
  }

  async #start(): Promise<void> {
    const { rig } = this;
    try {
      await rig.start();
    } catch (error) {
      if (error instanceof ChainError) return;
      throw error;
    }
    const { walletAddress: wallet, opened } = rig.settlement;
    const options = { testnet: true, publicKey: MACHINE_PUBLIC_KEY, privateKey: signerKey(), wallet, play: false };
    this.parties = new Parties({ ...options, limits: LIMITS }, opened, { clock: rig.clock });
    const { difference } = checkLedger(rig.keeper, { parties: this.parties, publicKey: MACHINE_PUBLIC_KEY });
    assert.equal(difference, undefined, 'what is on disk is what counts');
  }
}

export function total(of: ReadonlyMap<string, bigint>, contract: string, owner: string): bigint {
  return of.get(`${contract}/${owner}`) ?? 0n;
}

/** Totals of one contract. */
function of(all: ReadonlyMap<string, bigint>, contract: string): Map<string, bigint> {
  return known([...all].filter(([key]) => key.startsWith(`${contract}/`)));
}

function known(totals: readonly (readonly [string, bigint])[]): Map<string, bigint> {
  return new Map(totals.filter(([, tokens]) => tokens > 0n));
}

/** SHA-256 of a counter. */
function randomBytes(seed: number): (size: number) => Uint8Array {
  let count = 0;
  return (size) => {
    const parts: Buffer[] = [];
    for (let made = 0; made < size; made += 32) {
      parts.push(createHash('sha256').update(`${seed}/${count++}`).digest());
    }
    return Buffer.concat(parts).subarray(0, size);
  };
}
