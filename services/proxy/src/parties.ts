/** Clients and workers by owner address: their contract, their signed payments, their books. */
import type { KeyObject } from 'node:crypto';
import { type Clock, nanoTon, tokens } from '@bombyx/base';
import type { Instance, Levels } from '@bombyx/ledger';
import {
  type Address,
  clientContractAddress,
  formatAddress,
  parseAddress,
  type RootConfig,
  workerContractAddress,
} from '@bombyx/ton';
import type { Tl } from '@bombyx/wire';
import { PaymentBook } from './payments.ts';

export interface Party {
  /** Non-bounceable text with our network's testnet bit: the key of the account. */
  readonly owner: string;
  /** Contract address in the form C++ peers compare. */
  readonly contract: string;
  /** The books it stands in. */
  readonly instance: Instance;
  readonly payments: PaymentBook;
  /** Connections it has. */
  connections: number;
  /** Requests queued and running. */
  running: number;
}

/** The proxy contract that is served, and the rules it was made under. */
export interface Serving {
  readonly instance: Instance;
  readonly root: RootConfig;
  readonly contract: Address;
}

export interface PartiesOptions {
  readonly testnet: boolean;
  readonly publicKey: Buffer;
  readonly privateKey: KeyObject;
  /** Gets left-over coins of payments. */
  readonly wallet: Address;
  /** Whether everybody owns play money: in a network without TON. */
  readonly play: boolean;
  readonly limits: { readonly clientRecords: number; readonly workerRecords: number };
}

/** What every client owns in a network without TON. Source: proxy.md §4 of the reference, 10^6 TON. */
const PLAY_BALANCE = nanoTon(1_000_000_000_000_000n);
const ZERO: Levels = { max: tokens(0n), db: tokens(0n), chain: tokens(0n) };

export class Parties {
  readonly #options: PartiesOptions;
  readonly #clock: Clock;
  #clients = new Map<string, Party>();
  #workers = new Map<string, Party>();
  #serving: Serving | undefined;

  /** @param serving undefined while nothing is served: then nobody is known */
  constructor(options: PartiesOptions, serving: Serving | undefined, deps: { clock: Clock }) {
    this.#options = options;
    this.#serving = serving;
    this.#clock = deps.clock;
  }

  /** From now on parties get their contracts and books here; those there were keep theirs. */
  serve(serving: Serving): void {
    this.#serving = serving;
    this.#clients = new Map();
    this.#workers = new Map();
  }

  get serving(): Serving | undefined {
    return this.#serving;
  }

  /**
   * The client of that owner; in a network without TON it has play money as soon as it is named.
   * @returns undefined when there are too many clients, or nothing is served
   * @throws {TonError} `TON_ADDRESS`
   */
  client(ownerText: string): Party | undefined {
    return this.#party(ownerText, 'charge', this.#clients, this.#options.limits.clientRecords);
  }

  /** The worker of that owner. @returns undefined as for {@link client} @throws {TonError} `TON_ADDRESS` */
  worker(ownerText: string): Party | undefined {
    return this.#party(ownerText, 'payout', this.#workers, this.#options.limits.workerRecords);
  }

  clients(): Iterable<Party> {
    return this.#clients.values();
  }

  workers(): Iterable<Party> {
    return this.#workers.values();
  }

  /** What the client used, at its levels. */
  used({ instance, owner }: Party): Levels {
    return instance.accounts.client(owner)?.used ?? ZERO;
  }

  /** What the worker earned, at its levels. */
  earned({ instance, owner }: Party): Levels {
    return instance.accounts.worker(owner)?.earned ?? ZERO;
  }

  /** The client's current signed charge. `exact`: for the committed level of this moment. */
  charge(party: Party, exact = false): Tl<'proxy.signedPayment'> {
    return party.payments.sign(this.used(party).chain, exact);
  }

  /** The worker's current signed payout. */
  payout(party: Party, exact = false): Tl<'proxy.signedPayment'> {
    return party.payments.sign(this.earned(party).chain, exact);
  }

  #party(text: string, kind: 'charge' | 'payout', known: Map<string, Party>, limit: number): Party | undefined {
    const address = parseAddress(text);
    const owner = formatAddress(address, { testnet: this.#options.testnet });
    const party = known.get(owner);
    if (party) return party;
    if (!this.#serving) return undefined;
    if (known.size >= limit && !this.#forgetOne(known)) return undefined;
    const made = this.#make(owner, address, kind, this.#serving);
    known.set(owner, made);
    return made;
  }

  /** Makes room: what is known of a party that is not here stands in the books. */
  #forgetOne(known: Map<string, Party>): boolean {
    for (const { owner, connections, running, instance } of known.values()) {
      if (connections > 0 || running > 0) continue;
      if (this.#options.play && known === this.#clients) instance.accounts.forget(owner);
      return known.delete(owner);
    }
    return false;
  }

  #make(owner: string, address: Address, kind: 'charge' | 'payout', serving: Serving): Party {
    const { publicKey, privateKey, wallet, testnet, play } = this.#options;
    const { instance, root, contract: proxy } = serving;
    const account = { owner: address, proxy, publicKey };
    const contract = kind === 'charge' ? clientContractAddress(root, account) : workerContractAddress(root, account);
    if (play && kind === 'charge') {
      const { pricePerToken } = root;
      const usedOnChain = tokens(0n);
      instance.accounts.fund(owner, { balance: PLAY_BALANCE, stake: PLAY_BALANCE, usedOnChain, pricePerToken });
    }
    const payments = new PaymentBook({ kind, contract, excess: wallet, key: privateKey }, { clock: this.#clock });
    return { owner, contract: formatAddress(contract, { testnet }), instance, payments, connections: 0, running: 0 };
  }
}
