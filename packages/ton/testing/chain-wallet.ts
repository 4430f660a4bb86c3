/** An operating wallet on a {@link FakeChain}: takes externals by the rules of the contract, and keeps count. */
import { type KeyObject, verify } from 'node:crypto';
import type { Clock } from '@bombyx/base';
import { Address, beginCell, type Cell, loadMessageRelaxed, type Message, type MessageRelaxed } from '@ton/core';
import { ChainError } from '../src/chain-errors.ts';
import { publicKeyBytes } from '../src/keys.ts';
import type { FakeChain } from './chain-fake.ts';

const OWNER = new Address(0, Buffer.alloc(32, 1));

interface Waiting {
  readonly message: Message;
  readonly atMs: number;
}

export class SimulatedWallet {
  readonly address = new Address(0, Buffer.alloc(32, 2));
  readonly #chain: FakeChain;
  readonly #publicKey: KeyObject;
  readonly #clock: Clock;
  #waiting: Waiting[] = [];
  seqno = 0;
  blocked = false;
  /** What was sent, in order. */
  readonly delivered: MessageRelaxed[] = [];
  /** Transactions that failed after they were paid for. */
  failures = 0;

  constructor(chain: FakeChain, publicKey: KeyObject, clock: Clock, balance: bigint) {
    this.#chain = chain;
    this.#publicKey = publicKey;
    this.#clock = clock;
    Object.assign(chain.at(this.address), { status: 'active', code: beginCell().endCell(), balance });
    this.write();
    chain.receivers.set(this.address.toRawString(), (message) => this.accept(message));
  }

  /** Puts the state into the account. */
  write(): void {
    this.#chain.at(this.address).data = beginCell()
      .storeUint(this.seqno, 32)
      .storeUint(0, 32)
      .storeBuffer(publicKeyBytes(this.#publicKey))
      .storeUint(this.blocked ? 1 : 0, 32)
      .storeAddress(OWNER)
      .endCell();
  }

  /** Whether it has the coins to take an external at all. */
  get takes(): boolean {
    return this.#chain.at(this.address).balance >= 2_000_000_000n;
  }

  /** Takes an external; it lands `delaySec` later, if it still may. @throws {ChainError} `CHAIN_REFUSED` */
  accept(message: Message, delaySec = 1): void {
    const { code } = this.#read(message.body);
    if (code !== 0) throw new ChainError('CHAIN_REFUSED', `exit code ${code}`);
    this.#waiting.push({ message, atMs: this.#clock.nowMs() + delaySec * 1_000 });
  }

  /** One block. */
  block(): void {
    const due = this.#waiting.filter(({ atMs }) => atMs <= this.#clock.nowMs());
    this.#waiting = this.#waiting.filter((waiting) => !due.includes(waiting));
    for (const { message } of due) this.#land(message);
  }

  #land(message: Message): void {
    const { code, messages } = this.#read(message.body);
    if (code !== 0) return; // the network forgets it
    const account = this.#chain.at(this.address);
    const values = messages.map(({ info }) => (info.type === 'internal' ? info.value.coins : 0n));
    const total = values.reduce((sum, value) => sum + value, 0n);
    const possible = messages.every(({ info }) => info.type === 'internal' && info.dest.workChain === 0);
    if (total > account.balance || !possible) {
      account.balance -= 2_000_000n;
      this.failures += 1;
      this.#chain.book(this.address, message, 37);
      this.#waiting.push({ message, atMs: this.#clock.nowMs() + 5_000 }); // and is taken again, until it expires
      return;
    }
    account.balance -= total + 5_000_000n;
    this.seqno += 1;
    this.delivered.push(...messages);
    this.write();
    this.#chain.book(this.address, message);
  }

  /** The checks of the contract, in its order. Source: contracts.md §9. */
  #read(body: Cell): { readonly code: number; readonly messages: readonly MessageRelaxed[] } {
    const slice = body.beginParse();
    const signature = slice.loadBuffer(64);
    const hash = slice.asCell().hash();
    const [subwallet, validUntil, seqno] = [slice.loadUint(32), slice.loadUint(32), slice.loadUint(32)];
    const messages: MessageRelaxed[] = [];
    while (slice.remainingRefs > 0) {
      slice.skip(8);
      messages.push(loadMessageRelaxed(slice.loadRef().beginParse()));
    }
    const checks = [
      [1030, validUntil > this.#clock.nowMs() / 1_000],
      [1031, !this.blocked],
      [1032, seqno === this.seqno],
      [1033, subwallet === 0],
      [1034, verify(null, hash, this.#publicKey, signature)],
      [1035, this.takes],
    ] as const;
    return { code: checks.find(([, holds]) => !holds)?.[0] ?? 0, messages };
  }
}
