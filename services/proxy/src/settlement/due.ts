/** Who is to be charged, paid or refunded now. Pure: the books in, signed totals out. */
import type { Tokens } from '@bombyx/base';
import type { ClientView, Instance, WorkerView } from '@bombyx/ledger';
import type { PaymentKind } from '@bombyx/ton';
import type { Party } from './family.ts';
import type { SettlementPolicy } from './policy.ts';

/** A payment to sign and hand in. */
export interface Due {
  readonly kind: PaymentKind;
  readonly party: Party;
  readonly owner: string;
  /** Adjusted tokens, running total. Always one that is committed: a crash cannot leave it above the books. */
  readonly total: Tokens;
}

/** Totals by owner. */
export type Asked = Readonly<Record<Party, ReadonlyMap<string, bigint>>>;

export interface DueRules {
  readonly policy: Pick<SettlementPolicy, 'chargeAt' | 'leastCharge' | 'payoutAt'>;
  /** Requests that a client has queued and running; without a client, all of them. */
  running(owner?: string): number;
  /** Parties that somebody wants settled up to a total, as soon as it is committed and however little it is. */
  readonly asked: Asked;
}

/** Everything that an instance owes or is owed and that may be settled now. */
export function dues(instance: Instance, rules: DueRules): Due[] {
  const found: (Due | undefined)[] = [];
  for (const client of instance.accounts.clients()) found.push(clientDue(client, instance, rules));
  for (const worker of instance.accounts.workers()) found.push(workerDue(worker, instance, rules));
  return found.filter((due) => due !== undefined);
}

/**
 * Whether something waits for nothing but a commit: an end of a client or worker whose totals are final, or a payment
 * that was asked for.
 */
export function waitsForCommit(instance: Instance, rules: DueRules): boolean {
  for (const { id, used } of instance.accounts.clients()) {
    if (used.chain === used.max) continue;
    if ((rules.asked.client.get(id) ?? 0n) > used.chain) return true;
    if ((isRetiring(instance) || isLeaving(instance, id)) && rules.running(id) === 0) return true;
  }
  for (const { id, earned } of instance.accounts.workers()) {
    if (earned.chain === earned.max) continue;
    if ((rules.asked.worker.get(id) ?? 0n) > earned.chain) return true;
    if (isRetiring(instance) && rules.running() === 0) return true;
  }
  return false;
}

/** Whether what was asked for has been done, or cannot be any more. */
export function isAnswered(instance: Instance, party: Party, owner: string, total: bigint): boolean {
  if (party === 'client') {
    const contract = instance.clientContract(owner);
    return contract === undefined || contract.state === 'closed' || contract.used >= total;
  }
  const contract = instance.workerContract(owner);
  return contract !== undefined && (contract.state === 'closed' || contract.paid >= total);
}

/** NanoTON that an older copy of the disk would lose. */
export function uncommitted({ accounts, terms }: Instance): bigint {
  let sum = 0n;
  for (const { used } of accounts.clients()) sum += used.max - used.chain;
  return sum * terms.pricePerToken;
}

/** Clients who have not got back what is left of their deposits, and workers who have not got their last payout. */
export function unsettled(instance: Instance): { readonly clients: number; readonly workers: number } {
  let [clients, workers] = [0, 0];
  for (const { id } of instance.accounts.clients()) if (isRefundable(instance, id)) clients += 1;
  for (const worker of instance.accounts.workers()) if (isPayable(instance, worker)) workers += 1;
  return { clients, workers };
}

function clientDue({ id, used, usedOnChain }: ClientView, instance: Instance, rules: DueRules): Due | undefined {
  const contract = instance.clientContract(id);
  if (contract === undefined || !isRefundable(instance, id)) return undefined;
  if (isRetiring(instance) || contract.state !== 'running') {
    const isFinal = rules.running(id) === 0 && used.max === used.chain;
    return isFinal ? { kind: 'refund', party: 'client', owner: id, total: used.chain } : undefined;
  }
  const owed = (used.chain - usedOnChain) * instance.terms.pricePerToken;
  const least = isAsked('client', id, used.chain, rules) ? 1n : chargeFrom(contract.stake, rules.policy);
  if (used.chain <= usedOnChain || owed < least) return undefined;
  return { kind: 'charge', party: 'client', owner: id, total: used.chain };
}

function workerDue(worker: WorkerView, instance: Instance, rules: DueRules): Due | undefined {
  const { id, earned, paidOnChain } = worker;
  if (!isPayable(instance, worker)) return undefined;
  if (isRetiring(instance)) {
    const isFinal = rules.running() === 0 && earned.max === earned.chain;
    return isFinal ? { kind: 'lastPayout', party: 'worker', owner: id, total: earned.chain } : undefined;
  }
  const owed = (earned.chain - paidOnChain) * instance.terms.workerFeePerToken;
  const least = isAsked('worker', id, earned.chain, rules) ? 1n : rules.policy.payoutAt;
  if (earned.chain <= paidOnChain || owed < least) return undefined;
  return { kind: 'payout', party: 'worker', owner: id, total: earned.chain };
}

/** The sum from which a client with that stake is charged, nanoTON. */
function chargeFrom(stake: bigint, { chargeAt, leastCharge }: DueRules['policy']): bigint {
  const half = stake / 2n;
  if (half >= chargeAt) return chargeAt;
  return half > leastCharge ? half : leastCharge;
}

function isAsked(party: Party, owner: string, committed: bigint, { asked }: DueRules): boolean {
  const total = asked[party].get(owner);
  return total !== undefined && committed >= total;
}

function isRetiring({ phase }: Instance): boolean {
  return phase !== 'serving';
}

function isLeaving(instance: Instance, owner: string): boolean {
  return instance.clientContract(owner)?.state === 'closing';
}

/** A closed contract with a balance is one whose refund could not be paid in full. */
function isRefundable(instance: Instance, owner: string): boolean {
  const contract = instance.clientContract(owner);
  return contract !== undefined && (contract.state !== 'closed' || contract.balance > 0n);
}

/** Workers that are known from requests only may have no contract: they count once they have earned something. */
function isPayable(instance: Instance, { id, earned, paidOnChain }: WorkerView): boolean {
  const contract = instance.workerContract(id);
  if (contract?.state === 'closed') return false;
  return contract !== undefined || earned.max > paidOnChain;
}
