import { allZero } from '../bytes.ts';
import type { Quote } from './quote.ts';

/** Facts that a relying party must judge, because Intel's rules do not. Source: attestation.md §5.2, §8.3. */
export type PolicyFinding =
  | 'DEBUG'
  | 'TUD_RESERVED'
  | 'NO_SEPT_VE_DISABLE'
  | 'MIGRATABLE'
  | 'PKS'
  | 'KL'
  | 'PERFMON'
  | 'SERVICE_TD'
  | 'SGX_DEBUG'
  | 'KSS';

export function policyFindings({ body }: Quote): PolicyFinding[] {
  const found: PolicyFinding[] = [];
  if (body.kind === 'sgx') {
    const flags = body.attributes[0] ?? 0;
    if (flags & 0x02) found.push('SGX_DEBUG');
    if (flags & 0x80) found.push('KSS');
    return found;
  }
  const [debug = 0, , , features = 0, , , , last = 0] = body.tdAttributes;
  if (debug & 0x01) found.push('DEBUG');
  if (debug & 0xfe) found.push('TUD_RESERVED');
  if (!(features & 0x10)) found.push('NO_SEPT_VE_DISABLE');
  if (features & 0x20) found.push('MIGRATABLE');
  if (features & 0x40) found.push('PKS');
  if (features & 0x80) found.push('KL');
  if (last & 0x80) found.push('PERFMON');
  if (body.mrServiceTd !== undefined && !allZero(body.mrServiceTd)) found.push('SERVICE_TD');
  return found;
}
