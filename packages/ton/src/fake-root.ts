/** The root configuration of a network without TON: a JSON file in place of a contract (`rootConfig.pseudo`). */
import { nanoTon } from '@bombyx/base';
import type { Cell } from '@ton/core';
import { z } from 'zod';
import { parseAddress } from './address.ts';
import { readCell } from './boc.ts';
import { TonError } from './errors.ts';
import { parseProxyAddress } from './proxy-address.ts';
import type { RootConfig } from './root-config.ts';

/** A text that `read` makes something of. @param fault what to say when it cannot */
function read<T>(reader: (text: string) => T, fault: string) {
  return z.string(fault).transform((text, context): T => {
    try {
      return reader(text);
    } catch {
      context.addIssue({ code: 'custom', message: fault });
      return z.NEVER;
    }
  });
}

// A numeric string is a number for the C++ reader; a missing number is 0, a missing list empty; unknown fields (the
// shipped example has `model_names`) are ignored.
const NUMBER = 'must be a whole number from 0 to 2147483647';
const int32 = z.preprocess(
  (value) => (typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value),
  z.int32(NUMBER).nonnegative(NUMBER).default(0),
);
const HASH = 'must be 32 bytes in base64';
const hash = z
  .string(HASH)
  .regex(/^[A-Za-z0-9+/_-]{43}=?$/, HASH)
  .transform((text) => Buffer.from(text, 'base64'));
const hashes = z.array(hash, 'must be a list').default([]);
const code = read(readCode, 'must be a bag of cells in hex');
const address = read(parseAddress, 'must be an account address (48 characters or workchain:hex)');
const listens = read(parseProxyAddress, 'must be "ip:port" or "ip:port ip:port": IPv4, ports from 1 to 65535');
const proxy = z.object({ seqno: int32, address: listens }, 'must be an object');

const PseudoRoot = z.object({
  proxy_hashes: hashes,
  worker_hashes: hashes,
  model_hashes: hashes,
  registered_proxies: z.array(proxy, 'must be a list').default([]),
  price_per_token: int32,
  worker_fee_per_token: int32,
  last_proxy_seqno: int32,
  version: int32,
  params_version: int32,
  proxy_sc_code: code,
  worker_sc_code: code,
  client_sc_code: code,
  root_owner_address: address,
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
  const parsed = PseudoRoot.safeParse(typeof json === 'string' ? parseJson(json) : json, { reportInput: true });
  if (!parsed.success) {
    const { issues } = parsed.error;
    const message = `root configuration: ${issues.map(faultOf).join('; ')}`;
    throw new TonError('TON_ROOT_CONFIG', message, { faults: issues.length });
  }
  const file = parsed.data;
  return {
    ...PSEUDO,
    ownerAddress: file.root_owner_address,
    proxyHashes: file.proxy_hashes,
    workerHashes: file.worker_hashes,
    modelHashes: file.model_hashes,
    registeredProxies: file.registered_proxies.map(({ seqno, address }) => ({ seqno, ...address })),
    lastProxySeqno: file.last_proxy_seqno,
    version: file.version,
    paramsVersion: file.params_version,
    pricePerToken: nanoTon(BigInt(file.price_per_token)),
    workerFeePerToken: nanoTon(BigInt(file.worker_fee_per_token)),
    proxyCode: file.proxy_sc_code,
    workerCode: file.worker_sc_code,
    clientCode: file.client_sc_code,
  };
}

/** Everything of it is hex: what `Buffer` leaves out would be lost without a word. */
function readCode(hex: string): Cell {
  if (!/^(?:[0-9a-fA-F]{2})+$/.test(hex)) throw new RangeError('not hex');
  return readCell(Buffer.from(hex, 'hex'));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TonError('TON_ROOT_CONFIG', 'root configuration: not JSON', {}, { cause });
  }
}

/** In the words of all configuration files. */
function faultOf({ path, code, message, input }: z.core.$ZodIssue): string {
  if (path.length === 0) return 'it must be a JSON object';
  return `"${path.join('.')}" ${code === 'invalid_type' && input === undefined ? 'is missing' : message}`;
}
