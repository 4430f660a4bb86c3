/**
 * Reads what has happened to a proxy contract and turns it into facts.
 *
 * A message to the proxy contract is only a hint that a client or worker contract has changed: nobody has judged its
 * numbers (contracts.md, hazard 13). So its sender is compared with the contract it must come from, and the numbers are
 * those of that contract's own state, once the state is no older than the message, and than the answer to it: what the
 * proxy contract refuses comes back and is undone there.
 */
import type { ClientContract, Cursor, Instance, LedgerEvent, WorkerContract } from '@bombyx/ledger';
import {
  type Address,
  type Chain,
  type ChainAccount,
  ChainError,
  type ChainTransaction,
  ContractError,
  type ProxyNotice,
  readClientData,
  readProxyNotice,
  readWorkerData,
} from '@bombyx/ton';
import type { Family, Party } from './family.ts';

/** Transactions taken over at once: the rest comes with the next look. */
const BATCH = 100;
/** Messages of a transaction have times right after its own, and no known contract sends more of them. */
const MESSAGES_OF_TRANSACTION = 4n;
/** An answer that has not arrived after so long will not come. */
const ANSWER_SEC = 120;

export interface News {
  /** To be written down together: what was seen, and how far it goes. Empty when there is nothing new. */
  readonly events: readonly LedgerEvent[];
  /** Clients who have proved that a contract is theirs. */
  readonly registered: readonly { readonly nonce: bigint; readonly owner: string }[];
  /** Query ids of requests to pay out the earnings. */
  readonly withdrawals: readonly bigint[];
  /** Whether there may be more at once. */
  readonly more: boolean;
}

/** A client or worker contract that something came from. */
interface Hint {
  readonly party: Party;
  readonly owner: string;
  readonly notice: Extract<ProxyNotice, { kind: Party }>;
  /** The contract's newest transaction is at least of this time, once its state is of use. */
  readonly notBefore: bigint;
  readonly atSec: number;
}

export interface ReaderDeps {
  readonly chain: Chain;
  /** Operating wallet: commits of anybody else are nobody's. */
  readonly wallet: Address;
}

/**
 * The next transactions of the proxy contract, and the states they led to.
 * @throws {ChainError} also `CHAIN_STALE` when a state is older than a message about it; nothing was changed then
 */
export async function readNews(
  instance: Instance,
  family: Family,
  { chain, wallet }: ReaderDeps,
  signal: AbortSignal,
): Promise<News> {
  const { cursor } = instance;
  const after = cursor && { lt: cursor.lt, hash: Buffer.from(cursor.hash, 'hex') };
  const transactions = await chain.transactions(family.proxy, after, BATCH, signal);
  const fresh = transactions.filter(({ lt }) => cursor === undefined || lt > cursor.lt);
  const last = fresh.at(-1);
  const hints = new Map<string, Hint>();
  const registered: { nonce: bigint; owner: string }[] = [];
  const withdrawals: bigint[] = [];
  const commits: LedgerEvent[] = [];
  for (const transaction of fresh) {
    const message = messageOf(transaction);
    if (message === undefined) continue;
    const { notice, from } = message;
    if (notice.kind === 'commit') {
      if (!from.equals(wallet)) continue;
      commits.push({ type: 'committed', number: notice.seqno, session: notice.session.toString('hex') });
    } else if (notice.kind === 'earnings') withdrawals.push(notice.queryId);
    else {
      const owner = family.ownerOf(notice.kind, notice.owner, from);
      if (owner === undefined) continue;
      const { notBefore } = message;
      hints.set(`${notice.kind}/${owner}`, { party: notice.kind, owner, notice, notBefore, atSec: transaction.atSec });
      if (notice.kind === 'client' && notice.nonce !== undefined) registered.push({ nonce: notice.nonce, owner });
    }
  }
  const seen: LedgerEvent[] = [];
  for (const hint of hints.values()) {
    const event = await follow(hint, instance, family, chain, signal);
    if (event) seen.push(event);
  }
  const read = last && cursorEvent(instance.contract, last);
  const events = read ? [...seen, ...commits, read] : [];
  return { events, registered, withdrawals, more: fresh.length === BATCH };
}

/** The contract of a client or worker as it is now, as a fact; undefined when the books have it so, or it is not there. */
export async function lookAt(
  party: Party,
  owner: string,
  instance: Instance,
  family: Family,
  chain: Chain,
  signal: AbortSignal,
): Promise<{ readonly account: ChainAccount; readonly event: LedgerEvent | undefined }> {
  const account = await chain.account(family.contractOf(party, owner), signal);
  const state = stateOf(party, account);
  return { account, event: state && factOf(owner, instance, state) };
}

async function follow(
  hint: Hint,
  instance: Instance,
  family: Family,
  chain: Chain,
  signal: AbortSignal,
): Promise<LedgerEvent | undefined> {
  const { party, owner, notice, notBefore, atSec } = hint;
  const account = await chain.account(family.contractOf(party, owner), signal);
  if ((account.last?.lt ?? 0n) < notBefore && (await chain.nowSec(signal)) < atSec + ANSWER_SEC) {
    throw new ChainError('CHAIN_STALE', `the contract of a ${party} is shown as it was before its message`, {
      notBefore,
    });
  }
  return factOf(owner, instance, stateOf(party, account) ?? stated(notice));
}

/** Undefined for an account that is not there, or keeps its data in a way that we cannot read. */
function stateOf(party: Party, { status, data }: ChainAccount): ClientContract | WorkerContract | undefined {
  if (status !== 'active' || data === undefined) return undefined;
  try {
    if (party === 'worker') {
      const { state, tokens: paid } = readWorkerData(data);
      return { state: named(state), paid };
    }
    const { state, balance, stake, tokens: used, secretHash } = readClientData(data);
    return { state: named(state), balance, stake, used, secretHash: secretHash.toString('hex') };
  } catch (error) {
    if (error instanceof ContractError) return undefined;
    throw error;
  }
}

/** What the message says, where the contract cannot be asked. */
function stated(notice: Hint['notice']): ClientContract | WorkerContract {
  const state = named(notice.state);
  if (notice.kind === 'worker') return { state, paid: notice.tokens };
  const { balance, stake, tokens: used, secretHash } = notice;
  return { state, balance, stake, used, secretHash: secretHash.toString('hex') };
}

function named(state: 'normal' | 'closing' | 'closed'): ClientContract['state'] {
  return state === 'normal' ? 'running' : state;
}

function factOf(owner: string, instance: Instance, contract: ClientContract | WorkerContract): LedgerEvent | undefined {
  if ('paid' in contract) {
    const known = instance.workerContract(owner);
    if (known?.state === contract.state && known.paid === contract.paid) return undefined;
    return { type: 'worker-seen', instance: instance.contract, worker: owner, contract };
  }
  const known = instance.clientContract(owner);
  const same =
    known?.state === contract.state &&
    known.balance === contract.balance &&
    known.stake === contract.stake &&
    known.used === contract.used &&
    known.secretHash === contract.secretHash;
  return same ? undefined : { type: 'client-seen', instance: instance.contract, client: owner, contract };
}

function cursorEvent(contract: string, { lt, hash }: ChainTransaction): LedgerEvent {
  return { type: 'read', instance: contract, lt, hash: hash.toString('hex') } satisfies LedgerEvent & Cursor;
}

/** What came in, from whom, and the time from which its sender's state covers it and the answer to it. */
function messageOf(
  at: ChainTransaction,
): { readonly notice: ProxyNotice; readonly from: Address; readonly notBefore: bigint } | undefined {
  const { inMessage, outMessages } = at.transaction;
  if (inMessage?.info.type !== 'internal' || inMessage.info.bounced) return undefined;
  const notice = readProxyNotice(inMessage.body);
  if (notice === undefined) return undefined;
  const { src: from, createdLt } = inMessage.info;
  let notBefore = createdLt - MESSAGES_OF_TRANSACTION;
  for (const { info } of outMessages.values()) {
    if (info.type === 'internal' && info.dest.equals(from) && info.createdLt > notBefore) notBefore = info.createdLt;
  }
  return { notice, from, notBefore };
}
