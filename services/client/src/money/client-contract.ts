/** The client contract on the chain: its state, and every message we send to it. */
import { nanoTon } from '@bombyx/base';
import {
  type Address,
  type Cell,
  type Chain,
  type ClientData,
  type ContractInit,
  clientRequest,
  readCell,
  readClientData,
  readProxyData,
  redirectExcess,
  type TransactionId,
  type WalletMessage,
} from '@bombyx/ton';
import { internal } from '@ton/core';

/** Comes back as excess but for fees, and for 0.11 TON that a new contract keeps. Source: contracts.md §13. */
export const MESSAGE_VALUE = 700_000_000n;

export interface ContractReading {
  readonly contract: ClientData | undefined;
  /** Newest transaction of its account. */
  readonly last: TransactionId | undefined;
}

/** @throws {ChainError}; {ContractError} `CONTRACT_DATA` when what stands at the address is no client contract */
export async function readContract(chain: Chain, at: Address, signal: AbortSignal): Promise<ContractReading> {
  const { status, data, last } = await chain.account(at, signal);
  const contract = status === 'active' && data !== undefined ? readClientData(data) : undefined;
  return { contract, last };
}

/**
 * Whether coins that are paid in now stay where they can be used: the pool is the proxy contract's.
 * @throws {ChainError}; {ContractError} `CONTRACT_DATA`
 */
export async function poolIsOpen(chain: Chain, proxy: Address, signal: AbortSignal): Promise<boolean> {
  const { status, data } = await chain.account(proxy, signal);
  return status === 'active' && data !== undefined && readProxyData(data).state === 'normal';
}

/** One thing to do at a client contract. Amounts and stakes in nanoTON. */
export type Deed =
  /** Deploys it, sets the secret, and pays the first stake in; 0 where tokens cost nothing. */
  | { readonly kind: 'open'; readonly init: ContractInit; readonly amount: bigint; readonly secretHash: Buffer }
  | { readonly kind: 'top-up'; readonly amount: bigint }
  | { readonly kind: 'register'; readonly nonce: bigint }
  | { readonly kind: 'change-secret'; readonly secretHash: Buffer }
  | { readonly kind: 'raise-stake'; readonly stake: bigint }
  | { readonly kind: 'charge'; readonly payment: Buffer }
  | { readonly kind: 'withdraw' | 'ask-refund' };

/** NanoTON that a deed moves into the account. */
export function amountOf(deed: Deed): bigint {
  return deed.kind === 'open' || deed.kind === 'top-up' ? deed.amount : 0n;
}

/** @param excess gets what is left of the value: our wallet */
export function messageFor(deed: Deed, to: Address, queryId: bigint, excess: Address): WalletMessage {
  const message = internal({
    to,
    value: MESSAGE_VALUE + amountOf(deed),
    bounce: true, // a refusal brings the coins back
    body: bodyOf(deed, queryId, excess),
    ...(deed.kind === 'open' ? { init: deed.init } : {}),
  });
  return { mode: 1, message };
}

function bodyOf(deed: Deed, queryId: bigint, excess: Address): Cell {
  const request = { queryId, excess };
  switch (deed.kind) {
    case 'open': {
      const { secretHash } = deed;
      if (deed.amount === 0n) return clientRequest.changeSecret({ ...request, secretHash });
      return clientRequest.topUpWithSecret({ ...request, amount: nanoTon(deed.amount), secretHash });
    }
    case 'top-up':
      return clientRequest.topUp({ ...request, amount: nanoTon(deed.amount) });
    case 'register':
      return clientRequest.register({ ...request, nonce: deed.nonce });
    case 'change-secret':
      return clientRequest.changeSecret({ ...request, secretHash: deed.secretHash });
    case 'raise-stake':
      return clientRequest.raiseStake({ ...request, stake: nanoTon(deed.stake) });
    case 'withdraw':
      return clientRequest.withdraw(request);
    case 'ask-refund':
      return clientRequest.askRefund(request);
    default:
      return readCell(redirectExcess(deed.payment, excess));
  }
}
