/** Several sources as one: in order of preference, those that failed lately last, until one gives what passes. */
import type { Clock, Logger } from '@bombyx/base';
import { EvidenceError, type EvidenceErrorCode } from '../errors.ts';
import { AVOID_MS } from '../limits.ts';
import type { Source } from './record.ts';

/** When all fail, the code that tells most is reported. */
const telling: readonly EvidenceErrorCode[] = [
  'COLLATERAL_REFUSED',
  'COLLATERAL_OLDER',
  'COLLATERAL_FUTURE',
  'COLLATERAL_EXPIRED',
  'COLLATERAL_LIMIT',
  'COLLATERAL_RESPONSE',
  'COLLATERAL_NOT_FOUND',
  'COLLATERAL_UNREACHABLE',
];

interface Member<Need, Value> {
  readonly source: Source<Need, Value>;
  /** Asked last while this lies ahead, on the monotonic clock. */
  avoidUntilMs: number;
}

export class SourceOrder<Need, Value> {
  readonly #members: readonly Member<Need, Value>[];
  readonly #clock: Clock;
  readonly #log: Logger;

  constructor(
    sources: readonly Source<Need, Value>[],
    { clock, log }: { readonly clock: Clock; readonly log: Logger },
  ) {
    this.#members = sources.map((source) => ({ source, avoidUntilMs: 0 }));
    this.#clock = clock;
    this.#log = log;
  }

  next(): readonly Member<Need, Value>[] {
    const nowMs = this.#clock.monotonicMs();
    return this.#members.toSorted((a, b) => Number(a.avoidUntilMs > nowMs) - Number(b.avoidUntilMs > nowMs));
  }

  good(member: Member<Need, Value>): void {
    member.avoidUntilMs = 0;
  }

  /** One that does not know a record may know others. */
  failed(member: Member<Need, Value>, { code, message }: EvidenceError): void {
    if (code === 'COLLATERAL_NOT_FOUND') return;
    member.avoidUntilMs = this.#clock.monotonicMs() + AVOID_MS;
    this.#log.warn('a source of collateral failed', { host: member.source.host, code, reason: message });
  }
}

/**
 * @param ask fetches and judges
 * @throws {EvidenceError} the most telling failure when none passes; at once whatever else `ask` throws
 */
export async function askInOrder<Need, Value, Result>(
  order: SourceOrder<Need, Value>,
  ask: (source: Source<Need, Value>) => Promise<Result>,
): Promise<Result> {
  const failures: EvidenceError[] = [];
  for (const member of order.next()) {
    try {
      const result = await ask(member.source);
      order.good(member);
      return result;
    } catch (error) {
      if (!(error instanceof EvidenceError)) throw error;
      order.failed(member, error);
      failures.push(error);
    }
  }
  const [first, ...others] = failures.sort((a, b) => telling.indexOf(a.code) - telling.indexOf(b.code));
  if (first === undefined) throw new EvidenceError('COLLATERAL_NOT_FOUND', 'not in the bundle, and no source to ask');
  if (others.length === 0) throw first;
  const message = [first, ...others].map((failure) => failure.message).join('; ');
  throw new EvidenceError(first.code, message, first.detail, { cause: new AggregateError([first, ...others]) });
}
