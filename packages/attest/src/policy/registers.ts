/** The lists of the C++ `tdx_config`, and the measured registers as people read them. Source: attestation.md §8.2. */
import { toHex } from '../bytes.ts';
import type { Failure } from '../verdict.ts';
import type { Registers } from './policy.ts';

/** Bytes of what the lists are about: 48 each. */
export interface MeasuredRegisters {
  readonly mrTd: Uint8Array;
  readonly rtmr: readonly Uint8Array[];
  /** SHA-384 of the root key of the vendor's statements. */
  readonly collateralRootHash: Uint8Array;
}

export function* registerFaults(lists: Registers, seen: MeasuredRegisters): Generator<Failure> {
  const fix = 'run an image that the policy lists, or list this one after reviewing it';
  const mrTd = toHex(seen.mrTd);
  if (lists.mrTd?.includes(mrTd) === false) yield { code: 'POLICY_MRTD', message: `MRTD ${mrTd} is not allowed`, fix };
  const rtmrs = seen.rtmr.map(toHex);
  if (lists.rtmrs?.some((listed) => listed.every((value, i) => value === rtmrs[i])) === false)
    yield { code: 'POLICY_RTMR', message: `RTMR0 to RTMR3 are not allowed together: ${rtmrs.join(' ')}`, fix };
  const root = toHex(seen.collateralRootHash);
  if (lists.collateralRootHashes?.includes(root) === false)
    yield { code: 'POLICY_COLLATERAL_ROOT', message: `collateral of the root ${root} is not allowed` };
}

export function registersInHex({ mrTd, rtmr }: Pick<MeasuredRegisters, 'mrTd' | 'rtmr'>): Record<string, string> {
  return Object.fromEntries([['mrTd', toHex(mrTd)], ...rtmr.map((value, i) => [`rtmr${i}`, toHex(value)])]);
}
