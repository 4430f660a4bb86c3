/** How a transaction is judged, whoever fetched it. */
import { type Cell, loadTransaction, type Transaction } from '@ton/core';
import type { ChainTransaction } from './chain.ts';

/**
 * Decodes a transaction from its cell; the hash is that of the cell, so nobody is believed about it.
 * @throws {Error} whatever the decoder throws for a cell that is no transaction
 */
export function readChainTransaction(cell: Cell): ChainTransaction {
  return chainTransaction(loadTransaction(cell.beginParse()));
}

/** The verdict about a decoded transaction. */
export function chainTransaction(transaction: Transaction): ChainTransaction {
  return {
    lt: transaction.lt,
    hash: transaction.hash(),
    atSec: transaction.now,
    transaction,
    ...outcome(transaction),
  };
}

function outcome({ description }: Transaction): { readonly succeeded: boolean; readonly skipped: boolean } {
  if (description.type !== 'generic' && description.type !== 'tick-tock') return { succeeded: false, skipped: false };
  const { computePhase: compute, actionPhase: action, aborted } = description;
  if (compute.type === 'skipped') return { succeeded: false, skipped: true };
  const ran = compute.success && (compute.exitCode === 0 || compute.exitCode === 1);
  return { succeeded: ran && !aborted && action?.success === true, skipped: false };
}
