export { readCertificateTable } from './amd/certificate-table.ts';
export {
  ARK_SHA256,
  type ChipClaim,
  type ChipReason,
  type ChipVerdict,
  type SnpCertificates,
  type SnpOptions,
  verifyChip,
} from './amd/chip.ts';
export {
  readSnpReport,
  type SnpFinding,
  type SnpPolicy,
  type SnpReport,
  type SnpSigner,
  snpFindings,
} from './amd/report.ts';
export { type AmdProduct, amdProducts, productOf, readTcb, readVcek, type SnpTcb } from './amd/tcb.ts';
export { type SnpReason, type SnpVerdict, verifySnp } from './amd/verify.ts';
export { equalBytes } from './bytes.ts';
export type { AttestCrypto, HashName, PublicKey, SignatureScheme, VerifyKey } from './crypto/port.ts';
export {
  COLLATERAL_FIELDS,
  type Collateral,
  type CollateralOptions,
  OpenedCollateral,
  openCollateral,
} from './intel/collateral.ts';
export { type PolicyFinding, policyFindings } from './intel/findings.ts';
export { type CollateralNeed, collateralNeed, type PckCa, readPckChain } from './intel/pck.ts';
export { type Quote, type QuotePlatform, readQuote, type SgxBody, type TdBody } from './intel/quote.ts';
export type { IntelFailure, IntelReason } from './intel/reasons.ts';
export { collateralRootHash, INTEL_ROOT } from './intel/root.ts';
export { judgeCollateral } from './intel/rules.ts';
export { readSgxExtension, SGX_EXTENSION } from './intel/sgx-extension.ts';
export type { PartStatus, PlatformStatus, QeIdentity, TcbInfo } from './intel/tcb-info.ts';
export type { TcbStatus } from './intel/tcb-level.ts';
export { type QuoteOptions, type QuoteVerdict, verifyQuote } from './intel/verify.ts';
export { MalformedError } from './malformed.ts';
export { type DstackEvent, readDstackLog } from './measure/dstack-log.ts';
export {
  type EventLogs,
  type FirmwareEvent,
  type LogReason,
  type LogVerdict,
  type ReplayedLogs,
  verifyEventLogs,
} from './measure/event-log.ts';
export { type ImageReason, type ImageSource, type ImageVerdict, imageHash, imageHashOf } from './measure/image-hash.ts';
export { type ModelName, modelListHash, modelName, modelRoot, readModelName } from './measure/model-hash.ts';
export { lineExtension, type RegisterExtension, type Registers, replay } from './measure/registers.ts';
export { type SpecFile, type SpecReason, type SpecVerdict, specLine, specTreeId } from './measure/spec-tree.ts';
export { type FolderEntry, tarOf } from './measure/tar.ts';
export { type LogEvent, readCcelTable, readTcgLog } from './measure/tcg-log.ts';
export { VERITY_BLOCK, verityRoot } from './measure/verity.ts';
export { type DeviceIdentity, type DeviceKind, readDeviceChain, readIdentity } from './nvidia/certificates.ts';
export { type GpuEvidence, type GpuMode, readGpuEvidence } from './nvidia/evidence.ts';
export type { MatchedRim } from './nvidia/measurements.ts';
export {
  NRAS_ISSUER,
  type NrasGpu,
  type NrasOptions,
  type NrasReason,
  type NrasVerdict,
  verifyNras,
} from './nvidia/nras.ts';
export type { OcspGiven } from './nvidia/revocation.ts';
export { matchRim, type Rim, type RimMatch, readRim } from './nvidia/rim.ts';
export { type RimId, rimIdsOf } from './nvidia/rim-id.ts';
export { DEVICE_ROOT_SHA256, RIM_ROOT_SHA256 } from './nvidia/roots.ts';
export {
  type GpuDevice,
  type GpuFinding,
  type GpuInput,
  type GpuOptions,
  type GpuReason,
  type GpuVerdict,
  verifyGpu,
} from './nvidia/verify-gpu.ts';
export { type RimOptions, type RimReason, type RimVerdict, verifyRim } from './nvidia/verify-rim.ts';
export { type Binding, EXPORTER_LABEL, gpuNonceOf, reportDataV1, reportDataV2 } from './peer/binding.ts';
export { type Claims, decodeClaims, encodeClaims, MAX_CLAIMS_BYTES, MAX_GPUS, type PartRole } from './peer/claims.ts';
export {
  decodeEvidence,
  type EvidenceItem,
  type EvidenceKind,
  encodeEvidence,
  evidenceDigest,
  gpuDigest,
  MAX_EVIDENCE_BYTES,
  MAX_EVIDENCE_ITEMS,
  type PeerEvidence,
} from './peer/evidence.ts';
export { judgePeer } from './peer/judge.ts';
export { judgeMachine } from './peer/kinds.ts';
export { decodeLogs, encodeLogs, type GuestLogs } from './peer/logs.ts';
export { type EvidenceNeeds, needsOf, type VcekNeed } from './peer/needs.ts';
export { judgeQuotedCertificate } from './peer/quoted.ts';
export { reconsiderPeer } from './peer/reconsider.ts';
export {
  endorsementOf,
  readSimulated,
  type SimulatedPlatform,
  type SimulatedReason,
  type SimulatedReport,
  type SimulatedVerdict,
  simulatedImageHash,
  verifySimulated,
  writeSimulated,
} from './peer/simulated.ts';
export type { JudgeOptions, Trust } from './peer/trust.ts';
export type { Attestation, AttestedGpu, AttestedPeer, PeerTier, PeerVerdict } from './peer/verdict.ts';
export { type ParsedPolicy, type PolicyFault, parsePolicy } from './policy/parse.ts';
export {
  type AdmittedImage,
  type AnyPolicy,
  builtinPolicy,
  type ContractLists,
  type FakeTdxPolicy,
  type Policy,
  type PolicyType,
  policyTypes,
  type SevSnpPolicy,
  type SimulatedPolicy,
  type TdxPolicy,
  withMeasurements,
} from './policy/policy.ts';
export {
  type CertificateVerdict,
  CLAIMS_OID,
  ed25519Of,
  judgeCertificate,
  QUOTE_OID,
  type Role,
  SERVER_NAME,
} from './ra-tls.ts';
export type { Failure } from './verdict.ts';
export { type Certificate, commonName, readCertificate } from './x509/certificate.ts';
export { readCrl } from './x509/crl.ts';
export { readPemCertificates } from './x509/pem.ts';
