import { describeFaults, flag, int, port } from '@bombyx/config';
import { z } from 'zod';
import { DevnetError } from './errors.ts';

export interface DevnetConfig {
  /** Where the HTTP API listens; this machine only unless changed. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Folder of the chain; empty = in memory, gone with the process. */
  readonly dataDir: string;
  /** Milliseconds between blocks. */
  readonly blockMs: number;
  /** Most that one call of the faucet gives, nanoTON; 0 = no faucet. */
  readonly faucetMax: bigint;
  /** Whether `POST /time` moves the time of the chain. */
  readonly timeTravel: boolean;
}

const NANO = 1_000_000_000n;

const schema = z.strictObject({
  http_port: port,
  host: z.string().min(1).default('127.0.0.1'),
  data_dir: z.string().default(''),
  block_ms: int(10, 60_000).default(1_000),
  faucet_max_ton: int(0, 1_000_000).default(10_000),
  allow_time_travel: flag.default(false),
});

/** Reads a parsed JSON configuration. @throws {DevnetError} `DEVNET_CONFIG` that names every field at fault */
export function parseDevnetConfig(json: unknown): DevnetConfig {
  const parsed = schema.safeParse(json, { reportInput: true });
  if (!parsed.success) {
    throw new DevnetError('DEVNET_CONFIG', `devnet configuration: ${describeFaults(parsed.error)}`);
  }
  const { http_port, host, data_dir, block_ms, faucet_max_ton, allow_time_travel } = parsed.data;
  return {
    host,
    port: http_port,
    dataDir: data_dir,
    blockMs: block_ms,
    faucetMax: BigInt(faucet_max_ton) * NANO,
    timeTravel: allow_time_travel,
  };
}
