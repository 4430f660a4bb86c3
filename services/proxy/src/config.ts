/**
 * Configuration: the C++ program's JSON fields (`proxyRunner.config`) and ours. Read as C++ reads it (a number may be a
 * numeric string, an int256 is base64 of 32 bytes), except that an unknown field is named instead of ignored.
 */
import {
  type AttestationConfig,
  address,
  attestationFields,
  bytes32,
  describeFaults,
  flag,
  int,
  policyName,
  port,
  type TonApi,
  tonAmount,
  tonApi,
  tonApiOf,
} from '@bombyx/config';
import { type Address, WALLET_CODES, type WalletCode } from '@bombyx/ton';
import { z } from 'zod';
import { ProxyError } from './errors.ts';
import { defaultLimits, type ProxyLimits } from './limits.ts';
import type { SettlementPolicy } from './settlement/policy.ts';

/** Moving less costs more than it moves. */
const worthwhile = tonAmount.refine((amount) => amount >= 10_000_000n, 'must be at least 0.01 TON');

const Schema = z.strictObject({
  '@type': z.literal('proxyRunner.config').optional(),
  is_test: flag.default(false),
  is_testnet: flag.default(false),
  workers_rpc_port: port.default(0),
  client_rpc_port: port.default(0),
  http_port: port.default(0),
  owner_address: address,
  root_contract_address: address,
  machine_specific_private_key: bytes32,
  node_wallet_key: bytes32.optional(),
  ton_config_filename: z.string().default(''),
  db_path: z.string('must be a folder').min(1, 'must be a folder'),
  check_worker_hashes: flag.default(false),
  image_hash: bytes32.optional(),
  http_access_hash: z.string().default(''),
  // ours
  ton_api: tonApi.optional(),
  wallet_code: z.enum(WALLET_CODES).default('bombyx'),
  charge_at_ton: worthwhile.optional(),
  payout_at_ton: worthwhile.optional(),
  withdraw_at_ton: worthwhile.optional(),
  commit_at_ton: worthwhile.optional(),
  commit_most_sec: int(30, 86_400).optional(),
  rpc_security: z.enum(['tls', 'router'], "must be 'tls' or 'router'").default('tls'),
  rpc_host: z.string().min(1).default('127.0.0.1'),
  http_host: z.string().min(1).default('127.0.0.1'),
  http: flag.default(true),
  ...attestationFields,
  attestation: attestationFields.attestation.default('none'),
  worker_policy: policyName.optional(),
  client_policy: policyName.default('any'),
  pow_difficulty: int(0, 28).default(20),
  max_connections: int(1, 65_536).default(defaultLimits.clientConnections),
  max_requests: int(1, 1_000_000).default(defaultLimits.requests),
  max_requests_per_client: int(1, 100_000).default(defaultLimits.requestsPerClient),
  queue_limit: int(0, 100_000).default(defaultLimits.queuePerModel),
  queue_timeout_ms: int(1, 3_600_000).default(defaultLimits.queueMs),
  max_total_timeout_ms: int(1_000, 86_400_000).default(defaultLimits.totalMs),
  max_attempts: int(1, 10).default(defaultLimits.attempts),
});

export interface ProxyConfig {
  readonly isTest: boolean;
  readonly isTestnet: boolean;
  readonly workersPort: number;
  readonly clientPort: number;
  /** undefined = no HTTP pages, 0 = any free port. */
  readonly httpPort: number | undefined;
  readonly ownerAddress: Address;
  readonly rootAddress: Address;
  /** Ed25519 seed that signs payments; its public half names this proxy. */
  readonly machineKey: Buffer;
  /** Ed25519 seed of the operating wallet, which gets left-over coins; the machine key when absent. */
  readonly walletKey: Buffer;
  /** Where the TON chain is asked: `ton_api`, or the public servers. */
  readonly tonApi: TonApi;
  /** Whose wallet contract `walletKey` is for. */
  readonly walletCode: WalletCode;
  /** When coins move, where the file says so; else as usual. */
  readonly settlement: Partial<SettlementPolicy>;
  /** Folder of the database. */
  readonly dbPath: string;
  readonly checkWorkerHashes: boolean;
  readonly imageHash: Buffer | undefined;
  /** Password of management paths; empty = loopback only. */
  readonly accessHash: string;
  readonly security: 'tls' | 'router';
  readonly rpcHost: string;
  readonly httpHost: string;
  readonly attestation: AttestationConfig;
  /** What workers must prove: by default what this proxy proves itself. */
  readonly workerPolicy: string;
  readonly clientPolicy: string;
  readonly powDifficulty: number;
  readonly limits: ProxyLimits;
}

/**
 * @param json the parsed file, or its text
 * @throws {ProxyError} `PROXY_CONFIG`, one sentence per wrong field
 */
export function parseProxyConfig(json: unknown): ProxyConfig {
  const parsed = Schema.safeParse(typeof json === 'string' ? parseText(json) : json, { reportInput: true });
  if (!parsed.success) {
    const { length: faults } = parsed.error.issues;
    throw new ProxyError('PROXY_CONFIG', `proxy configuration: ${describeFaults(parsed.error)}`, { faults });
  }
  const file = parsed.data;
  return {
    isTest: file.is_test,
    isTestnet: file.is_testnet,
    workersPort: file.workers_rpc_port,
    clientPort: file.client_rpc_port,
    httpPort: file.http ? file.http_port : undefined,
    ownerAddress: file.owner_address,
    rootAddress: file.root_contract_address,
    machineKey: file.machine_specific_private_key,
    walletKey: file.node_wallet_key ?? file.machine_specific_private_key,
    tonApi: tonApiOf(file.ton_api, file.is_testnet),
    walletCode: file.wallet_code,
    settlement: policyOf(file),
    dbPath: file.db_path,
    checkWorkerHashes: file.check_worker_hashes,
    imageHash: file.image_hash,
    accessHash: file.http_access_hash,
    security: file.rpc_security,
    rpcHost: file.rpc_host,
    httpHost: file.http_host,
    attestation: file,
    workerPolicy: file.worker_policy ?? (file.attestation === 'none' ? 'any' : file.attestation),
    clientPolicy: file.client_policy,
    powDifficulty: file.pow_difficulty,
    limits: {
      ...defaultLimits,
      clientConnections: file.max_connections,
      workerConnections: file.max_connections,
      requests: file.max_requests,
      requestsPerClient: file.max_requests_per_client,
      queuePerModel: file.queue_limit,
      queueMs: file.queue_timeout_ms,
      totalMs: file.max_total_timeout_ms,
      attempts: file.max_attempts,
    },
  };
}

function policyOf(file: z.output<typeof Schema>): Partial<SettlementPolicy> {
  const { charge_at_ton, payout_at_ton, withdraw_at_ton, commit_at_ton, commit_most_sec } = file;
  return {
    ...(charge_at_ton !== undefined && { chargeAt: charge_at_ton }),
    ...(payout_at_ton !== undefined && { payoutAt: payout_at_ton }),
    ...(withdraw_at_ton !== undefined && { withdrawAt: withdraw_at_ton }),
    ...(commit_at_ton !== undefined && { commitAt: commit_at_ton }),
    ...(commit_most_sec !== undefined && { commitMostMs: commit_most_sec * 1_000 }),
  };
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ProxyError('PROXY_CONFIG', 'proxy configuration: the file is not JSON', {}, { cause });
  }
}
