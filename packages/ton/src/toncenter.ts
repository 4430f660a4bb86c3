/**
 * The chain over the public HTTP API (toncenter, version 2), from several endpoints that are not believed blindly:
 *
 * - every endpoint proves its network by zerostate and global id before anything it says is used;
 * - hashes are computed from cells, and history is followed link by link from the newest transaction of an account;
 * - nothing older than what was seen is accepted, and block time must fit the clock of this machine;
 * - with a quorum, several endpoints must tell the same state. Without one, the state of an account is the word of one
 *   endpoint: this API gives no proofs.
 */
import type { Clock } from '@bombyx/base';
import { type Address, type Cell, type TupleItem, TupleReader } from '@ton/core';
import { z } from 'zod';
import { writeCell } from './boc.ts';
import type { Chain, ChainAccount, ChainTransaction, GetMethodResult, TransactionId } from './chain.ts';
import { ChainError } from './chain-errors.ts';
import {
  type AccountSight,
  readAccount,
  readBlockHeader,
  readMasterchainInfo,
  readTransactions,
  shaped,
} from './toncenter-answers.ts';
import { Endpoint, type ToncenterEndpoint } from './toncenter-endpoint.ts';
import { Fleet, type FleetDeps } from './toncenter-fleet.ts';
import { History } from './toncenter-history.ts';
import { Memory } from './toncenter-memory.ts';
import type { TonNetwork } from './toncenter-network.ts';
import { readStack, writeStack } from './toncenter-stack.ts';

export interface ToncenterOptions {
  /** The preferred one first; the others stand in when it fails. */
  readonly endpoints: readonly ToncenterEndpoint[];
  readonly network: TonNetwork;
  /** Endpoints that must agree on an account, a get method, the time. Default 1. */
  readonly quorum?: number;
  /** For one exchange with one endpoint. Default 10,000. */
  readonly timeoutMs?: number;
  /** Default 4 MiB. */
  readonly maxAnswerBytes?: number;
  /** How far block time may be behind the clock of this machine. Default 120. */
  readonly maxLagSec?: number;
}

/** How far block time may be ahead of the clock of this machine. */
const MAX_AHEAD_SEC = 60;
const MAX_TRANSACTIONS = 1_000;
/** An external message. Source: configuration parameter 43 of the networks. */
const MAX_MESSAGE_BYTES = 65_535;
/** How often a quorum that differs is asked again: one of them may be a block behind. */
const AGREEMENT_ROUNDS = 4;

const RunResult = z.object({
  exit_code: z.int(),
  stack: z.array(z.unknown()).max(1_024),
  last_transaction_id: z.object({ lt: z.string().regex(/^\d{1,20}$/) }).optional(),
});

export class Toncenter implements Chain {
  readonly #fleet: Fleet;
  readonly #network: TonNetwork;
  readonly #quorum: number;
  readonly #maxLagSec: number;
  readonly #clock: Clock;
  readonly #memory = new Memory();
  readonly #history = new History();

  /** @throws {RangeError} for a quorum that the endpoints cannot form. Opens no connection yet */
  constructor(options: ToncenterOptions, deps: FleetDeps) {
    const { endpoints, quorum = 1, timeoutMs = 10_000, maxAnswerBytes = 4 * 1_024 * 1_024, maxLagSec = 120 } = options;
    if (!Number.isInteger(quorum) || quorum < 1 || quorum > endpoints.length) {
      throw new RangeError(`a quorum of ${quorum} from ${endpoints.length} endpoints`);
    }
    this.#network = options.network;
    this.#quorum = quorum;
    this.#maxLagSec = maxLagSec;
    this.#clock = deps.clock;
    this.#fleet = new Fleet(
      endpoints.map((endpoint) => new Endpoint(endpoint, { timeoutMs, maxAnswerBytes }, deps.clock)),
      async (endpoint, signal) => void (await this.#head(endpoint, signal)),
      deps,
    );
  }

  /** With a quorum: the lowest of the times told, so that what expired by it has expired for all. */
  async nowSec(signal?: AbortSignal): Promise<number> {
    const question = {
      name: 'head',
      identifies: true,
      ask: async (endpoint: Endpoint, signal: AbortSignal) => {
        const head = await this.#head(endpoint, signal);
        this.#memory.checkBlock(head.seqno, endpoint.host);
        return head;
      },
    };
    const heads = await this.#fleet.gather(this.#quorum, question, signal);
    this.#memory.keepBlock(Math.min(...heads.map(({ seqno }) => seqno)));
    return Math.min(...heads.map(({ atSec }) => atSec));
  }

  account(address: Address, signal?: AbortSignal): Promise<ChainAccount> {
    return this.#account(address, undefined, signal);
  }

  /** `limit` is 1…1,000. @throws {ChainError} also `CHAIN_LIMIT` when `after` is more than 100,000 transactions back */
  async transactions(
    address: Address,
    after: TransactionId | undefined,
    limit: number,
    signal?: AbortSignal,
  ): Promise<readonly ChainTransaction[]> {
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_TRANSACTIONS) {
      throw new RangeError(`a limit of ${limit} transactions`);
    }
    const { last } = await this.#account(address, after, signal);
    if (last === undefined) return [];
    return this.#history.between(address, last, after, limit, (from, count) =>
      this.#page(address, from, count, signal),
    );
  }

  /**
   * Hands the message to all endpoints, and resolves when one has taken it: one that takes it may still pass it on to
   * nobody. Handing in the same message again is harmless, and so an answer that got lost is asked for again.
   */
  async send(message: Cell, signal?: AbortSignal): Promise<void> {
    const boc = writeCell(message);
    if (boc.length > MAX_MESSAGE_BYTES) {
      throw new ChainError('CHAIN_LIMIT', `an external message of ${boc.length} bytes`, { size: boc.length });
    }
    const params = { boc: boc.toString('base64') };
    const ask = (endpoint: Endpoint, signal: AbortSignal) => endpoint.call('sendBocReturnHash', params, signal);
    await this.#fleet.any({ name: 'sendBocReturnHash', ask }, signal);
  }

  /** Arguments may be integers, cells and slices: the API carries no others. */
  async run(
    address: Address,
    method: string,
    args: readonly TupleItem[],
    signal?: AbortSignal,
  ): Promise<GetMethodResult> {
    const params = { address: address.toRawString(), method, stack: writeStack(args) };
    const ask = async (endpoint: Endpoint, signal: AbortSignal) => {
      const result = await endpoint.call('runGetMethod', params, signal);
      const shape = shaped(RunResult, result, endpoint.host, 'runGetMethod');
      const { exit_code: exitCode, stack, last_transaction_id: last } = shape;
      if (last !== undefined) this.#memory.checkTime(address, BigInt(last.lt), endpoint.host);
      return { exitCode, stack: readStack(stack, endpoint.host) };
    };
    const { exitCode, stack } = await this.#agree({ name: 'runGetMethod', ask }, stackText, signal);
    return { exitCode, stack: new TupleReader(stack) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#fleet[Symbol.asyncDispose]();
  }

  async #account(address: Address, after: TransactionId | undefined, signal?: AbortSignal): Promise<ChainAccount> {
    const params = { address: address.toRawString() };
    const ask = async (endpoint: Endpoint, signal: AbortSignal) => {
      const result = await endpoint.call('getAddressInformation', params, signal);
      const sight = readAccount(result, endpoint.host, address);
      this.#checkTime(sight.atSec, endpoint.host);
      this.#memory.checkAccount(address, sight.account.last, endpoint.host, after);
      return sight;
    };
    const { account } = await this.#agree({ name: 'getAddressInformation', ask }, sightText, signal);
    this.#memory.keepAccount(address, account.last);
    return account;
  }

  #page(address: Address, from: TransactionId, limit: number, signal?: AbortSignal) {
    const params = { address: address.toRawString(), limit, lt: from.lt.toString(), hash: from.hash.toString('hex') };
    const ask = async (endpoint: Endpoint, signal: AbortSignal) => {
      const read = async (archival: boolean) => {
        const result = await endpoint.call('getTransactions', { ...params, archival }, signal);
        return readTransactions(result, endpoint.host, address, from);
      };
      try {
        return await read(false);
      } catch (error) {
        // Servers behind the endpoint drop what is old, except for some.
        if (error instanceof ChainError && error.detail['said'] !== undefined) return read(true);
        throw error;
      }
    };
    return this.#fleet.gather(1, { name: 'getTransactions', ask }, signal).then(([page]) => page ?? []);
  }

  /** Newest masterchain block. @throws {ChainError} `CHAIN_NETWORK`, `CHAIN_STALE`, `CHAIN_CLOCK` */
  async #head(endpoint: Endpoint, signal: AbortSignal): Promise<{ readonly seqno: number; readonly atSec: number }> {
    const { host } = endpoint;
    const { last, zerostate } = readMasterchainInfo(await endpoint.call('getMasterchainInfo', {}, signal), host);
    const { workchain, shard, seqno } = last;
    if (zerostate !== this.#network.zerostate) throw this.#otherNetwork(host, `zerostate ${zerostate}`);
    const result = await endpoint.call('getBlockHeader', { workchain, shard, seqno }, signal);
    const { globalId, atSec } = readBlockHeader(result, host, last);
    if (globalId !== this.#network.globalId) throw this.#otherNetwork(host, `global id ${globalId}`);
    this.#checkTime(atSec, host);
    return { seqno, atSec };
  }

  #otherNetwork(host: string, what: string): ChainError {
    const message = `${host}: not ${this.#network.name}: ${what}; check the endpoint's address and the configured network`;
    return new ChainError('CHAIN_NETWORK', message, { host });
  }

  #checkTime(atSec: number, host: string): void {
    const aheadSec = atSec - Math.floor(this.#clock.nowMs() / 1_000);
    if (aheadSec > MAX_AHEAD_SEC) {
      const message = `${host}: its newest block is ${aheadSec} s in the future; set the clock of this machine`;
      throw new ChainError('CHAIN_CLOCK', message, { host, aheadSec });
    }
    if (-aheadSec > this.#maxLagSec) {
      const message = `${host}: its newest block is ${-aheadSec} s old; it is behind, or the clock of this machine is wrong`;
      throw new ChainError('CHAIN_STALE', message, { host, behindSec: -aheadSec });
    }
  }

  /** The answer that all of a quorum give. @param text equal for answers that agree */
  async #agree<T>(
    question: { readonly name: string; ask(endpoint: Endpoint, signal: AbortSignal): Promise<T> },
    text: (answer: T) => string,
    signal?: AbortSignal,
  ): Promise<T> {
    for (let round = 0; ; round += 1) {
      const answers = await this.#fleet.gather(this.#quorum, question, signal);
      const [first, ...others] = answers;
      if (first === undefined) throw new TypeError('a quorum of none');
      if (others.every((other) => text(other) === text(first))) return first;
      if (round + 1 >= AGREEMENT_ROUNDS) {
        const message = `${question.name}: ${answers.length} endpoints tell different things`;
        throw new ChainError('CHAIN_DISAGREEMENT', message, { endpoints: answers.length });
      }
      await this.#fleet.pause(round, signal);
    }
  }
}

/** Two sights of an account agree when its newest transaction and all that follows from it are the same. */
function sightText({ account }: AccountSight): string {
  const { status, balance, last, code, data } = account;
  return [status, balance, last?.lt, hex(last?.hash), hex(code?.hash()), hex(data?.hash())].join(' ');
}

function stackText({ exitCode, stack }: { readonly exitCode: number; readonly stack: readonly TupleItem[] }): string {
  return `${exitCode} ${stack.map(itemText).join(' ')}`;
}

function itemText(item: TupleItem): string {
  switch (item.type) {
    case 'int':
      return `${item.value}`;
    case 'tuple':
      return `(${item.items.map(itemText).join(' ')})`;
    case 'cell':
    case 'slice':
    case 'builder':
      return `${item.type}:${hex(item.cell.hash())}`;
    default:
      return item.type;
  }
}

function hex(bytes: Buffer | undefined): string | undefined {
  return bytes?.toString('hex');
}
