/** Whether the operator has switched the proxy off: a note in the books, so that a restart does not switch it on again. */
import type { Books, LedgerEvent } from '@bombyx/ledger';

const NOTE = 'disabled';

export const SWITCHED_OFF = 'the proxy is switched off';

export function isSwitchedOff(books: Pick<Books, 'note'>): boolean {
  return books.note(NOTE) === 'yes';
}

/** The fact that switches it. */
export function switching(off: boolean): LedgerEvent {
  return { type: 'noted', name: NOTE, value: off ? 'yes' : 'no' };
}
