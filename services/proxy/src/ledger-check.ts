/**
 * The audit of a proxy: what it has in memory, what is on its disk, what it has signed and what the chain shows must say
 * the same, to the adjusted token and the nanoTON.
 */
import type { BooksState, Instance } from '@bombyx/ledger';
import { parseAddress, TonError, verifyPayment } from '@bombyx/ton';
import type { Bookkeeper } from './bookkeeper.ts';
import type { Parties, Party } from './parties.ts';
import type { Settlement } from './settlement/settlement.ts';

/** Totals of one proxy contract: adjusted tokens and nanoTON, as decimal text. */
export interface ContractReport {
  readonly contract: string;
  readonly phase: string;
  readonly clients: number;
  readonly workers: number;
  /** Tokens charged to clients, which are those that workers earned. */
  readonly tokens: string;
  /** Of them: covered by a commit that the chain has shown. */
  readonly committed: string;
  /** Charged on chain. */
  readonly charged_on_chain: string;
  /** Paid to workers on chain. */
  readonly paid_on_chain: string;
}

/** Where two sides disagree, what about, and what each says. */
export interface Disagreement {
  readonly between: string;
  readonly what: string;
  readonly left: string;
  readonly right: string;
}

export interface LedgerReport {
  /** Of the journal, so far. */
  readonly records: number;
  /** Whether the chain was asked: only a running proxy with TON does. */
  readonly chain: boolean;
  readonly contracts: readonly ContractReport[];
  /** The first one; absent when all agrees. */
  readonly difference?: Disagreement;
}

/**
 * @param running with a running proxy: its signed payments are checked too
 * @throws {ProxyError} `PROXY_STORE_DAMAGED` when the file does not hold together
 * @throws {LedgerError} when its records contradict each other
 */
export function checkLedger(
  keeper: Bookkeeper,
  running?: { readonly parties: Parties; readonly publicKey: Buffer },
): LedgerReport {
  const { books } = keeper;
  const onDisk = keeper.reread();
  const difference =
    compare('memory and disk', factsOf(books.snapshot()), factsOf(onDisk.snapshot())) ??
    audit(books.audit()) ??
    (running && payments(running.parties, running.publicKey));
  const report = { records: keeper.seq, chain: false, contracts: Array.from(books.instances(), contractReport) };
  return difference ? { ...report, difference } : report;
}

/** As {@link checkLedger}, and then the chain. @throws {ChainError} */
export async function checkLedgerAndChain(
  keeper: Bookkeeper,
  running: { readonly parties: Parties; readonly publicKey: Buffer },
  settlement: Pick<Settlement, 'compare'>,
): Promise<LedgerReport> {
  const report = { ...checkLedger(keeper, running), chain: true };
  if (report.difference) return report;
  const difference = await settlement.compare();
  return difference ? { ...report, difference } : report;
}

function contractReport(instance: Instance): ContractReport {
  const { contract, phase, accounts } = instance;
  const clients = [...accounts.clients()];
  const workers = [...accounts.workers()];
  const sum = (counts: readonly bigint[]) => String(counts.reduce((total, count) => total + count, 0n));
  return {
    contract,
    phase,
    clients: clients.length,
    workers: workers.length,
    tokens: sum(clients.map(({ used }) => used.max)),
    committed: sum(clients.map(({ used }) => used.chain)),
    charged_on_chain: sum(clients.map(({ usedOnChain }) => usedOnChain)),
    paid_on_chain: sum(workers.map(({ paidOnChain }) => paidOnChain)),
  };
}

/** All that the journal decides, by name. What is only held in memory (play money, levels under way) is left out. */
function factsOf(state: BooksState): Map<string, string> {
  const facts = new Map<string, string>([
    ['active contract', String(state.active)],
    ['session', state.session],
    ['last commit', String(state.lastCommit)],
  ]);
  for (const [name, value] of state.notes) facts.set(`note ${name}`, value);
  for (const { contract, phase, cursor, ...instance } of state.instances) {
    facts.set(`${contract}: phase`, phase);
    facts.set(`${contract}: cursor`, String(cursor?.lt));
    const of = (what: string, entries: Iterable<readonly [string, bigint]>) => {
      for (const [id, amount] of entries) if (amount !== 0n) facts.set(`${contract}: ${what} ${id}`, String(amount));
    };
    of(
      'tokens used by',
      instance.clients.map(({ id, used }) => [id, used]),
    );
    of(
      'tokens earned by',
      instance.workers.map(({ id, earned }) => [id, earned]),
    );
    of(
      'balance on chain of',
      instance.clientContracts.map(([id, seen]) => [id, seen.balance]),
    );
    of(
      'tokens paid on chain to',
      instance.workerContracts.map(([id, seen]) => [id, seen.paid]),
    );
    of('postings to', instance.postings);
  }
  return facts;
}

function compare(
  between: string,
  left: ReadonlyMap<string, string>,
  right: ReadonlyMap<string, string>,
): Disagreement | undefined {
  for (const what of new Set([...left.keys(), ...right.keys()])) {
    const [one, other] = [left.get(what) ?? 'nothing', right.get(what) ?? 'nothing'];
    if (one !== other) return { between, what, left: one, right: other };
  }
  return undefined;
}

function audit(found: ReturnType<Instance['audit']>): Disagreement | undefined {
  if (!found) return undefined;
  const { instance, what, expected, found: other } = found;
  return {
    between: 'accounts and postings',
    what: `${instance}: ${what}`,
    left: String(expected),
    right: String(other),
  };
}

/** No signed payment may promise more than is committed, or be one that its contract would refuse. */
function payments(parties: Parties, publicKey: Buffer): Disagreement | undefined {
  const judge = (party: Party, kind: 'charge' | 'payout', committed: bigint): Disagreement | undefined => {
    const signed = party.payments.last;
    if (!signed) return undefined;
    const told = (right: string) => ({
      between: 'accounts and signed payments',
      what: `${party.instance.contract}: ${kind} of ${party.owner}`,
      left: String(committed),
      right,
    });
    try {
      const { tokens } = verifyPayment(signed.data, { kind, contract: parseAddress(party.contract), publicKey });
      return tokens > committed ? told(String(tokens)) : undefined;
    } catch (error) {
      if (error instanceof TonError) return told(error.message);
      throw error;
    }
  };
  for (const party of parties.clients()) {
    const found = judge(party, 'charge', parties.used(party).chain);
    if (found) return found;
  }
  for (const party of parties.workers()) {
    const found = judge(party, 'payout', parties.earned(party).chain);
    if (found) return found;
  }
  return undefined;
}
