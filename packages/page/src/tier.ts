/** `tdx`, `sev-snp`: verified hardware. `simulated`: stands in for it and proves nothing. `open`: no enclave claimed. */
export type Tier = 'tdx' | 'sev-snp' | 'simulated' | 'open';

const weakestFirst: readonly Tier[] = ['open', 'simulated', 'sev-snp', 'tdx'];

/**
 * Answers are as confidential as the weakest peer that may see them.
 * @param attestations as peers showed them; one that nobody knows claims nothing
 * @returns undefined without peers
 */
export function weakestTier(attestations: readonly string[]): Tier | undefined {
  const tiers = new Set(attestations.map(tierOf));
  return weakestFirst.find((tier) => tiers.has(tier));
}

function tierOf(attestation: string): Tier {
  if (attestation === 'fake_tdx') return 'simulated';
  return weakestFirst.find((tier) => tier === attestation) ?? 'open';
}

/** As people read it: what only plays to be an enclave must not be overlooked. */
export function tierName(tier: Tier): string {
  return tier === 'simulated' ? 'SIMULATED' : tier;
}
