/** The root configuration of a network without TON: a JSON file in place of a contract (`rootConfig.pseudo`). */
import { nanoTon } from '@bombyx/base';
import type { Address, Cell } from '@ton/core';
import { z } from 'zod';
import { parseAddress } from './address.ts';
import { readCell } from './boc.ts';
import { TonError } from './errors.ts';
import { parseProxyAddress } from './proxy-address.ts';
import type { RootConfig } from './root-config.ts';

// A numeric string is a number for the C++ reader; a missing number is 0, a missing list empty; unknown fields (the
// shipped example has `model_names`) are ignored.
const int32 = z.preprocess(
  (value) => (typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value),
  z.int32().nonnegative().default(0),
);
const hash = z
  .string()
  .regex(/^[A-Za-z0-9+/_-]{43}=?$/, '32 bytes in base64')
  .transform((text) => Buffer.from(text, 'base64'));
const code = z.string().regex(/^(?:[0-9a-fA-F]{2})+$/, 'a bag of cells in hex');

const PseudoRoot = z.object({
  proxy_hashes: z.array(hash).default([]),
  worker_hashes: z.array(hash).default([]),
  model_hashes: z.array(hash).default([]),
  registered_proxies: z.array(z.object({ seqno: int32, address: z.string() })).default([]),
  price_per_token: int32,
  worker_fee_per_token: int32,
  last_proxy_seqno: int32,
  version: int32,
  params_version: int32,
  proxy_sc_code: code,
  worker_sc_code: code,
  client_sc_code: code,
  root_owner_address: z.string(),
});

/** What the file cannot say and the C++ programs fix: seen in their statistics and in their contract addresses. */
const PSEUDO = {
  structVersion: 1,
  uniqueId: 13,
  isTest: true,
  multipliers: { prompt: 10_000, cached: 10_000, completion: 10_000, reasoning: 10_000 },
  proxyDelayBeforeCloseSec: 600,
  clientDelayBeforeCloseSec: 300,
  minProxyStake: nanoTon(1_000_000_000n),
  minClientStake: nanoTon(1_000_000_000n),
} as const;

/**
 * Reads the file given to the C++ programs with `--disable-ton`.
 * @param json its text, or the value parsed from it
 * @throws {TonError} `TON_ROOT_CONFIG`, naming every field that is wrong
 */
export function readFakeRoot(json: unknown): RootConfig {
  const parsed = PseudoRoot.safeParse(typeof json === 'string' ? parseJson(json) : json);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'file'}: ${message}`);
    throw new TonError('TON_ROOT_CONFIG', `root configuration: ${faults.join('; ')}`, { faults: faults.length });
  }
  const file = parsed.data;
  return {
    ...PSEUDO,
    ownerAddress: field('root_owner_address', (): Address => parseAddress(file.root_owner_address)),
    proxyHashes: file.proxy_hashes,
    workerHashes: file.worker_hashes,
    modelHashes: file.model_hashes,
    registeredProxies: file.registered_proxies.map(({ seqno, address }, i) => ({
      seqno,
      ...field(`registered_proxies.${i}.address`, () => parseProxyAddress(address)),
    })),
    lastProxySeqno: file.last_proxy_seqno,
    version: file.version,
    paramsVersion: file.params_version,
    pricePerToken: nanoTon(BigInt(file.price_per_token)),
    workerFeePerToken: nanoTon(BigInt(file.worker_fee_per_token)),
    proxyCode: field('proxy_sc_code', () => readCode(file.proxy_sc_code)),
    workerCode: field('worker_sc_code', () => readCode(file.worker_sc_code)),
    clientCode: field('client_sc_code', () => readCode(file.client_sc_code)),
  };
}

function readCode(hex: string): Cell {
  return readCell(Buffer.from(hex, 'hex'));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TonError('TON_ROOT_CONFIG', 'root configuration: not JSON', {}, { cause });
  }
}

/** Runs a reader of one field and names the field when it fails. */
function field<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TonError('TON_ROOT_CONFIG', `root configuration: ${name}: ${why}`, { field: name }, { cause });
  }
}
