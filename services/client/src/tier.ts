import type { PeerIdentity } from '@bombyx/transport';

/**
 * How far the confidentiality of an answer goes, as the proxy's certificate showed it: `tdx` (a verified quote),
 * `simulated` (stands in for a quote and proves nothing), `open` (no enclave claimed).
 */
export type Tier = 'tdx' | 'simulated' | 'open';

/** Header of every answer that names its tier. Only the client writes it: one from the wire is dropped. */
export const TIER_HEADER = 'X-Bombyx-Tier';

const tiers = { tdx: 'tdx', fake_tdx: 'simulated', none: 'open' } as const;

export function tierOf(attestation: PeerIdentity['attestation']): Tier {
  return tiers[attestation];
}
