/**
 * Which worker a request goes to, and when: at once, after a wait in the queue of its model, or after another one failed.
 * `select.ts` picks; this file gives the order and keeps count of the places.
 */
import type { Clock } from '@bombyx/base';
import { TransportError } from '@bombyx/transport';
import { because, type Failure, failure } from './errors.ts';
import type { JobEvent } from './job.ts';
import type { ProxyLimits } from './limits.ts';
import type { Parties } from './parties.ts';
import type { Relay } from './relay.ts';
import { type Choice, select } from './select.ts';
import type { Rules } from './session.ts';
import type { Work } from './work.ts';
import { type Order, orderMessage } from './worker-dialect.ts';
import type { Model, WorkerLink } from './worker-pool.ts';

export interface PlacementDeps {
  readonly rules: Rules;
  readonly parties: Pick<Parties, 'payout'>;
  readonly relay: Pick<Relay, 'firstWindow'>;
  /** Tells the job of a request what happened to it. */
  readonly apply: (work: Work, event: JobEvent) => void;
  /** Called when the deadline of a request may have come closer. */
  readonly watch: (work: Work) => void;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly clock: Clock;
}

export class Placement {
  readonly #limits: Pick<ProxyLimits, 'attempts'>;
  readonly #deps: PlacementDeps;

  constructor(limits: Pick<ProxyLimits, 'attempts'>, deps: PlacementDeps) {
    this.#limits = limits;
    this.#deps = deps;
  }

  /** Gives the request to a worker, or lets it wait for one, or refuses it. */
  place(work: Work): void {
    const choice = this.#choose(work, this.#deps.clock.monotonicMs());
    if (choice.kind === 'worker') return void this.#assign(work, choice.worker);
    const { model } = work;
    const refused = (otherwise: Failure) =>
      this.#deps.apply(work, { type: 'refused', because: work.lastFailure ?? otherwise });
    if (choice.kind === 'too-expensive') {
      const text = `can run this query with coefficient=${choice.cheapest}`;
      return void refused(failure('price_above_ceiling', text));
    }
    if (choice.kind === 'none' && work.lastFailure) return void refused(work.lastFailure);
    if (model.queue.push(work.client.party.owner, work)) return void this.#deps.watch(work);
    if (model.links.length === 0) {
      const why = because(`no workers for model ${model.name}`, this.#deps.rules.refusedWorker);
      return void refused(failure('no_worker', why));
    }
    refused(failure('queue_full', `too many requests wait for model ${model.name}`));
  }

  /** Its worker failed before the first byte: another one gets it, unless enough were tried. */
  retry(work: Work, because: Failure): void {
    const { link } = work;
    work.lastFailure = because;
    if (link) {
      work.tried ??= new Set();
      work.tried.add(link.id);
      this.leave(work);
    }
    if (work.cancelled || work.attempts >= this.#limits.attempts) {
      return void this.#deps.apply(work, { type: 'refused', because });
    }
    this.place(work);
  }

  /** Takes the request off its worker's books. Idempotent. */
  leave(work: Work): void {
    const { link } = work;
    if (!link?.works.delete(work.key)) return;
    const unstoppable = !work.workerDone && link.version < 3 && !link.connection.signal.aborted;
    if (unstoppable) link.ghosts.set(work.key, work.totalByMs);
    else this.offer(link.model);
  }

  /** A worker of the model came, or has places, or changed its mind or its price: who waits gets them. */
  offer(model: Model): void {
    const nowMs = this.#deps.clock.monotonicMs();
    let hopeless = -1; // a price ceiling that found no worker in this round
    while (model.queue.size > 0) {
      let chosen: WorkerLink | undefined;
      const work = model.queue.take((waiting) => {
        if (!waiting.tried && waiting.maxCoefficient <= hopeless) return false;
        const choice = this.#choose(waiting, nowMs);
        if (choice.kind === 'worker') chosen = choice.worker;
        else if (!waiting.tried) hopeless = Math.max(hopeless, waiting.maxCoefficient);
        return chosen !== undefined;
      });
      if (!work || !chosen) return;
      this.#assign(work, chosen);
    }
  }

  #choose(work: Work, nowMs: number): Choice<WorkerLink> {
    const { links } = work.model;
    for (const link of links) link.refresh(nowMs);
    return select(links, work, this.#deps.random);
  }

  #assign(work: Work, link: WorkerLink): void {
    const { relay, apply, watch, clock } = this.#deps;
    const nowMs = clock.monotonicMs();
    work.link = link;
    work.coefficient = link.coefficient;
    work.attempts += 1;
    work.assignedMs = nowMs;
    work.lastActivityMs = nowMs;
    work.headReceived = false;
    work.workerDone = false;
    work.workerOk = true;
    work.final = undefined;
    work.workerCredit = link.version >= 3 ? relay.firstWindow(work) : Number.POSITIVE_INFINITY;
    link.works.set(work.key, work);
    apply(work, { type: 'assigned' });
    try {
      link.connection.send(orderMessage(link.version, this.#order(work, link, nowMs)));
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      work.workerDone = true; // it never heard of it
      const because = failure('bad_request', 'the request is too large for the worker', { httpStatus: 413 });
      return void apply(work, { type: 'worker-error', because, retryable: false });
    }
    watch(work);
  }

  #order(work: Work, link: WorkerLink, nowMs: number): Order {
    return {
      id: work.id,
      query: work.run.query,
      payment: this.#deps.parties.payout(link.party),
      coefficient: work.coefficient,
      maxTokens: work.run.maxTokens,
      firstByteMs: work.firstByteByMs - nowMs,
      idleMs: work.run.idleMs,
      totalMs: Math.max(1, work.totalByMs - nowMs),
      window: link.version >= 3 ? work.workerCredit : 0,
      debug: work.run.debug,
      evidenceNonce: work.run.evidenceNonce,
    };
  }
}
