/** One proxy contract: its books, its family of contracts, and how it stands on the chain. */
import type { Instance } from '@bombyx/ledger';
import { type Chain, type ContractInit, type ContractState, readProxyData } from '@bombyx/ton';
import type { Family } from './family.ts';

/** The proxy contract as it was read last. Amounts in nanoTON. */
export interface ProxyStanding {
  readonly state: 'absent' | 'frozen' | ContractState;
  /** All that lies in it: earnings, stake, and the deposits of all clients. */
  readonly coins: bigint;
  /** Of them, what the owner may withdraw. */
  readonly earnings: bigint;
  /** Of them, what backs forced refunds; the owner's again at the end. */
  readonly stake: bigint;
  /** Unix seconds from which closing may be completed; 0 unless closing. */
  readonly unlockAtSec: number;
  /** Logical time of its newest transaction; 0 without one. */
  readonly lt: bigint;
}

export class Branch {
  readonly instance: Instance;
  readonly family: Family;
  /** Deploys the proxy contract; only while the root has its parameters. */
  readonly init: ContractInit | undefined;
  /** Undefined before the first look. */
  standing: ProxyStanding | undefined;
  /** Unix seconds of the chain since which every look found no contract. */
  absentSinceSec: number | undefined;
  /** Whether this process has shown itself to this contract. */
  isCommitted = false;

  constructor(instance: Instance, family: Family, init?: ContractInit) {
    this.instance = instance;
    this.family = family;
    this.init = init;
  }

  get name(): string {
    return this.family.name;
  }

  get isServing(): boolean {
    return this.instance.phase === 'serving';
  }

  /** @throws {ChainError} @throws {ContractError} `CONTRACT_DATA` */
  async look(chain: Chain, signal: AbortSignal): Promise<void> {
    this.standing = await standingOf(chain, this.family, signal);
  }
}

/** @throws {ChainError} @throws {ContractError} `CONTRACT_DATA` */
export async function standingOf(chain: Chain, { proxy }: Family, signal: AbortSignal): Promise<ProxyStanding> {
  const { status, balance: coins, data, last } = await chain.account(proxy, signal);
  const lt = last?.lt ?? 0n;
  if (status !== 'active' || data === undefined) {
    return { state: status === 'frozen' ? 'frozen' : 'absent', coins, earnings: 0n, stake: 0n, unlockAtSec: 0, lt };
  }
  const { state, balance: earnings, stake, unlockAtSec } = readProxyData(data);
  return { state, coins, earnings, stake, unlockAtSec, lt };
}
