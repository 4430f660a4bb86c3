/** A chain on this machine, outside its chain API: which one it is, and coins from its faucet, which are worth nothing. */
import type { NanoTon } from '@bombyx/base';
import type { tonApi } from '@bombyx/config';
import { type Address, ChainError } from '@bombyx/ton';
import { z } from 'zod';
import { MoneyError } from './errors.ts';

/** A chain on this machine may be asked as often as it pleases us. */
const REQUESTS_PER_SECOND = 1_000;
const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 65_536;

const answer = <T extends z.ZodType>(result: T) => z.object({ ok: z.literal(true), result });
const MasterchainInfo = answer(
  z.object({ last: z.object({ seqno: z.int() }), init: z.object({ root_hash: z.base64() }) }),
);
const BlockHeader = answer(z.object({ global_id: z.int() }));
const Payment = z.object({ ok: z.boolean(), error: z.string().max(1_000).optional() });

/**
 * @param url of the JSON-RPC door. @returns the member `ton_api` for it
 * @throws {ChainError} `CHAIN_UNREACHABLE`, `CHAIN_RESPONSE`
 */
export async function describeNetwork(url: string, signal: AbortSignal): Promise<z.input<typeof tonApi>> {
  const call = <T>(method: string, params: object, shape: z.ZodType<T>) =>
    post(url, { jsonrpc: '2.0', id: '1', method, params }, shape, signal);
  const info = await call('getMasterchainInfo', {}, MasterchainInfo);
  const block = { workchain: -1, shard: '-9223372036854775808', seqno: info.result.last.seqno };
  const header = await call('getBlockHeader', block, BlockHeader);
  return {
    endpoints: [{ url, requests_per_second: REQUESTS_PER_SECOND }],
    network: { name: 'devnet', zerostate: info.result.init.root_hash, global_id: header.result.global_id },
  };
}

/**
 * Coins for an account; they come with the next block.
 * @param api URL of the JSON-RPC door: the faucet is beside it
 * @throws {MoneyError} `MONEY_NOT_DONE` when it gives nothing; {@link ChainError} as above
 */
export async function askFaucet(api: string, address: Address, amount: NanoTon, signal: AbortSignal): Promise<void> {
  const url = new URL('/faucet', api);
  const body = { address: address.toRawString(), amount: String(amount) };
  const { ok, error = 'it does not say why' } = await post(url.href, body, Payment, signal);
  if (!ok) throw new MoneyError('MONEY_NOT_DONE', `the faucet of ${url.host} gives nothing: ${error}`);
}

/** Whether only this machine can be meant. */
export function isLoopback(url: string): boolean {
  const host = URL.parse(url)?.hostname ?? '';
  return host === 'localhost' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

async function post<T>(url: string, body: object, shape: z.ZodType<T>, signal: AbortSignal): Promise<T> {
  const { host } = new URL(url);
  let text: string;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    text = await textOf(response);
  } catch (cause) {
    signal.throwIfAborted();
    const message = `${host}: no answer; does "bombyx devnet" run there?`;
    throw new ChainError('CHAIN_UNREACHABLE', message, { host }, { cause });
  }
  try {
    return shape.parse(JSON.parse(text));
  } catch (cause) {
    const message = `${host}: no TON HTTP API answers here; the URL is that of a JSON-RPC door (…/api/v2/jsonRPC)`;
    throw new ChainError('CHAIN_RESPONSE', message, { host }, { cause });
  }
}

/** The first {@link MAX_ANSWER_BYTES} of it: what is longer is no such answer. */
async function textOf({ body }: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body ?? []) {
    parts.push(part);
    size += part.length;
    if (size > MAX_ANSWER_BYTES) break;
  }
  return Buffer.concat(parts).toString();
}
