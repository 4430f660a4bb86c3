/** Pays out of the genesis account, with transactions like any other, and says how much it has paid. */
import type { Address } from '@ton/core';
import { DevnetError } from './errors.ts';
import { genesisSeqno, genesisTransfer } from './genesis.ts';
import type { Ledger } from './ledger.ts';
import { WORKCHAINS } from './network-config.ts';

export interface FaucetReport {
  /** The account that pays. */
  readonly address: Address;
  /** NanoTON it holds now. */
  readonly balance: bigint;
  /** NanoTON of all payments accepted, also those that wait for a block. */
  readonly given: bigint;
  readonly payments: number;
  /** Most of one call, nanoTON. */
  readonly maxAmount: bigint;
}

/** Kept back for the fees of the payments, nanoTON: enough for a hundred million of them. */
const RESERVE = 1_000_000_000_000_000n;

export class Faucet {
  readonly #ledger: Ledger;
  readonly #maxAmount: bigint;

  /** @param options.maxAmount most of one call, nanoTON; 0 = no faucet */
  constructor(options: { readonly maxAmount: bigint }, deps: { readonly ledger: Ledger }) {
    this.#maxAmount = options.maxAmount;
    this.#ledger = deps.ledger;
  }

  /**
   * Promises `amount` nanoTON to an account: on disk when it resolves, on chain with the next block.
   * @returns hash of the external message
   * @throws {DevnetError} `DEVNET_FAUCET` for an amount it does not give, `DEVNET_FULL`, `DEVNET_STORE`
   */
  async give(to: Address, amount: bigint): Promise<Buffer> {
    if (this.#maxAmount === 0n) throw new DevnetError('DEVNET_FAUCET', 'this chain has no faucet');
    if (amount < 1n || amount > this.#maxAmount) {
      throw new DevnetError('DEVNET_FAUCET', `the faucet gives 1 to ${this.#maxAmount} nanoTON a call`);
    }
    if (!WORKCHAINS.includes(to.workChain)) {
      throw new DevnetError('DEVNET_FAUCET', `there is no workchain ${to.workChain}`);
    }
    const { genesis } = this.#ledger;
    const pay = (waiting: number) => {
      const { data, balance } = this.#ledger.account(genesis.address);
      if (balance - BigInt(waiting + 1) * this.#maxAmount < RESERVE) {
        throw new DevnetError('DEVNET_FAUCET', 'the faucet has given all it had');
      }
      return genesisTransfer(genesis, genesisSeqno(data!) + waiting, to, amount);
    };
    return await this.#ledger.give(pay, to, amount);
  }

  report(): FaucetReport {
    const { genesis } = this.#ledger;
    const { sum, count } = this.#ledger.records.given();
    const { balance } = this.#ledger.account(genesis.address);
    return { address: genesis.address, balance, given: sum, payments: count, maxAmount: this.#maxAmount };
  }
}
