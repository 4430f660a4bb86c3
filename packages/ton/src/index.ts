export { Address, type Cell } from '@ton/core';
export { formatAddress, parseAddress } from './address.ts';
export { readCell, writeCell } from './boc.ts';
export type { Chain, ChainAccount, ChainTransaction, GetMethodResult, TransactionId } from './chain.ts';
export { ChainError, type ChainErrorCode } from './chain-errors.ts';
export { chainTransaction, readChainTransaction } from './chain-transaction.ts';
export {
  type AccountParty,
  clientContractAddress,
  type ProxyParty,
  proxyContractAddress,
  walletAddress,
  workerContractAddress,
} from './contracts.ts';
export { TonError, type TonErrorCode } from './errors.ts';
export {
  MAX_WALLET_MESSAGES,
  MIN_WALLET_BALANCE,
  readWalletState,
  signWalletOrder,
  type WalletMessage,
  type WalletOrder,
  type WalletState,
  walletExternal,
} from './external-wallet.ts';
export { readFakeRoot } from './fake-root.ts';
export { privateKeyFromSeed, publicKeyBytes, publicKeyFromBytes } from './keys.ts';
export { type Payment, type PaymentKind, redirectExcess, signPayment, verifyPayment } from './payment.ts';
export { type Endpoint, type ProxyEndpoints, parseEndpoint, parseProxyAddress } from './proxy-address.ts';
export type {
  KeyRegistry,
  PriceMultipliers,
  RegisteredKey,
  RegisteredProxy,
  RootConfig,
} from './root-config.ts';
export { parseRootData, readRoot } from './root-reader.ts';
export { rootReport } from './root-report.ts';
export { type RootWatch, type RootWatchDeps, type RootWatchOptions, watchRoot } from './root-watch.ts';
export { RootError, type RootErrorCode } from './root-watch-errors.ts';
export { Toncenter, type ToncenterOptions } from './toncenter.ts';
export type { ToncenterEndpoint } from './toncenter-endpoint.ts';
export { MAINNET, TESTNET, type TonNetwork } from './toncenter-network.ts';
export {
  type WalletReceipt,
  WalletSender,
  type WalletSenderDeps,
  type WalletSenderOptions,
} from './wallet-sender.ts';
export { WalletError, type WalletErrorCode } from './wallet-sender-errors.ts';
