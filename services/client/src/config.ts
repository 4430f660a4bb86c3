import {
  address,
  attestationFields,
  bytes32,
  describeFaults,
  flag,
  int,
  policyName,
  port,
  router,
  type TonApi,
  tonAmount,
  tonApi,
  tonApiOf,
} from '@bombyx/config';
import { WALLET_CODES } from '@bombyx/ton';
import { z } from 'zod';
import { ClientError } from './errors.ts';

const durationMs = int(1, 0x7fff_ffff);

const Schema = z.strictObject({
  '@type': z.literal('clientRunner.config').optional(),
  // The C++ client's own fields (clientRunner.config); a missing one has the C++ meaning unless a default says otherwise.
  is_test: flag.default(false),
  is_testnet: flag.default(false),
  http_port: port.default(0),
  owner_address: address,
  /** Absent: two, or as many as are registered. 0: none. */
  proxy_connections: int(0, 64).optional(),
  /** `host:port` of a SOCKS5 router on this machine; empty: own proof of work and TLS. */
  connect_to_proxy_via: router.prefault(''),
  root_contract_address: address,
  node_wallet_key: bytes32,
  check_proxy_hashes: flag.default(false),
  /** Empty or absent: a random one is drawn, with TON once and kept in `data_dir`; the empty secret is never used. */
  secret_string: z.string().default(''),
  ton_config_filename: z.string().default(''),
  http_access_hash: z.string().default(''),
  // Ours.
  http_host: z.string().min(1).default('127.0.0.1'),
  /** Folder for API keys, the diary of costs and the memory of payments. Empty: there are none; not with TON. */
  data_dir: z.string().default(''),
  /** Where the TON chain is asked; absent: the public servers. */
  ton_api: tonApi.optional(),
  /** Whose wallet contract `node_wallet_key` is for: ours, or that of the C++ programs, which then must stand already. */
  wallet_code: z.enum(WALLET_CODES).default('bombyx'),
  /** Deposit at each proxy that limits what may be used before it is charged; absent or less: the least the network allows. */
  stake_ton: tonAmount.optional(),
  /** Most that is paid in on one day (UTC), over all proxies and for whatever reason; absent: ten stakes. */
  top_up_per_day_ton: tonAmount.optional(),
  ...attestationFields,
  /** What this machine proves itself by in direct TLS; proxies ask clients for nothing unless they are told to. */
  attestation: attestationFields.attestation.default('none'),
  /** What a proxy must prove in direct TLS, besides the list of image hashes. */
  proxy_policy: policyName.default('any'),
  /** Refuse proof-of-work puzzles above this many bits. */
  max_pow_difficulty: int(0, 64).default(28),
  /** Bytes of answer body a proxy may send ahead of the reader, per request. */
  window_bytes: int(4_096, 0x100_0000).default(262_144),
  max_running_requests: int(1, 0x7fff_ffff).default(10_000),
  /** Longest wait of a request for a proxy to come (back) while none is ready; 0: it is refused at once. */
  wait_for_proxy_ms: int(0, 0x7fff_ffff).default(5_000),
  /** Requests that may wait so. */
  max_waiting_requests: int(0, 0x7fff_ffff).default(1_024),
  connect_timeout_ms: durationMs.default(20_000),
  handshake_timeout_ms: durationMs.default(30_000),
  authorize_timeout_ms: durationMs.default(300_000),
  models_timeout_ms: durationMs.default(10_000),
  /** A proxy that was not ready for so long is given up for another one. */
  give_up_proxy_after_ms: durationMs.default(300_000),
});

/** Configuration of a client: the C++ field names and ours. See README for the table. */
export type ClientConfig = Readonly<z.output<typeof Schema>> & {
  /** `ton_api`, or the public servers of the network. */
  readonly tonApi: TonApi;
};

/**
 * Checks a parsed JSON configuration.
 * @throws {ClientError} `CLIENT_CONFIG`, with one clause per wrong or unknown field
 */
export function parseClientConfig(json: unknown): ClientConfig {
  const result = Schema.safeParse(json, { reportInput: true });
  if (result.success) return { ...result.data, tonApi: tonApiOf(result.data.ton_api, result.data.is_testnet) };
  throw new ClientError('CLIENT_CONFIG', `client configuration: ${describeFaults(result.error)}`);
}
