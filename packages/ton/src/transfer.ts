/** A message for the operating wallet to send. */
import { type Address, type Cell, internal } from '@ton/core';
import type { ContractInit } from './contracts/data.ts';
import type { WalletMessage } from './external-wallet.ts';

export interface Transfer {
  readonly to: Address;
  /** NanoTON; the wallet pays the fees on top. */
  readonly value: bigint;
  readonly body?: Cell;
  /** Deploys the receiver, where it is not there yet. */
  readonly init?: ContractInit;
  /** Whether the coins come back when the receiver refuses. Default true. */
  readonly bounce?: boolean;
}

/** Send mode 1: fees apart, and a receiver that cannot be fails the whole order. */
export function transfer({ to, value, body, init, bounce = true }: Transfer): WalletMessage {
  return { mode: 1, message: internal({ to, value, bounce, ...(body ? { body } : {}), ...(init ? { init } : {}) }) };
}
