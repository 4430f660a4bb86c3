/** Methods of the API that read accounts and their history, and those that hand in messages. */
import { int } from '@bombyx/config';
import { type Address, beginCell, Cell, external, loadTransaction, storeMessage } from '@ton/core';
import { z } from 'zod';
import type { AccountState } from './account.ts';
import { ApiError } from './api-error.ts';
import { blockId } from './block-id.ts';
import { type Ledger, refusal } from './ledger.ts';
import { type Method, method } from './method.ts';
import { address, cell, hash, long, optionalCell } from './parameters.ts';
import type { StoredTransaction } from './records.ts';
import { friendly, transactionId, transactionJson } from './transaction-json.ts';
import { stackJson, stackParameter } from './tvm-stack.ts';

const MAX_HISTORY = 100;
const who = z.object({ address });

export const accountMethods: Readonly<Record<string, Method>> = {
  getAddressInformation: method(who, ({ address }, ledger) => {
    const state = ledger.account(address);
    return {
      '@type': 'raw.fullAccountState',
      balance: String(state.balance),
      extra_currencies: [],
      code: base64(state.code),
      data: base64(state.data),
      last_transaction_id: lastId(state),
      block_id: blockId(ledger.head, address.workChain),
      frozen_hash: state.frozenHash?.toString('base64') ?? '',
      sync_utime: ledger.head.utime,
      state: stateName(state),
    };
  }),
  getExtendedAddressInformation: method(who, ({ address }, ledger) => {
    const state = ledger.account(address);
    return {
      '@type': 'fullAccountState',
      address: { '@type': 'accountAddress', account_address: friendly(address) },
      balance: String(state.balance),
      last_transaction_id: lastId(state),
      block_id: blockId(ledger.head, address.workChain),
      sync_utime: ledger.head.utime,
      account_state: extendedState(state),
      revision: 0,
    };
  }),
  getAddressBalance: method(who, ({ address }, ledger) => String(ledger.account(address).balance)),
  getAddressState: method(who, ({ address }, ledger) => stateName(ledger.account(address))),
  getTransactions: method(
    who.extend({
      limit: int(1, MAX_HISTORY + 1).default(10), // clients ask for one more than they want
      lt: long.optional(),
      hash: hash.optional(),
      to_lt: long.default(0n),
    }),
    ({ address, limit, lt, hash, to_lt }, ledger) => {
      if (lt !== undefined) requireStart(ledger, address, lt, hash);
      const range = { limit, above: to_lt, ...(lt === undefined ? {} : { upTo: lt }) };
      return ledger.records.history(address, range).map(transactionJson);
    },
  ),
  tryLocateTx: locate(findResult),
  tryLocateResultTx: locate(findResult),
  tryLocateSourceTx: locate(findSource),
  runGetMethod: method(
    who.extend({ method: z.union([z.int(), z.string().min(1).max(256)]), stack: stackParameter }),
    async ({ address, method, stack }, ledger) => {
      const { exitCode, gasUsed, stack: result } = await ledger.get(address, numeric(method), stack);
      return {
        '@type': 'smc.runResult',
        gas_used: Number(gasUsed),
        stack: stackJson(result),
        exit_code: exitCode,
        block_id: blockId(ledger.head, address.workChain),
        last_transaction_id: lastId(ledger.account(address)),
      };
    },
  ),
  sendBoc: method(z.object({ boc: cell }), async ({ boc }, ledger) => {
    await ledger.send(boc);
    return { '@type': 'ok' };
  }),
  sendBocReturnHash: method(z.object({ boc: cell }), async ({ boc }, ledger) => {
    const sent = await ledger.send(boc);
    return { '@type': 'raw.extMessageInfo', hash: sent.toString('base64') };
  }),
  estimateFee: method(
    who.extend({
      body: cell,
      init_code: optionalCell,
      init_data: optionalCell,
      ignore_chksig: z.boolean().default(true),
    }),
    async ({ address, body, init_code, init_data, ignore_chksig }, ledger) => {
      const init = init_code && init_data ? { init: { code: init_code, data: init_data } } : {};
      const message = beginCell().store(storeMessage(external({ to: address, body, ...init })));
      return await estimate(ledger, address, message.endCell(), ignore_chksig);
    },
  ),
};

async function estimate(ledger: Ledger, address: Address, message: Cell, ignoreSignature: boolean): Promise<object> {
  const trial = await ledger.try(address, message, ignoreSignature);
  if (!trial.ok) throw refusal(trial);
  const { description, totalFees } = trial.transaction;
  if (description.type !== 'generic') throw new TypeError('a message makes an ordinary transaction');
  const { storagePhase, computePhase, actionPhase } = description;
  const storage = storagePhase?.storageFeesCollected ?? 0n;
  const gas = computePhase.type === 'vm' ? computePhase.gasFees : 0n;
  const actions = actionPhase?.totalActionFees ?? 0n;
  return {
    '@type': 'query.fees',
    source_fees: {
      '@type': 'fees',
      in_fwd_fee: Number(totalFees.coins - storage - gas - actions),
      storage_fee: Number(storage),
      gas_fee: Number(gas),
      fwd_fee: Number(actionPhase?.totalFwdFees ?? 0n),
    },
    destination_fees: [],
  };
}

type Find = (ledger: Ledger, source: Address, destination: Address, createdLt: bigint) => StoredTransaction | undefined;

function locate(find: Find): Method {
  return method(
    z.object({ source: address, destination: address, created_lt: long }),
    ({ source, destination, created_lt }, ledger) => {
      const found = find(ledger, source, destination, created_lt);
      if (found) return transactionJson(found);
      throw new ApiError(500, 'LITE_SERVER_UNKNOWN: cannot locate transaction: there is none');
    },
  );
}

/** The transaction at `destination` that received the message. */
function findResult(ledger: Ledger, source: Address, destination: Address, createdLt: bigint) {
  const received = ledger.records.receiverOf(createdLt);
  if (!received?.address.equals(destination)) return undefined;
  return findSource(ledger, source, destination, createdLt) && received;
}

/** The transaction at `source` that sent it: the newest before it was created, for its messages' times follow its own. */
function findSource(ledger: Ledger, source: Address, destination: Address, createdLt: bigint) {
  const [candidate] = ledger.records.history(source, { upTo: createdLt - 1n, limit: 1 });
  if (!candidate) return undefined;
  const { outMessages } = loadTransaction(Cell.fromBoc(candidate.cell)[0]!.beginParse());
  const sent = outMessages.values().some(({ info }) => {
    return info.type === 'internal' && info.createdLt === createdLt && info.dest.equals(destination);
  });
  return sent ? candidate : undefined;
}

/** @throws {ApiError} when the account has no transaction with this logical time and hash */
function requireStart(ledger: Ledger, address: Address, lt: bigint, hash: Buffer | undefined): void {
  const [start] = ledger.records.history(address, { above: lt - 1n, upTo: lt, limit: 1 });
  if (start && (hash === undefined || start.hash.equals(hash))) return;
  const text = `LITE_SERVER_UNKNOWN: cannot locate transaction in block with specified logical time ${lt}`;
  throw new ApiError(500, text);
}

function lastId({ last }: AccountState): object {
  return transactionId(last?.lt ?? 0n, last?.hash ?? Buffer.alloc(32));
}

function stateName({ kind }: AccountState): string {
  return kind === 'active' || kind === 'frozen' ? kind : 'uninitialized';
}

function extendedState(state: AccountState): object {
  const frozen_hash = state.frozenHash?.toString('base64') ?? '';
  if (state.kind !== 'active') return { '@type': 'uninited.accountState', frozen_hash };
  return { '@type': 'raw.accountState', code: base64(state.code), data: base64(state.data), frozen_hash };
}

function numeric(method: string | number): string | number {
  return typeof method === 'string' && /^\d{1,10}$/.test(method) ? Number(method) : method;
}

function base64(cell: Cell | undefined): string {
  return cell?.toBoc().toString('base64') ?? '';
}
