/** How the proxy stands on the chain, for pages and operators. */
import type { Purse } from '@bombyx/ton';
import type { Branches } from './branches.ts';
import { unsettled } from './due.ts';

export interface SettlementStatus {
  /** Amounts in nanoTON. */
  readonly wallet: {
    readonly address: string;
    readonly balance: bigint;
    readonly seqno: number;
    readonly pending: number;
    /** What to do before it can send anything. */
    readonly lack: string | undefined;
  };
  /** The contract opened last, served or not. */
  readonly contract:
    | { readonly address: string; readonly balance: bigint; readonly stake: bigint; readonly readyForWithdraw: bigint }
    | undefined;
  /** Unix seconds; 0 = never. */
  readonly lastSyncedAtSec: number;
  readonly oldInstances: readonly {
    readonly contract: string;
    readonly phase: string;
    readonly closeAtSec: number;
    readonly clientsLeft: number;
    readonly workersLeft: number;
  }[];
}

export function statusOf(branches: Branches, purse: Purse, lastSyncedAtSec: number): SettlementStatus {
  const { text: address, balance, seqno, pending, lack } = purse;
  const { active } = branches;
  return {
    wallet: { address, balance, seqno, pending, lack },
    contract: active && {
      address: active.name,
      balance: active.standing?.coins ?? 0n,
      stake: active.standing?.stake ?? 0n,
      readyForWithdraw: active.standing?.earnings ?? 0n,
    },
    lastSyncedAtSec,
    oldInstances: branches.retiring.map(({ instance }) => {
      const { clients: clientsLeft, workers: workersLeft } = unsettled(instance);
      const { contract, phase, closeAtSec } = instance;
      return { contract, phase, closeAtSec, clientsLeft, workersLeft };
    }),
  };
}

/**
 * Why a contract cannot be served, as a sentence.
 * @param lack what the wallet lacks
 * @param paramsVersion of the root
 */
export function illnessOf(
  active: Branches['active'],
  lack: string | undefined,
  paramsVersion: number,
): string | undefined {
  if (!active?.isServing) {
    return 'the proxy contract is closed: the proxy serves again after the next change of the parameters of the root';
  }
  if (active.instance.terms.paramsVersion !== paramsVersion) {
    return 'the parameters of the root have changed: another contract is opened';
  }
  const state = active.standing?.state;
  if (active.isCommitted && state === 'normal') return undefined;
  if (lack !== undefined) return lack;
  if (state === undefined) return 'the chain is being read';
  if (state === 'absent') return 'the proxy contract is being deployed';
  if (state === 'frozen') return `the proxy contract ${active.name} owes storage fees and is frozen: send it coins`;
  return 'the first commit has not come back from the chain yet';
}
