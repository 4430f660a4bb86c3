export { GatewayError, type GatewayErrorCode } from './errors.ts';
export { type Gateway, type GatewayDeps, startGateway } from './gateway.ts';
export { type Caps, onDay } from './key-account.ts';
export { KeyError, type KeyErrorCode } from './key-errors.ts';
export { KEYS_FILE, type KeyRecord, KeyStore } from './key-store.ts';
export { Keys, type KeysDeps, type KeysOptions } from './keys.ts';
export { defaultOptions, type GatewayOptions } from './options.ts';
