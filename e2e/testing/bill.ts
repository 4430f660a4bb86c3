/** What a proxy wrote down, beside what callers saw: nothing is billed twice, nothing that was answered is missing. */
import { join } from 'node:path';
import { type LedgerEvent, readEvents } from '@bombyx/ledger';
import { BOOKS_FILE } from '@bombyx/proxy';
import { Journal } from '../../services/proxy/src/journal.ts';
import { MOST_TOKENS, type Outcome } from './traffic.ts';

export interface Charge {
  readonly id: string;
  readonly prompt: number;
  readonly completion: number;
  /** Adjusted tokens. */
  readonly total: number;
}

/** Every charge of a proxy that does not run, from the file itself. @param config of the proxy */
export function chargesOf(config: Readonly<Record<string, unknown>>): readonly Charge[] {
  const path = join(String(config['db_path']), BOOKS_FILE);
  const key = Buffer.from(String(config['machine_specific_private_key']), 'base64');
  using journal = new Journal({ path, key, keepRecords: Number.MAX_SAFE_INTEGER });
  const { snapshot, records } = journal.read();
  if (snapshot !== undefined)
    throw new Error('the first records of the journal are condensed: single charges are gone');
  return records
    .flatMap(({ text }) => readEvents<LedgerEvent>(text))
    .flatMap((event) => (event.type === 'charged' ? [event] : []))
    .map(({ id, tokens }) => ({
      id,
      prompt: Number(tokens.prompt + tokens.cached),
      completion: Number(tokens.completion + tokens.reasoning),
      total: Number(tokens.total),
    }));
}

export interface Comparison {
  readonly answered: number;
  readonly cut: number;
  readonly charges: number;
  /** Charges for requests whose caller saw no end. */
  readonly cutAndBilled: number;
  /** Adjusted tokens of all charges. */
  readonly tokens: number;
  /** Sentences; empty when all is right. */
  readonly faults: readonly string[];
}

export function compareBill(outcomes: readonly Outcome[], charges: readonly Charge[]): Comparison {
  const faults: string[] = [];
  const ids = new Set(charges.map(({ id }) => id));
  if (ids.size !== charges.length) faults.push(`${charges.length - ids.size} charges have the id of another`);
  const open = new Map<string, Charge[]>();
  for (const charge of charges) {
    const size = `${charge.prompt}+${charge.completion}`;
    open.set(size, [...(open.get(size) ?? []), charge]);
    if (charge.total !== charge.prompt + charge.completion)
      faults.push(`charge ${charge.id} is ${charge.total} for ${size}`);
  }
  const answers = outcomes.filter((outcome) => outcome.kind === 'answered');
  for (const { prompt, completion } of answers) {
    const size = `${prompt}+${completion}`;
    if (open.get(size)?.pop() === undefined) faults.push(`an answer of ${size} tokens is billed nowhere`);
  }
  const rest = [...open.values()].flat();
  const cut = outcomes.filter(({ kind }) => kind === 'cut').length;
  if (rest.length > cut) faults.push(`${rest.length} charges are for no answer, and only ${cut} requests were cut`);
  for (const { id, total } of rest) {
    if (total > MOST_TOKENS) faults.push(`charge ${id} of ${total} tokens is more than any request can use`);
  }
  const tokens = charges.reduce((sum, { total }) => sum + total, 0);
  return { answered: answers.length, cut, charges: charges.length, cutAndBilled: rest.length, tokens, faults };
}
