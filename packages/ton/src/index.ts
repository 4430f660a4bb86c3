export { Address, type Cell } from '@ton/core';
export { formatAddress, parseAddress } from './address.ts';
export { readCell, writeCell } from './boc.ts';
export {
  type AccountParty,
  clientContractAddress,
  type ProxyParty,
  proxyContractAddress,
  walletAddress,
  workerContractAddress,
} from './contracts.ts';
export { TonError, type TonErrorCode } from './errors.ts';
export { readFakeRoot } from './fake-root.ts';
export { privateKeyFromSeed, publicKeyBytes, publicKeyFromBytes } from './keys.ts';
export { type Payment, type PaymentKind, redirectExcess, signPayment, verifyPayment } from './payment.ts';
export { type Endpoint, type ProxyEndpoints, parseEndpoint, parseProxyAddress } from './proxy-address.ts';
export type { PriceMultipliers, RegisteredProxy, RootConfig } from './root-config.ts';
export { rootReport } from './root-report.ts';
