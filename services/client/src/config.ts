import { z } from 'zod';
import { ClientError } from './errors.ts';

/** As C++ reads them: an int also from a numeric string, a bool also from a number or a numeric string. */
const asNumber = (value: unknown) => (typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value);
const int = (min: number, max: number) => z.preprocess(asNumber, z.int().min(min).max(max));
const flag = z.preprocess(
  (value) => (typeof asNumber(value) === 'number' ? asNumber(value) !== 0 : value),
  z.boolean(),
);
const port = int(0, 65_535);
const durationMs = int(1, 0x7fff_ffff);
const seed = z.base64().refine((text) => Buffer.from(text, 'base64').length === 32, 'must be 32 bytes in base64');

const Schema = z.strictObject({
  '@type': z.literal('clientRunner.config').optional(),
  // The C++ client's own fields (clientRunner.config); a missing one has the C++ meaning unless a default says otherwise.
  is_test: flag.default(false),
  is_testnet: flag.default(false),
  http_port: port.default(0),
  owner_address: z.string().min(1),
  /** Absent: two, or as many as are registered. 0: none. */
  proxy_connections: int(0, 64).optional(),
  /** `host:port` of a SOCKS5 router on this machine; empty: own proof of work and TLS. */
  connect_to_proxy_via: z
    .string()
    .regex(/^$|^[^:\s]+:\d{1,5}$/, 'must be empty or host:port')
    .default(''),
  root_contract_address: z.string().min(1),
  node_wallet_key: seed,
  check_proxy_hashes: flag.default(false),
  /** Empty or absent: a random one is drawn at every start; the empty secret is never used. */
  secret_string: z.string().default(''),
  ton_config_filename: z.string().default(''),
  http_access_hash: z.string().default(''),
  // Ours.
  http_host: z.string().min(1).default('127.0.0.1'),
  /** What the certificate of a proxy must prove in direct TLS, besides the list of image hashes. */
  proxy_policy: z.enum(['any', 'fake_tdx']).default('any'),
  /** Refuse proof-of-work puzzles above this many bits. */
  max_pow_difficulty: int(0, 64).default(28),
  /** Bytes of answer body a proxy may send ahead of the reader, per request. */
  window_bytes: int(4_096, 0x100_0000).default(262_144),
  max_running_requests: int(1, 0x7fff_ffff).default(10_000),
  connect_timeout_ms: durationMs.default(20_000),
  handshake_timeout_ms: durationMs.default(30_000),
  authorize_timeout_ms: durationMs.default(300_000),
  models_timeout_ms: durationMs.default(10_000),
  /** A proxy that was not ready for so long is given up for another one. */
  give_up_proxy_after_ms: durationMs.default(300_000),
});

/** Configuration of a client: the C++ field names and ours. See README for the table. */
export type ClientConfig = z.output<typeof Schema>;

/**
 * Checks a parsed JSON configuration.
 * @throws {ClientError} `CLIENT_CONFIG`, with one clause per wrong or unknown field
 */
export function parseClientConfig(json: unknown): ClientConfig {
  const result = Schema.safeParse(json);
  if (result.success) return result.data;
  const clauses = result.error.issues.map((issue) =>
    issue.code === 'unrecognized_keys'
      ? `unknown field ${issue.keys.map((key) => `"${key}"`).join(', ')}`
      : `${issue.path.length > 0 ? `"${issue.path.join('.')}"` : 'the configuration'}: ${issue.message}`,
  );
  throw new ClientError('CLIENT_CONFIG', `client configuration: ${clauses.join('; ')}`);
}
