/** Lists change while connections live: what today's have against a peer that yesterday's let in. */
import type { Policy } from '../policy/policy.ts';
import { imageFaults, modelFaults, platformFaults } from '../policy/rules.ts';
import type { Failure } from '../verdict.ts';
import type { PartRole } from './claims.ts';
import type { AttestedPeer } from './verdict.ts';

/**
 * @param policy with the lists as they are now
 * @param platformPeers living connections to each platform, this one not counted; absent: it is counted already
 * @returns every list that does not hold the peer any more, and every bound that it is above; empty: it may stay
 */
export function reconsiderPeer(
  peer: AttestedPeer,
  role: PartRole,
  policy: Policy,
  platformPeers?: ReadonlyMap<string, number>,
): Failure[] {
  if (policy.type === 'any') return [];
  const failures = [...imageFaults(policy.measurements, peer.imageHash)];
  if (policy.type === 'fake_tdx') return failures;
  // a certificate names no model: who asks for one there must ask the peer itself
  if (role === 'worker' && peer.fresh) failures.push(...modelFaults(policy, peer));
  const { maxPeers: _, ...lists } = policy.platforms;
  failures.push(...platformFaults(platformPeers ? policy.platforms : lists, peer.platform, platformPeers));
  return failures;
}
