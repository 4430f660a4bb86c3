import type { Terms } from '@bombyx/ledger';
import type { RootConfig } from '@bombyx/ton';

/** What of a root configuration decides over the money of a proxy contract that is made under it. */
export function termsOf(root: RootConfig): Terms {
  return {
    paramsVersion: root.paramsVersion,
    pricePerToken: root.pricePerToken,
    workerFeePerToken: root.workerFeePerToken,
    proxyDelaySec: root.proxyDelayBeforeCloseSec,
    clientDelaySec: root.clientDelayBeforeCloseSec,
  };
}
