/** `tdx`: a verified quote. `simulated`: stands in for one and proves nothing. `open`: no enclave claimed. */
export type Tier = 'tdx' | 'simulated' | 'open';

const weakestFirst: readonly Tier[] = ['open', 'simulated', 'tdx'];

/**
 * Answers are as confidential as the weakest peer that may see them.
 * @param attestations of peers' certificates; anything but `tdx` and `fake_tdx` claims nothing
 * @returns undefined without peers
 */
export function weakestTier(attestations: readonly string[]): Tier | undefined {
  const tiers = new Set(attestations.map(tierOf));
  return weakestFirst.find((tier) => tiers.has(tier));
}

function tierOf(attestation: string): Tier {
  if (attestation === 'tdx') return 'tdx';
  return attestation === 'fake_tdx' ? 'simulated' : 'open';
}
