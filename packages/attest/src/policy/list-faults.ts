/** What the lists of the moment have against a peer that was judged before: lists change while connections live. */
import type { AttestCrypto } from '../crypto/port.ts';
import type { PartRole } from '../peer/claims.ts';
import { reconsiderPeer } from '../peer/reconsider.ts';
import type { AttestedPeer } from '../peer/verdict.ts';
import type { Failure } from '../verdict.ts';
import type { Policy } from './policy.ts';

/** @param peer as its verdict has it. @returns every list that does not admit it (any more) */
export function listFaults(policy: Policy, peer: AttestedPeer, role: PartRole, _crypto: AttestCrypto): Failure[] {
  return reconsiderPeer(peer, role, policy);
}
