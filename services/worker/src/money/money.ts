/** The worker's money: its wallet, and the cashier that turns signed payments into coins of the owner. */
import { type Clock, type Logger, Scope } from '@bombyx/base';
import {
  type Address,
  type Chain,
  operatingWallet,
  Purse,
  privateKeyFromSeed,
  publicKeyBytes,
  type RootConfig,
} from '@bombyx/ton';
import type { WorkerConfig } from '../config.ts';
import { WorkerError } from '../errors.ts';
import type { PaymentMemory } from '../memory.ts';
import { Cashier, type OrderedPayout } from './cashier.ts';

/** How often the chain is looked at while something is under way there; blocks take five seconds. */
const POLL_MS = 3_000;
/** NanoTON: two TON that the wallet never goes below, and fees for a long time. */
const COMFORTABLE_BALANCE = 2_500_000_000n;

export interface MoneyDeps {
  readonly chain: Chain;
  readonly memory: PaymentMemory;
  /** As it was read last. */
  readonly root: () => RootConfig;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Money implements AsyncDisposable {
  readonly purse: Purse;
  readonly cashier: Cashier;
  readonly #scope = new Scope();

  /** `chain` stays the caller's. @throws {WorkerError} `WORKER_CONFIG` */
  constructor(config: WorkerConfig, deps: MoneyDeps) {
    if (config.node_wallet_key === undefined) {
      const how = 'make one with "openssl rand -base64 32"';
      throw new WorkerError('WORKER_CONFIG', `worker configuration: with TON "node_wallet_key" is needed: ${how}`);
    }
    const privateKey = privateKeyFromSeed(config.node_wallet_key);
    const party = { publicKey: publicKeyBytes(privateKey), owner: config.owner_address };
    const wallet = operatingWallet(party, config.wallet_code);
    const testnet = config.is_testnet;
    const comfortableBalance = COMFORTABLE_BALANCE;
    const options = { ...wallet, privateKey, testnet, pollMs: POLL_MS, comfortableBalance };
    this.purse = this.#scope.use(new Purse(options, deps));
    const policy = {
      payoutAt: config.payout_at_ton,
      idlePayoutAt: config.idle_payout_at_ton,
      idleAfterSec: config.idle_payout_after_sec,
    };
    this.cashier = this.#scope.use(new Cashier({ policy, testnet, pollMs: POLL_MS }, { ...deps, purse: this.purse }));
  }

  /** Cashes now whatever is due from one proxy. @param proxy address of its contract */
  payOut(proxy: Address): Promise<OrderedPayout> {
    return this.cashier.payOut(proxy);
  }

  /** Stops at once. A payout that was handed in may still land; the next run finds it on the chain. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}
