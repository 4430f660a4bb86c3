export { CollateralStore, type CollateralStoreOptions, type TrustFor } from './collateral/collateral-store.ts';
export type { EndpointOptions } from './collateral/endpoint.ts';
export { readCollateral } from './collateral/intel-records.ts';
export { AMD_SERVICE } from './collateral/kds.ts';
export { INTEL_SERVICE, type PccsOptions } from './collateral/pccs.ts';
export type { Standing } from './collateral/record.ts';
export type { Kept, RecordStore, StoreDeps } from './collateral/record-store.ts';
export { NVIDIA_RIM_SERVICE } from './collateral/rim-service.ts';
export { EvidenceError, type EvidenceErrorCode } from './errors.ts';
export { GpuCommand, type GpuCommandOptions, NVATTEST } from './providers/gpu-command.ts';
export { GpuSocket, type GpuSocketOptions } from './providers/gpu-socket.ts';
export type { EvidenceProvider, GpuProvider, GpuRequest, MachineRequest } from './providers/provider.ts';
export { recordedEvidence } from './providers/recorded.ts';
export {
  createSimulatedMachine,
  createSimulatedRoot,
  openSimulatedMachine,
  type SimulatedMachineOptions,
  type SimulatedRoot,
} from './providers/simulated.ts';
export { TSM_ROOT, type TsmDeps, type TsmOptions, TsmProvider } from './providers/tsm.ts';
export type { TsmFiles } from './providers/tsm-files.ts';
export {
  type Asking,
  PeerVerifier,
  type PeerVerifierDeps,
  type PeerVerifierOptions,
} from './verifier/peer-verifier.ts';
