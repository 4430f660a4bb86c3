export { GatewayError, type GatewayErrorCode } from './errors.ts';
export { type Gateway, type GatewayDeps, startGateway } from './gateway.ts';
export type { ManagementActions } from './management.ts';
export { defaultOptions, type GatewayOptions } from './options.ts';
