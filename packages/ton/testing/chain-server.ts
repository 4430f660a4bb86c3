/** The public HTTP API in front of a {@link FakeChain}, as well behaved or as hostile as a test wants. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Address, Cell, type TupleItem } from '@ton/core';
import { ChainError, type TonNetwork } from '../src/index.ts';
import type { FakeChain } from './chain-fake.ts';

export const NETWORK: TonNetwork = { name: 'fake', zerostate: Buffer.alloc(32, 7).toString('base64'), globalId: -77 };

export interface Call {
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly headers: IncomingHttpHeaders;
}

/** An answer that is not the ordinary envelope. */
export class Raw {
  readonly status: number;
  readonly body: string;
  readonly headers: Record<string, string>;
  constructor(status: number, body: string, headers: Record<string, string> = {}) {
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** Never answers; begins an answer and does not end it. */
export const SILENCE = Symbol('silence');
export const HALF_AN_ANSWER = Symbol('half an answer');
/** The same answer with one member changed. @param path members and indices, joined by dots */
export function spoiled(answer: unknown, path: string, value: unknown): unknown {
  const copy = structuredClone(answer);
  const members = path.split('.');
  const last = members.pop() ?? '';
  let at = copy as Record<string, unknown>;
  for (const member of members) at = at[member] as Record<string, unknown>;
  at[last] = value;
  return copy;
}

/** Gives the result of a call; `honest` is what the chain says. */
export type Behaviour = (call: Call, honest: () => Promise<unknown>) => unknown;

export class ChainServer implements AsyncDisposable {
  readonly calls: Call[] = [];
  readonly #server: Server;
  readonly #chain: FakeChain;
  host = '';
  behave: Behaviour = (_, honest) => honest();
  network = NETWORK;

  private constructor(chain: FakeChain) {
    this.#chain = chain;
    this.#server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => void this.#answer(Buffer.concat(parts).toString(), request.headers, response));
    });
  }

  static async open(chain: FakeChain): Promise<ChainServer> {
    const opened = new ChainServer(chain);
    opened.#server.listen(0, '127.0.0.1');
    await once(opened.#server, 'listening');
    opened.host = `127.0.0.1:${(opened.#server.address() as AddressInfo).port}`;
    return opened;
  }

  get url(): string {
    return `http://${this.host}/api/v2/jsonRPC`;
  }

  /** How often a method was called. */
  count(method: string): number {
    return this.calls.filter((call) => call.method === method).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  async #answer(text: string, headers: IncomingHttpHeaders, response: ServerResponse): Promise<void> {
    const { method, params } = JSON.parse(text) as { method: string; params: Record<string, unknown> };
    const call = { method, params, headers };
    this.calls.push(call);
    let raw: Raw;
    try {
      const result = await this.behave(call, () => this.#honest(method, params));
      if (result === SILENCE) return;
      if (result === HALF_AN_ANSWER) {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write('{"ok":true,"res');
        return;
      }
      raw =
        result instanceof Raw ? result : new Raw(200, JSON.stringify({ ok: true, result, jsonrpc: '2.0', id: '1' }));
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error);
      const refusal = error instanceof ChainError && error.code === 'CHAIN_REFUSED';
      const prefix = refusal ? 'LITE_SERVER_UNKNOWN: cannot apply external message to current state : ' : '';
      raw = new Raw(500, JSON.stringify({ ok: false, error: prefix + said, code: 500 }));
    }
    response.writeHead(raw.status, { 'content-type': 'application/json', ...raw.headers });
    response.end(raw.body);
  }

  async #honest(method: string, params: Record<string, unknown>): Promise<unknown> {
    const address = typeof params['address'] === 'string' ? Address.parse(params['address']) : undefined;
    switch (method) {
      case 'getMasterchainInfo':
        return { last: this.#block(), init: { root_hash: this.network.zerostate } };
      case 'getBlockHeader':
        return { id: params, global_id: this.network.globalId, gen_utime: await this.#chain.nowSec() };
      case 'getAddressInformation':
        return this.#information(address!);
      case 'getTransactions':
        return this.#transactions(address!, params as { lt: string; limit: number });
      case 'sendBocReturnHash':
        await this.#chain.send(Cell.fromBase64(params['boc'] as string));
        return { hash: Buffer.alloc(32).toString('base64') };
      case 'runGetMethod':
        return this.#run(address!, params as { method: string; stack: [string, string][] });
      default:
        throw new Error(`no method ${method}`);
    }
  }

  #block() {
    return { workchain: -1, shard: '-9223372036854775808', seqno: this.#chain.seqno };
  }

  async #information(address: Address) {
    const { status, balance, code, data, last } = await this.#chain.account(address);
    return {
      balance: balance.toString(),
      state: status === 'absent' ? 'uninitialized' : status,
      code: code?.toBoc().toString('base64') ?? '',
      data: data?.toBoc().toString('base64') ?? '',
      last_transaction_id: {
        lt: (last?.lt ?? 0n).toString(),
        hash: (last?.hash ?? Buffer.alloc(32)).toString('base64'),
      },
      block_id: this.#block(),
      sync_utime: await this.#chain.nowSec(),
    };
  }

  #transactions(address: Address, { lt, limit }: { lt: string; limit: number }) {
    const { history } = this.#chain.at(address);
    const end = history.findIndex((transaction) => transaction.lt === BigInt(lt));
    if (end < 0) throw new Error('LITE_SERVER_UNKNOWN: cannot locate transaction in block with specified logical time');
    return history
      .slice(Math.max(0, end + 1 - limit), end + 1)
      .reverse()
      .map(({ transaction, lt, hash }) => ({
        data: transaction.raw.toBoc().toString('base64'),
        transaction_id: { lt: lt.toString(), hash: hash.toString('base64') },
      }));
  }

  async #run(address: Address, { method, stack }: { method: string; stack: [string, string][] }) {
    const args = stack.map(([, value]): TupleItem => ({ type: 'int', value: BigInt(value) }));
    const result = this.#chain.at(address).methods[method]?.(args) ?? { exitCode: 11, stack: [] };
    const items = result.stack.map((item) =>
      item.type === 'int' ? ['num', `0x${item.value.toString(16)}`] : ['null'],
    );
    return { exit_code: result.exitCode, stack: items };
  }
}
