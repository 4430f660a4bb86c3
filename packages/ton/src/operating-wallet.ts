/** Where the operating wallet of a node is, and how it comes to be there. */
import type { Address } from '@ton/core';
import { readContractCode } from './contracts/code.ts';
import { type ContractInit, initAddress } from './contracts/data.ts';
import { walletBirthData } from './contracts/wallet.ts';
import { walletAddress } from './contracts.ts';

/** Whose wallet code: ours, or that of the C++ programs. Both keep the same data and take the same messages. */
export const WALLET_CODES = ['bombyx', 'cocoon'] as const;

export type WalletCode = (typeof WALLET_CODES)[number];

export interface OperatingWallet {
  readonly address: Address;
  /** Deploys it with its first external message. Absent for a code that we do not have: it must be there already. */
  readonly init?: ContractInit;
}

/**
 * The wallet of a key and its owner.
 * @param party `publicKey`: 32 bytes, Ed25519; `owner` may withdraw and block
 * @throws {ContractError} `CONTRACT_CODE` @throws {TonError} `TON_KEY`
 */
export function operatingWallet(
  party: { readonly publicKey: Uint8Array; readonly owner: Address },
  code: WalletCode,
): OperatingWallet {
  if (code === 'cocoon') return { address: walletAddress(party) };
  const init = { code: readContractCode('wallet'), data: walletBirthData(party) };
  return { address: initAddress(init), init };
}
