/** Ends that requests come to, as the proxy knows them when it makes the bill. */
import type { Usage } from '@bombyx/ledger';
import type { Answered } from '../src/settle.ts';
import { used } from './messages.ts';

export interface Answer {
  readonly cut: boolean;
  /** Whether the proxy is killed before the charge is on disk. */
  readonly dies?: true;
  of(held: bigint): Answered;
}

const whole = { scanner: undefined, coefficient: 1_000, deliveredBytes: 100, receivedBytes: 100 };

function reports(prompt: bigint, completion: bigint): Pick<Answered, 'final'> {
  return { final: { tokens: used(Number(prompt), Number(completion)) } };
}

function scanned(billable: Usage): Pick<Answered, 'final' | 'scanner'> {
  return { final: undefined, scanner: { billable } };
}

export const answers: readonly [Answer, ...Answer[]] = [
  { cut: false, of: (held) => ({ ...whole, held, ...reports(held / 3n, held - held / 3n) }) },
  { cut: false, of: (held) => ({ ...whole, held, ...reports(held / 5n, held / 3n) }) },
  // A worker that counts more than was held for it.
  { cut: false, of: (held) => ({ ...whole, held, ...reports(held, held * 2n) }) },
  // The client left: the worker counts to the end, a third was delivered.
  { cut: true, of: (held) => ({ ...whole, held, ...reports(held / 4n, held / 2n), deliveredBytes: 33 }) },
  // The worker was lost: what was read in its stream counts.
  {
    cut: true,
    of: (held) => {
      const promptTokens = Number(held / 7n);
      const billable = { promptTokens, cachedTokens: promptTokens, completionTokens: 99, reasoningTokens: 9 };
      return { ...whole, held, ...scanned(billable) };
    },
  },
  { cut: true, of: (held) => ({ ...whole, held, final: undefined }) },
  { cut: false, of: (held) => ({ ...whole, held, ...reports(-held, held) }) },
  { cut: false, dies: true, of: (held) => ({ ...whole, held, ...reports(held / 2n, held / 2n) }) },
];
