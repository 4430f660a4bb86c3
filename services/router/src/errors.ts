import { BombyxError } from '@bombyx/base';

/**
 * - `ROUTER_CONFIG`: the command line or the configuration file is wrong; every fault is in the message
 * - `ROUTER_LISTEN`: a port cannot be opened
 * - `ROUTER_CERTIFICATE`: the certificate files cannot be used
 */
export type RouterErrorCode = 'ROUTER_CONFIG' | 'ROUTER_LISTEN' | 'ROUTER_CERTIFICATE';

export class RouterError extends BombyxError<RouterErrorCode> {}
