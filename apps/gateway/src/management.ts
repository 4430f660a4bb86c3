import { BombyxError } from '@bombyx/base';
import type { ManagementActions } from '@bombyx/client';
import { GatewayError } from './errors.ts';

/** @returns whether `path` is `/request/` and the name of an action */
export function actionOf(path: string): keyof ManagementActions | undefined {
  switch (path) {
    case '/request/charge':
      return 'charge';
    case '/request/topup':
      return 'topup';
    case '/request/withdraw':
      return 'withdraw';
    case '/request/close':
      return 'close';
    case '/request/trust':
      return 'trust';
    default:
      return undefined;
  }
}

/** @throws {GatewayError} `GATEWAY_UNSUPPORTED` without TON, `GATEWAY_INVALID_VALUE` for a refused action */
export async function manage(
  actions: ManagementActions | undefined,
  action: keyof ManagementActions,
  proxyContract: string | undefined,
): Promise<string> {
  if (!actions)
    throw new GatewayError('GATEWAY_UNSUPPORTED', 'this client runs without TON: there is no contract to act on');
  if (!proxyContract)
    throw new GatewayError('GATEWAY_INVALID_VALUE', 'name the proxy contract: ?proxy=ADDRESS', { param: 'proxy' });
  try {
    await actions[action](proxyContract);
  } catch (error) {
    if (!(error instanceof BombyxError)) throw error;
    throw new GatewayError('GATEWAY_INVALID_VALUE', error.message, { param: 'proxy' });
  }
  return 'request sent\n';
}
