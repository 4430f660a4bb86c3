/** Why a quote is refused. Codes are API; attestation.md §6 gives their meaning and their order. */
import type { Failure } from '../verdict.ts';

type CrlReason<Name extends string> = `${Name}_CRL_${'FORMAT' | 'ISSUER' | 'SIGNATURE' | 'FUTURE' | 'EXPIRED'}`;
type ChainReason<Name extends string> = `${Name}_${'CHAIN' | 'VALIDITY' | 'REVOKED'}`;

export type IntelReason =
  | 'QUOTE_FORMAT'
  | 'QE_VENDOR'
  | 'CERT_TYPE'
  | 'PCK_FORMAT'
  | CrlReason<'ROOT' | 'PCK'>
  | ChainReason<'PCK' | 'TCB_SIGN' | 'QEID_SIGN'>
  | `TCB_INFO_${'SIGNATURE' | 'FUTURE' | 'EXPIRED' | 'MISMATCH'}`
  | `QE_IDENTITY_${'SIGNATURE' | 'FUTURE' | 'EXPIRED' | 'MISMATCH'}`
  | 'QE_REPORT_SIGNATURE'
  | 'QE_REPORT_DATA'
  | 'QUOTE_SIGNATURE'
  | 'TCB_NOT_SUPPORTED'
  | 'TDX_MODULE_MISMATCH'
  | 'TCB_REVOKED';

export type IntelFailure = Failure<IntelReason>;

const FETCH = 'fetch newer collateral for this platform';
const CLOCK = 'compare the clock with another source; if it is right, fetch the collateral again';
const OTHER = 'fetch the collateral for the FMSPC, the TEE and the CA of this quote';

/** What to do, where something can be done that is not "do not trust this machine". */
const fixes: Partial<Record<IntelReason, string>> = {
  CERT_TYPE: 'let the host make quotes with PCK certificates inside (certification data of type 5)',
  ROOT_CRL_FORMAT: FETCH,
  ROOT_CRL_FUTURE: CLOCK,
  ROOT_CRL_EXPIRED: FETCH,
  PCK_CRL_FORMAT: FETCH,
  PCK_CRL_ISSUER: OTHER,
  PCK_CRL_FUTURE: CLOCK,
  PCK_CRL_EXPIRED: FETCH,
  PCK_VALIDITY: 'compare the clock with another source; if it is right, the machine needs a new PCK certificate',
  TCB_SIGN_CHAIN: FETCH,
  TCB_SIGN_VALIDITY: FETCH,
  QEID_SIGN_CHAIN: FETCH,
  QEID_SIGN_VALIDITY: FETCH,
  TCB_INFO_SIGNATURE: 'keep the text of tcbInfo exactly as Intel signed it, and fetch it again',
  TCB_INFO_FUTURE: CLOCK,
  TCB_INFO_EXPIRED: FETCH,
  TCB_INFO_MISMATCH: OTHER,
  QE_IDENTITY_SIGNATURE: 'keep the text of enclaveIdentity exactly as Intel signed it, and fetch it again',
  QE_IDENTITY_FUTURE: CLOCK,
  QE_IDENTITY_EXPIRED: FETCH,
  TCB_NOT_SUPPORTED: 'update the firmware, the microcode and the TDX module of the machine',
};

export function failure(code: IntelReason, message: string): IntelFailure {
  const fix = fixes[code];
  return fix === undefined ? { code, message } : { code, message, fix };
}
