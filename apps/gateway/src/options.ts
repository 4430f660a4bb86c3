/** What an operator may set. Times in milliseconds, sizes in bytes, coefficients in thousandths. */
export interface GatewayOptions {
  /** Address to listen on; anything but loopback also needs `allowedHosts` to keep its protection against DNS rebinding. */
  readonly host: string;
  /** TCP port; 0 takes a free one. */
  readonly port: number;
  /** Host names besides `localhost` and plain IP addresses that callers may use to reach us. */
  readonly allowedHosts: readonly string[];
  /** The one web origin whose pages may call us, or `*`; absent: no page may. */
  readonly corsOrigin: string | undefined;
  /** Password of the statistics and management pages; absent: open, which is meant for loopback only. */
  readonly httpAccessHash: string | undefined;
  /** Largest request body. The wire's limit is 16 MiB for the whole packet. */
  readonly maxBodyBytes: number;
  /** Request bodies in memory at once, over all requests. */
  readonly maxHeldBodyBytes: number;
  /** Time a caller has for sending its whole request, head and body. */
  readonly bodyTimeoutMs: number;
  /** Requests under way at once; one more is answered 429. */
  readonly maxConcurrentRequests: number;
  /** Sockets open at once; the next one is closed by Node. */
  readonly maxConnections: number;
  /** Completion tokens asked for and reserved when a chat or completion request names no limit. */
  readonly defaultMaxTokens: number;
  /** Highest price accepted from a worker when a request names none. */
  readonly defaultMaxCoefficient: number;
  readonly firstByteTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly totalTimeoutMs: number;
  /** How long a caller may take nothing of an answer that is ready, on top of its request's own time. */
  readonly drainTimeoutMs: number;
  /** How long we believe that a model's server lacks `/v1/responses`. */
  readonly responsesMemoryMs: number;
  /** Largest answer kept in memory where one must be: a mapped, unstreamed `/v1/responses`. */
  readonly maxHeldAnswerBytes: number;
}

/** Listed with every other bound in docs/limits.md. */
export const defaultOptions: GatewayOptions = {
  host: '127.0.0.1',
  port: 0,
  allowedHosts: [],
  corsOrigin: undefined,
  httpAccessHash: undefined,
  maxBodyBytes: 15 * 1024 * 1024,
  maxHeldBodyBytes: 256 * 1024 * 1024,
  bodyTimeoutMs: 60_000,
  maxConcurrentRequests: 1_024,
  maxConnections: 4_096,
  defaultMaxTokens: 4_096,
  defaultMaxCoefficient: 4_000,
  firstByteTimeoutMs: 120_000,
  idleTimeoutMs: 60_000,
  totalTimeoutMs: 600_000,
  drainTimeoutMs: 60_000,
  responsesMemoryMs: 600_000,
  maxHeldAnswerBytes: 16 * 1024 * 1024,
};
