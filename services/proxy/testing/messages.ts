/** What peers of the proxy say, each message as small as it may be and any field replaced at will. */
import { Address, formatAddress } from '@bombyx/ton';
import { encode, type Tl } from '@bombyx/wire';

export const MODEL = 'Qwen/Qwen3-8B';
/** Who owns the workers, and the proxy. */
export const OWNER = 'UQAuz15H1ZHrZ_psVrAra7HealMIVeFq0wguqlmFno1f3B-m';

export interface WorkerOptions {
  readonly version?: number;
  readonly owner?: string;
  readonly model?: string;
  readonly coefficient?: number;
  readonly limit?: number;
  readonly disabled?: boolean;
}

/** A non-bounceable address that differs with `n`. */
export function someOwner(n: number): string {
  const hash = Buffer.alloc(32);
  hash.writeUInt32BE(n, 28);
  return formatAddress(new Address(0, hash), { testnet: false });
}

export function connectClient(over: {
  owner?: string;
  version?: number;
  min?: number;
  flags?: number;
  isTest?: boolean;
  minConfigVersion?: number;
}): Tl<'client.connectToProxy'> {
  const { owner = someOwner(1), version = 3, min = 0, flags = 3, isTest = true, minConfigVersion = 0 } = over;
  return {
    kind: 'client.connectToProxy',
    params: {
      kind: 'client.params',
      flags,
      client_owner_address: owner,
      ...(flags & 1 ? { is_test: isTest } : {}),
      ...(flags & 2 ? { min_proto_version: min, max_proto_version: version } : {}),
    },
    min_config_version: minConfigVersion,
  };
}

export function connectWorker(
  over: WorkerOptions & { flags?: number; isTest?: boolean; proxies?: number; min?: number },
): Tl<'worker.connectToProxy'> {
  const { owner = OWNER, model = `${MODEL}@abc:00`, coefficient = 1_000, limit = 60, version = 3 } = over;
  const { flags = 3, isTest = true, proxies = 1, min = 0 } = over;
  return {
    kind: 'worker.connectToProxy',
    params: {
      kind: 'worker.params',
      flags,
      worker_owner_address: owner,
      model,
      coefficient,
      ...(flags & 1 ? { is_test: isTest, proxy_cnt: proxies, max_active_requests: limit } : {}),
      ...(flags & 2 ? { min_proto_version: min, max_proto_version: version } : {}),
    },
  };
}

export function httpRequest(body: unknown, url = '/v1/chat/completions'): Buffer {
  const payload = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return encode({
    kind: 'http.request',
    method: 'POST',
    url,
    http_version: 'HTTP/1.1',
    headers: [{ kind: 'http.header', name: 'Content-Type', value: 'application/json' }],
    payload,
  });
}

export function httpResponse(status = 200, payload: Buffer = Buffer.alloc(0)): Buffer {
  return encode({
    kind: 'http.response',
    http_version: 'HTTP/1.1',
    status_code: status,
    reason: 'OK',
    headers: [],
    payload,
  });
}

export const BODY = { model: MODEL, max_tokens: 100, messages: [{ role: 'user', content: 'hello' }] };

let lastId = 0;
/** A fresh request id. */
export function newId(): Buffer {
  const id = Buffer.alloc(32);
  id.writeUInt32BE(++lastId, 28);
  return id;
}

/** A request of version 3. */
export function run(over: Partial<Tl<'bombyx.runQuery'>> = {}): Tl<'bombyx.runQuery'> {
  return {
    kind: 'bombyx.runQuery',
    request_id: newId(),
    model_name: MODEL,
    query: httpRequest(BODY),
    max_coefficient: 4_000,
    max_tokens: 100,
    first_byte_timeout_ms: 10_000,
    idle_timeout_ms: 5_000,
    total_timeout_ms: 60_000,
    window: 1 << 20,
    min_config_version: 0,
    flags: 0,
    ...over,
  };
}

/** A request as C++ clients send it. */
export function runEx(over: Partial<Tl<'client.runQueryEx'>> = {}): Tl<'client.runQueryEx'> {
  return {
    kind: 'client.runQueryEx',
    model_name: MODEL,
    query: httpRequest(BODY),
    max_coefficient: 4_000,
    max_tokens: 100,
    timeout: 114,
    request_id: newId(),
    min_config_version: 0,
    flags: 1,
    enable_debug: false,
    ...over,
  };
}

export function used(prompt: number, completion: number): Tl<'tokensUsed'> {
  return {
    kind: 'tokensUsed',
    prompt_tokens_used: BigInt(prompt),
    cached_tokens_used: 0n,
    completion_tokens_used: BigInt(completion),
    reasoning_tokens_used: 0n,
    total_tokens_used: BigInt(prompt + completion),
  };
}

export function ourFinal(tokens: Tl<'tokensUsed'>): Tl<'bombyx.finalInfo'> {
  return {
    kind: 'bombyx.finalInfo',
    flags: 2,
    tokens_used: tokens,
    proxy_start_time: 0,
    proxy_end_time: 0,
    worker_start_time: 1,
    worker_end_time: 2,
  };
}

export function theirFinal(tokens: Tl<'tokensUsed'>): Tl<'proxy.queryFinalInfo'> {
  return { kind: 'proxy.queryFinalInfo', flags: 2, tokens_used: tokens, worker_start_time: 1, worker_end_time: 2 };
}

export function head(id: Buffer, status = 200, payload?: Buffer): Tl<'bombyx.answerHead'> {
  return { kind: 'bombyx.answerHead', request_id: id, answer: httpResponse(status, payload), flags: 0 };
}

export function part(id: Buffer, data: string | Buffer): Tl<'bombyx.answerPart'> {
  return { kind: 'bombyx.answerPart', request_id: id, data: Buffer.from(data), flags: 0 };
}

export function lastPart(id: Buffer, data: string | Buffer, tokens: Tl<'tokensUsed'>): Tl<'bombyx.answerPart'> {
  return { kind: 'bombyx.answerPart', request_id: id, data: Buffer.from(data), flags: 1, final_info: ourFinal(tokens) };
}
