export { Address, type Cell } from '@ton/core';
export { formatAddress, parseAddress } from './address.ts';
export { type Arrival, awaitArrival, type ExpectedArrival } from './arrival.ts';
export { readCell, writeCell } from './boc.ts';
export type { Chain, ChainAccount, ChainTransaction, GetMethodResult, TransactionId } from './chain.ts';
export { ChainError, type ChainErrorCode } from './chain-errors.ts';
export { chainTransaction, readChainTransaction } from './chain-transaction.ts';
export { buildContracts, compileContract } from './compile.ts';
export {
  type ClientAccount,
  type ClientData,
  clientBirthData,
  clientDataCell,
  clientRequest,
  readClientAnswer,
  readClientData,
} from './contracts/client.ts';
export { CONTRACT_NAMES, type ContractName, readContractCode } from './contracts/code.ts';
export { type ContractInit, type ContractState, initAddress, type Request } from './contracts/data.ts';
export { ContractError, type ContractErrorCode } from './contracts/errors.ts';
export { PARAMS_LAYOUT, type ParamCodes, type Params, paramsCell, readParams } from './contracts/params.ts';
export {
  type ProxyAccount,
  type ProxyAnswer,
  type ProxyData,
  proxyBirthData,
  proxyDataCell,
  proxyRequest,
  readProxyAnswer,
  readProxyData,
  type SignedClosing,
  signClosing,
} from './contracts/proxy.ts';
export { type ClientNotice, type ProxyNotice, readProxyNotice, type WorkerNotice } from './contracts/proxy-notice.ts';
export { networkAddress, type RootData, readRootData, rootConfig, rootDataCell } from './contracts/root.ts';
export { type NewParams, type RootList, rootRequest } from './contracts/root-requests.ts';
export { walletBirthData, walletRequest } from './contracts/wallet.ts';
export {
  readWorkerAnswer,
  readWorkerData,
  type WorkerAccount,
  type WorkerData,
  workerBirthData,
  workerDataCell,
  workerRequest,
} from './contracts/worker.ts';
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
export { type OperatingWallet, operatingWallet, WALLET_CODES, type WalletCode } from './operating-wallet.ts';
export { type Payment, type PaymentKind, redirectExcess, signPayment, verifyPayment } from './payment.ts';
export { type Endpoint, type ProxyEndpoints, parseEndpoint, parseProxyAddress } from './proxy-address.ts';
export { Purse, type PurseDeps, type PurseOptions } from './purse.ts';
export type {
  KeyRegistry,
  PriceMultipliers,
  RegisteredKey,
  RegisteredProxy,
  RootConfig,
} from './root-config.ts';
export { parseRootData, readRoot } from './root-reader.ts';
export { rootReport } from './root-report.ts';
export { RootSource, type RootSourceOptions } from './root-source.ts';
export { type RootWatch, type RootWatchDeps, type RootWatchOptions, watchRoot } from './root-watch.ts';
export { RootError, type RootErrorCode } from './root-watch-errors.ts';
export { Toncenter, type ToncenterOptions } from './toncenter.ts';
export type { ToncenterEndpoint } from './toncenter-endpoint.ts';
export { MAINNET, TESTNET, type TonNetwork } from './toncenter-network.ts';
export { type Transfer, transfer } from './transfer.ts';
export {
  type WalletReceipt,
  WalletSender,
  type WalletSenderDeps,
  type WalletSenderOptions,
} from './wallet-sender.ts';
export { WalletError, type WalletErrorCode } from './wallet-sender-errors.ts';
