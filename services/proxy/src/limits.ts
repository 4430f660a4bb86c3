/**
 * Every bound of the proxy in one table; README.md repeats it for people. A peer can fill what stands here and nothing
 * else. Times in milliseconds, sizes in bytes. The ones a configuration may change are the defaults of `config.ts`.
 */
export interface ProxyLimits {
  /** Connections on the client port. */
  readonly clientConnections: number;
  /** Connections on the worker port. */
  readonly workerConnections: number;
  /** Client records kept in memory; an owner not seen before is refused beyond it. */
  readonly clientRecords: number;
  /** Worker records kept in memory, as for clients. */
  readonly workerRecords: number;
  /** Model names remembered after their last worker left. */
  readonly models: number;
  /** Queued and running requests of one client. */
  readonly requestsPerClient: number;
  /** Queued and running requests of the whole proxy. */
  readonly requests: number;
  /** Requests waiting for a worker of one model. */
  readonly queuePerModel: number;
  /** Longest wait in the queue. */
  readonly queueMs: number;
  /** Workers tried for one request before its first byte. */
  readonly attempts: number;
  /** Answer bytes kept for one request whose reader is slower than its worker (peers without flow control only). */
  readonly bufferPerRequest: number;
  /** Answer bytes kept for all requests together. */
  readonly bufferTotal: number;
  /** Answer bytes a worker may send ahead of its reader. */
  readonly window: number;
  /** Longest total time a client may ask for. */
  readonly totalMs: number;
  /** How long a stopped worker may take to report what it counted. */
  readonly countGraceMs: number;
  /** Time for a peer to get through its handshake. */
  readonly handshakeMs: number;
  /** A held long authorization is answered by then. */
  readonly registrationMs: number;
  /** Registrations waited for at once. */
  readonly registrations: number;
  /** Concurrent requests a worker may claim on one connection. */
  readonly workerSlots: number;
  /** Length of a model name, in UTF-16 units. */
  readonly modelName: number;
}

export const defaultLimits: ProxyLimits = {
  clientConnections: 4_096,
  workerConnections: 4_096,
  clientRecords: 16_384,
  workerRecords: 16_384,
  models: 1_024,
  requestsPerClient: 1_024,
  requests: 16_384,
  queuePerModel: 2_048,
  queueMs: 30_000,
  attempts: 3,
  bufferPerRequest: 4 << 20,
  bufferTotal: 256 << 20,
  window: 1 << 20,
  totalMs: 3_600_000,
  countGraceMs: 1_000,
  handshakeMs: 60_000,
  registrationMs: 300_000,
  registrations: 4_096,
  workerSlots: 10_000,
  modelName: 256,
};

/** Largest worker coefficient (exclusive). Source: errors.md §9 of the reference, "worker coefficient range". */
export const COEFFICIENT_END = 1_000_000_000;
/** Highest protocol versions we speak; C++ peers stop at 2. */
export const CLIENT_PROTOCOL_VERSION = 4;
export const WORKER_PROTOCOL_VERSION = 3;
