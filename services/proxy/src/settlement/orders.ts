/** What the operating wallet is told to send. Sources: contracts.md §10 and §13. */
import type { KeyObject } from 'node:crypto';
import { nanoTon, type Random } from '@bombyx/base';
import {
  type Address,
  type ContractInit,
  proxyRequest,
  readCell,
  type SignedClosing,
  signClosing,
  signPayment,
  transfer,
  type WalletMessage,
} from '@bombyx/ton';
import type { Due } from './due.ts';
import type { Family } from './family.ts';
import { Value } from './policy.ts';

export interface OrdersOptions {
  /** Signs for the contracts. */
  readonly machineKey: KeyObject;
  /** The wallet: gets back what is left of the values. */
  readonly excess: Address;
}

export class Orders {
  readonly #key: KeyObject;
  readonly #excess: Address;
  readonly #random: Random;

  constructor({ machineKey, excess }: OrdersOptions, deps: { readonly random: Random }) {
    this.#key = machineKey;
    this.#excess = excess;
    this.#random = deps.random;
  }

  /** Unsigned 64 bits. */
  queryId(): bigint {
    return Buffer.from(this.#random.bytes(8)).readBigUInt64BE();
  }

  deploy(contract: Address, init: ContractInit): WalletMessage {
    return transfer({ to: contract, value: Value.deploy, init, bounce: false });
  }

  /** @param session 32 bytes, hex */
  commit(contract: Address, seqno: number, session: string): WalletMessage {
    const body = proxyRequest.saveState({ queryId: this.queryId(), seqno, session: Buffer.from(session, 'hex') });
    return transfer({ to: contract, value: Value.commit, body });
  }

  /** @param deploys whether the contract has to be made by the same message */
  payment({ kind, party, owner, total }: Due, family: Family, deploys: boolean): WalletMessage {
    const contract = family.contractOf(party, owner);
    const payment = { kind, queryId: this.queryId(), tokens: total, contract, excess: this.#excess };
    const body = readCell(signPayment(payment, this.#key));
    const init = deploys ? { init: family.initOf(party, owner) } : {};
    return transfer({ to: contract, value: Value.party, body, ...init });
  }

  /** @param amount nanoTON */
  stake(contract: Address, amount: bigint): WalletMessage {
    const body = proxyRequest.raiseStake({ queryId: this.queryId(), excess: this.#excess, amount: nanoTon(amount) });
    return transfer({ to: contract, value: Value.stake + amount, body });
  }

  withdraw(contract: Address, queryId: bigint): WalletMessage {
    const body = proxyRequest.payEarnings({ queryId, excess: this.#excess });
    return transfer({ to: contract, value: Value.withdraw, body });
  }

  closing(kind: SignedClosing['kind'], contract: Address): WalletMessage {
    const body = signClosing({ kind, queryId: this.queryId(), contract, excess: this.#excess }, this.#key);
    return transfer({ to: contract, value: Value.party, body });
  }
}
