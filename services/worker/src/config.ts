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
import { MAX_COEFFICIENT } from './coefficient.ts';
import { WorkerError } from './errors.ts';

const hostAndPort = /^(?:https?:\/\/)?(?:[^\s:/@[\]]+|\[[0-9a-fA-F:.]+\]):\d{1,5}\/?$/;
const MAX_INT = 0x7fff_ffff;
/** A payout of less costs about what it brings. */
const payoutLimit = tonAmount.refine((amount) => amount >= 10_000_000n, 'must be at least 0.01 TON');

const Schema = z.strictObject({
  '@type': z.literal('workerRunner.config').optional(),
  // The C++ worker's own fields (workerRunner.config).
  is_test: flag.default(false),
  is_testnet: flag.default(false),
  /** 0 or absent: no HTTP pages. */
  http_port: port.default(0),
  /** Gets the earnings. */
  owner_address: address,
  /** How many proxies to stay connected to; 0: none. */
  proxy_connections: int(0, 64).default(1),
  /** `ip:port` of a SOCKS5 router on this machine; empty: own proof of work and TLS. */
  connect_to_proxy_via: router.prefault(''),
  /** `name@commit:hash` or only a name; requests must name the part before the first `@`. */
  model_name: z
    .string()
    .min(1)
    .max(1_024)
    .refine((text) => !text.startsWith('@'), 'must have a name before the @'),
  /** Price in thousandths; 1000 = 1.0. */
  coefficient: int(0, MAX_COEFFICIENT).default(1_000),
  root_contract_address: address,
  node_wallet_key: bytes32.optional(),
  /** `host:port` of the inference server. */
  forward_requests_to: z.string().regex(hostAndPort, 'must be host:port, with or without http:// before it'),
  ton_config_filename: z.string().default(''),
  check_proxy_hashes: flag.default(false),
  /** 0 or less: 200. */
  max_active_requests: int(-1, 10_000).default(200),
  /** Own image hash, base64 of 32 bytes. */
  image_hash: bytes32.optional(),
  http_access_hash: z.string().default(''),
  // Ours.
  http_host: z.string().min(1).default('127.0.0.1'),
  /** Where the TON chain is asked; absent: the public servers. */
  ton_api: tonApi.optional(),
  /** Whose wallet contract `node_wallet_key` is for: ours, or that of the C++ programs, which then must stand already. */
  wallet_code: z.enum(WALLET_CODES).default('bombyx'),
  /** Earnings of so many TON are cashed at once. */
  payout_at_ton: payoutLimit.prefault(10),
  /** Earnings of so many TON are cashed when they have not grown for `idle_payout_after_sec`. */
  idle_payout_at_ton: payoutLimit.prefault(0.2),
  idle_payout_after_sec: int(0, MAX_INT).default(3_600),
  ...attestationFields,
  /** What this machine proves itself by in direct TLS. */
  attestation: attestationFields.attestation.default('fake_tdx'),
  /** What a proxy must prove in direct TLS, besides the list of image hashes. */
  proxy_policy: policyName.default('any'),
  /** Refuse proof-of-work puzzles above this many bits. */
  max_pow_difficulty: int(0, 64).default(28),
  /** Folder for what must outlive a restart: the highest payments seen. Empty: forgotten at exit. */
  data_dir: z.string().default(''),
  /** Bearer token of the inference server; callers' own tokens never reach it. */
  upstream_api_key: z
    .string()
    .regex(/^[\x21-\x7e]*$/, 'must be printable')
    .default(''),
  /** Paths under /v1/ that are refused. The default are those by which a caller could change the inference server. */
  refused_paths: z.array(z.string().startsWith('/v1/')).default(['/v1/load_lora_adapter', '/v1/unload_lora_adapter']),
  /** How long running requests may go on after the order to stop. */
  shutdown_grace_ms: int(0, MAX_INT).default(10_000),
  handshake_timeout_ms: int(1, MAX_INT).default(30_000),
  /** A proxy that was not ready for so long is given up for another one. */
  give_up_proxy_after_ms: int(1, MAX_INT).default(300_000),
});

/** Configuration of a worker: the C++ field names and meanings, and ours. README.md has the table. */
export type WorkerConfig = Readonly<z.output<typeof Schema>> & {
  /** `ton_api`, or the public servers of the network. */
  readonly tonApi: TonApi;
};

/**
 * Checks a configuration.
 * @param json the text of the file, or the value parsed from it
 * @throws {WorkerError} `WORKER_CONFIG`, with one clause for each field that is wrong or unknown
 */
export function parseWorkerConfig(json: unknown): WorkerConfig {
  const result = Schema.safeParse(typeof json === 'string' ? parseText(json) : json, { reportInput: true });
  if (result.success) {
    const { max_active_requests: most, ton_api, is_testnet } = result.data;
    return { ...result.data, max_active_requests: most > 0 ? most : 200, tonApi: tonApiOf(ton_api, is_testnet) };
  }
  const faults = result.error.issues.length;
  throw new WorkerError('WORKER_CONFIG', `worker configuration: ${describeFaults(result.error)}`, { faults });
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new WorkerError('WORKER_CONFIG', 'worker configuration: not JSON', {}, { cause });
  }
}

/** The name a request must give. */
export function baseName(modelName: string): string {
  const at = modelName.indexOf('@');
  return at < 0 ? modelName : modelName.slice(0, at);
}

/** @returns the origin of `forward_requests_to`, for example `http://127.0.0.1:8000` */
export function upstreamOrigin(config: WorkerConfig): string {
  const to = config.forward_requests_to;
  return new URL(to.includes('://') ? to : `http://${to}`).origin;
}
