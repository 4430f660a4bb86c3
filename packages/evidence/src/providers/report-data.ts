/** What a quote or report is about. Unverified: it shows mix-ups of the host, not forgeries. */
import { MalformedError, readQuote, readSnpReport } from '@bombyx/attest';

/** @returns 64 bytes, undefined when the bytes are no evidence of that kind */
export function reportDataOf(kind: 'tdx' | 'sev-snp', evidence: Uint8Array): Uint8Array | undefined {
  try {
    if (kind === 'sev-snp') return readSnpReport(evidence).reportData;
    const quote = readQuote(evidence);
    return quote.body.kind === 'sgx' ? undefined : quote.body.reportData;
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}
