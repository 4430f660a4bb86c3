/** Clients and workers by owner address: their contract, their signed payments, their books. */
import type { KeyObject } from 'node:crypto';
import { type Clock, nanoTon, tokens } from '@bombyx/base';
import type { Accounts, Levels } from '@bombyx/ledger';
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
import type { Store } from './store.ts';

export interface Party {
  /** Non-bounceable text with our network's testnet bit: the key of the account. */
  readonly owner: string;
  /** Contract address in the form C++ peers compare. */
  readonly contract: string;
  readonly payments: PaymentBook;
  /** Requests queued and running. */
  running: number;
}

export interface PartiesOptions {
  readonly root: RootConfig;
  readonly testnet: boolean;
  readonly proxyContract: Address;
  readonly publicKey: Buffer;
  readonly privateKey: KeyObject;
  /** Gets left-over coins of payments. */
  readonly wallet: Address;
  readonly limits: { readonly clientRecords: number; readonly workerRecords: number };
}

/** What every client owns in a network without TON. Source: proxy.md §4 of the reference, 10^6 TON. */
const PLAY_BALANCE = nanoTon(1_000_000_000_000_000n);
const ZERO: Levels = { max: tokens(0n), db: tokens(0n), chain: tokens(0n) };

export class Parties {
  readonly #options: PartiesOptions;
  readonly #accounts: Accounts;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #clients = new Map<string, Party>();
  readonly #workers = new Map<string, Party>();
  #write = 0;

  constructor(options: PartiesOptions, deps: { accounts: Accounts; store: Store; clock: Clock }) {
    this.#options = options;
    this.#accounts = deps.accounts;
    this.#store = deps.store;
    this.#clock = deps.clock;
  }

  /**
   * The client of that owner; in a network without TON it exists, with play money, as soon as it is named.
   * @returns undefined when there are too many clients
   * @throws {TonError} `TON_ADDRESS`
   */
  client(ownerText: string): Party | undefined {
    return this.#party(ownerText, 'charge', this.#clients, this.#options.limits.clientRecords);
  }

  /** The worker of that owner. @returns undefined when there are too many workers @throws {TonError} `TON_ADDRESS` */
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
  used(party: Party): Levels {
    this.#settled();
    return this.#accounts.client(party.owner)?.used ?? ZERO;
  }

  /** What the worker earned, at its levels. */
  earned(party: Party): Levels {
    this.#settled();
    return this.#accounts.worker(party.owner)?.earned ?? ZERO;
  }

  /** The client's current signed charge. `exact`: for the committed level of this moment. */
  charge(party: Party, exact = false): Tl<'proxy.signedPayment'> {
    return party.payments.sign(this.used(party).chain, exact);
  }

  /** The worker's current signed payout. */
  payout(party: Party, exact = false): Tl<'proxy.signedPayment'> {
    return party.payments.sign(this.earned(party).chain, exact);
  }

  /**
   * The books change only after the disk did, and without a chain what is on disk counts as committed: all three levels
   * follow at once.
   */
  #settled(): void {
    const seq = ++this.#write;
    this.#accounts.beginWrite(seq);
    this.#accounts.markDurable(seq);
    this.#accounts.markCommitted(seq);
  }

  #party(text: string, kind: 'charge' | 'payout', known: Map<string, Party>, limit: number): Party | undefined {
    const address = parseAddress(text);
    const owner = formatAddress(address, { testnet: this.#options.testnet });
    const party = known.get(owner);
    if (party) return party;
    if (known.size >= limit) return undefined;
    const made = this.#make(owner, address, kind);
    known.set(owner, made);
    return made;
  }

  #make(owner: string, address: Address, kind: 'charge' | 'payout'): Party {
    const { root, proxyContract, publicKey, privateKey, wallet, testnet } = this.#options;
    const account = { owner: address, proxy: proxyContract, publicKey };
    const contract = kind === 'charge' ? clientContractAddress(root, account) : workerContractAddress(root, account);
    if (kind === 'charge') {
      this.#accounts.restoreClient(owner, tokens(this.#store.used(owner)));
      const { pricePerToken } = root;
      this.#accounts.fund(owner, {
        balance: PLAY_BALANCE,
        stake: PLAY_BALANCE,
        usedOnChain: tokens(0n),
        pricePerToken,
      });
    } else this.#accounts.restoreWorker(owner, tokens(this.#store.earned(owner)));
    const payments = new PaymentBook({ kind, contract, excess: wallet, key: privateKey }, { clock: this.#clock });
    return { owner, contract: formatAddress(contract, { testnet }), payments, running: 0 };
  }
}
