/** Evidence that was collected before: for tests of verifiers, since it cannot be about anything that is asked. */
import type { EvidenceItem } from '@bombyx/attest';
import type { EvidenceProvider, GpuProvider } from './provider.ts';

export function recordedEvidence(items: readonly EvidenceItem[]): EvidenceProvider & GpuProvider {
  return {
    kind: 'recorded',
    async collect({ signal }: { readonly signal: AbortSignal }) {
      signal.throwIfAborted();
      return [...items];
    },
    async [Symbol.asyncDispose]() {},
  };
}
