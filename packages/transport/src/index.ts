export type { ConnectOptions, ConnectSecurity, TransportDeps } from './connect.ts';
export { connect } from './connect.ts';
export type { Connection, ConnectionHandlers, PeerIdentity, QueryOptions } from './connection.ts';
export { QueryError, TransportError, type TransportErrorCode } from './errors.ts';
export { type Credentials, createIdentity, type TlsIdentity } from './identity.ts';
export type { KeepConnectedDeps, KeepConnectedOptions, KeptConnection } from './keep-connected.ts';
export { keepConnected } from './keep-connected.ts';
export type { Listener, ListenLimits, ListenOptions, ListenSecurity } from './listen.ts';
export { listen } from './listen.ts';
export {
  type AllowLists,
  type Attestation,
  anyPolicy,
  FAKE_IMAGE_HASH,
  fakeTdxPolicy,
  NO_IMAGE_HASH,
  type PeerPolicy,
  type PolicyVerdict,
} from './policy.ts';
export { PowSolver, type SolverLimits } from './pow-solver.ts';
