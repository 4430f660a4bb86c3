/** A policy of a router together with what judges by it. */
import type { Policy } from '@bombyx/attest';
import type { PeerVerifier } from '@bombyx/evidence';
import { anyPolicy, type PeerPolicy } from '@bombyx/transport';

export function judgeBy(policy: Policy, verifier: PeerVerifier): PeerPolicy {
  if (policy.type === 'any') return anyPolicy();
  return {
    name: policy.name,
    wantsFresh: false, // C++ peers show a certificate and nothing else
    judgeCertificate(der, { role, address, signal }) {
      // proxies are the servers of TLS, whoever connects to them its client
      return verifier.judgeCertificate(der, role === 'proxy' ? 'server' : 'client', policy, { address, signal });
    },
    judgeEvidence: (bundle, binding, { address, signal }) =>
      verifier.judge(bundle, binding, policy, { address, signal }),
  };
}
