/** What others see of a worker. */
import type { EventEmitter } from 'node:events';
import type { Clock, Logger } from '@bombyx/base';
import type { TokensUsed } from '@bombyx/ledger';
import type { Address, Chain, RootConfig } from '@bombyx/ton';
import type { PowSolver } from '@bombyx/transport';
import type { WorkerSecurity } from './identity.ts';
import type { OrderedPayout } from './money/cashier.ts';
import type { WorkerSnapshot } from './snapshot.ts';

/** Somebody who writes down what was earned: `@bombyx/diary`. */
export interface EarningsDiary {
  /** @param entry adjusted tokens as we counted them; `party` is the contract of the proxy, `nanoTon` our fee */
  add(entry: {
    readonly model: string;
    readonly party: string;
    readonly tokens: TokensUsed;
    readonly nanoTon: bigint;
  }): void;
}

interface CommonDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** Hears of every request that earned something. */
  readonly diary?: EarningsDiary | undefined;
  /** Threads for proof of work; default those of the process. */
  readonly solver?: PowSolver;
  /** Needed for every attestation and policy but `none`, `any` and `fake_tdx`. */
  readonly security?: WorkerSecurity | undefined;
}

/** With a chain the worker reads the root contract itself and cashes its earnings; it does not dispose of the chain. */
interface OnChain {
  readonly chain: Chain;
  readonly root?: undefined;
}

/** Without TON: the root configuration is that of a file, and nothing is ever paid. */
interface OffChain {
  readonly root: RootConfig;
  readonly chain?: undefined;
}

export type WorkerDeps = CommonDeps & (OnChain | OffChain);

export interface WorkerEvents {
  /** Enabled and connected to a proxy: requests may come. */
  readonly ready: [];
  /** No longer so. */
  readonly unready: [];
  /** The inference server came up or went down. */
  readonly uplink: [good: boolean];
}

export interface Worker extends AsyncDisposable {
  /** Enabled and connected to at least one proxy. */
  readonly ready: boolean;
  readonly events: EventEmitter<WorkerEvents>;
  /** Resolves when {@link ready} first holds; rejects with the signal's reason. */
  whenReady(signal?: AbortSignal): Promise<void>;
  /** Port of the HTTP pages; undefined without them. */
  readonly httpPort: number | undefined;
  snapshot(): WorkerSnapshot;
  /** The switch by hand. Running requests go on. */
  setEnabled(enabled: boolean): void;
  /** @param coefficient thousandths @throws {RangeError} outside 0..999,999,999 */
  setCoefficient(coefficient: number): void;
  /**
   * Cashes now whatever is due from one proxy, whatever the policy says. Resolves when the payout has begun.
   * Undefined without TON. @param proxy address of its contract
   */
  readonly payOut: ((proxy: Address) => Promise<OrderedPayout>) | undefined;
  /** Lets running requests end for `shutdown_grace_ms`, cancels the others, closes everything. Idempotent. */
  close(): Promise<void>;
}
