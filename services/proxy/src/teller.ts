/** What peers and statistics are told of a request: its end, its money, its refusal. */
import type { Clock, Logger } from '@bombyx/base';
import { NO_TOKENS } from '@bombyx/ledger';
import type { Tl } from '@bombyx/wire';
import { type ClientFinal, errorMessage, headMessage, partMessage, withProxyTimes } from './client-dialect.ts';
import type { ClientLink } from './client-link.ts';
import type { Failure } from './errors.ts';
import type { Parties } from './parties.ts';
import type { Stats } from './stats.ts';
import type { Work } from './work.ts';

export interface TellerDeps {
  readonly parties: Parties;
  readonly stats: Stats;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Teller {
  readonly #deps: TellerDeps;

  constructor(deps: TellerDeps) {
    this.#deps = deps;
  }

  /** Refuses a request that was never admitted. */
  reject(client: ClientLink, id: Buffer, because: Failure): void {
    const { stats, clock, log } = this.#deps;
    const nowSec = clock.nowMs() / 1_000;
    stats.add('rejected', 1);
    log.debug('a request was refused', { reason: because.reason, client: client.connection.id });
    client.send(errorMessage(client.version, id, because, emptyFinal(nowSec), false));
  }

  /** Sends the end of the answer that was held back for its charge. */
  finish(work: Work): void {
    const { client, run, heldEnd } = work;
    this.#count(work, 'success');
    if (client.gone || !heldEnd) return;
    const { kind, bytes } = heldEnd;
    const { version } = client;
    const final = this.#finalOf(work);
    client.send(
      kind === 'head'
        ? headMessage(version, run.id, bytes, final, work.servedBy)
        : partMessage(version, run.id, bytes, final),
    );
    this.#payments(work);
  }

  /** Ends a request with an error, before or after its head. */
  fail(work: Work, because: Failure): void {
    const { client, run } = work;
    this.#count(work, 'failed');
    if (client.gone) return;
    client.send(errorMessage(client.version, run.id, because, this.#finalOf(work), work.headSent));
    this.#payments(work);
  }

  /** The head as this client gets it. */
  dressed(work: Work, response: Tl<'http.response'>, asReceived: Buffer | undefined): Buffer {
    if (work.client.version >= 3 && asReceived) return asReceived;
    return withProxyTimes(response, work.startSec, this.#deps.clock.nowMs() / 1_000);
  }

  #finalOf(work: Work): ClientFinal {
    const endSec = this.#deps.clock.nowMs() / 1_000;
    const { final, run } = work;
    const stages = {
      type: 'proxy_stats',
      start_time: work.startSec,
      answer_receive_start_at: work.answerStartSec,
      answer_receive_end_at: work.answerEndSec,
    };
    return {
      tokens: work.billed,
      workerDebug: run.debug ? final?.debug : undefined,
      proxyDebug: run.debug ? JSON.stringify(stages) : undefined,
      proxyStartSec: work.startSec,
      proxyEndSec: endSec,
      workerStartSec: final?.startSec ?? 0,
      workerEndSec: final?.endSec ?? 0,
      receipt: final?.receipt,
      evidence: final?.evidence,
    };
  }

  /** Peers of the older versions are told of the money after each request; newer ones find it in the final info. */
  #payments(work: Work): void {
    const { parties } = this.#deps;
    const { client, link, billed } = work;
    if (client.version < 3) {
      const { db, max } = parties.used(client.party);
      client.send({
        kind: 'proxy.clientRequestPayment',
        request_id: work.run.id,
        signed_payment: parties.charge(client.party),
        db_tokens: db,
        max_tokens: max,
        request_tokens: billed.total,
      });
    }
    if (!link || link.version >= 3) return;
    const { db, max } = parties.earned(link.party);
    link.connection.send({
      kind: 'proxy.workerRequestPayment',
      request_id: work.id,
      signed_payment: parties.payout(link.party),
      db_tokens: db,
      max_tokens: max,
      request_tokens: billed.total,
      request_client_owner: '', // a worker never learns who pays
    });
  }

  #count(work: Work, outcome: 'success' | 'failed'): void {
    const { stats, clock } = this.#deps;
    stats.add(outcome, 1);
    stats.add('time', (clock.monotonicMs() - work.arrivedMs) / 1_000);
    stats.add('bytes_sent', work.deliveredBytes);
    const { billed } = work;
    if (billed.total === 0n) return;
    stats.add('total_adjusted_tokens_used', Number(billed.total));
    stats.add('prompt_adjusted_tokens_used', Number(billed.prompt));
    stats.add('cached_adjusted_tokens_used', Number(billed.cached));
    stats.add('completion_adjusted_tokens_used', Number(billed.completion));
    stats.add('reasoning_adjusted_tokens_used', Number(billed.reasoning));
  }
}

function emptyFinal(nowSec: number): ClientFinal {
  return {
    tokens: NO_TOKENS,
    workerDebug: undefined,
    proxyDebug: undefined,
    proxyStartSec: nowSec,
    proxyEndSec: nowSec,
    workerStartSec: 0,
    workerEndSec: 0,
    receipt: undefined,
    evidence: undefined,
  };
}
