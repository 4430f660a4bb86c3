/**
 * The path of a request: admitted, queued or given to a worker, its answer relayed, its end held until it is charged.
 * `job.ts` says in which order, `placement.ts` which worker; this file does it.
 */
import type { Clock, Logger } from '@bombyx/base';
import type { Admit } from './admit.ts';
import { type RunMessage, readRun } from './client-dialect.ts';
import type { ClientLink } from './client-link.ts';
import { type Failure, failure } from './errors.ts';
import { type Action, type JobEvent, step } from './job.ts';
import type { ProxyLimits } from './limits.ts';
import type { Parties } from './parties.ts';
import { Placement } from './placement.ts';
import { Relay } from './relay.ts';
import type { Rules } from './session.ts';
import { type Cashier, judge, priceOf } from './settle.ts';
import type { Stats } from './stats.ts';
import { Teller } from './teller.ts';
import { Wheel } from './wheel.ts';
import type { Work } from './work.ts';
import { readResponse, type WorkerAnswer } from './worker-dialect.ts';
import type { Model, WorkerLink } from './worker-pool.ts';

export interface DispatcherDeps {
  readonly admit: Admit;
  readonly cashier: Cashier;
  readonly rules: Rules;
  readonly parties: Parties;
  readonly stats: Stats;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly clock: Clock;
  readonly log: Logger;
}

const SLOT_MS = 20;
const SLOTS = 512;
/** Most bytes of an HTTP head, and of a body that travels with it. */
const MAX_HEAD = 1 << 20;

export class Dispatcher {
  readonly #limits: ProxyLimits;
  readonly #deps: DispatcherDeps;
  readonly #teller: Teller;
  readonly #relay: Relay;
  readonly #placement: Placement;
  readonly #wheel: Wheel<Work>;
  readonly #works = new Set<Work>();
  #refusing: Failure | undefined;
  #ignoredAnswers = 0;

  constructor(limits: ProxyLimits, deps: DispatcherDeps) {
    this.#limits = limits;
    this.#deps = deps;
    this.#teller = new Teller(deps);
    this.#relay = new Relay(limits);
    this.#placement = new Placement(limits, {
      ...deps,
      relay: this.#relay,
      apply: (work, event) => this.#apply(work, event),
      watch: (work) => this.#watch(work),
    });
    this.#wheel = new Wheel<Work>({ slotMs: SLOT_MS, slots: SLOTS }, (work, nowMs) => this.#due(work, nowMs), deps);
  }

  /** Requests queued and running. */
  get size(): number {
    return this.#works.size;
  }

  get bufferedBytes(): number {
    return this.#relay.bufferedBytes;
  }

  /** Answers to requests nobody waits for. */
  get ignoredAnswers(): number {
    return this.#ignoredAnswers;
  }

  works(): Iterable<Work> {
    return this.#works;
  }

  /** New requests fail with `because` from now on; undefined lets them in again. */
  refuse(because: Failure | undefined): void {
    this.#refusing = because;
  }

  /** Ends everything under way; resolves when all is settled, at the latest when the grace for counts is over. */
  async stop(because: Failure): Promise<void> {
    this.refuse(because);
    for (const work of [...this.#works]) this.#apply(work, { type: 'expired', because });
    const { clock } = this.#deps;
    const untilMs = clock.monotonicMs() + this.#limits.countGraceMs + 20 * SLOT_MS;
    while (this.#works.size > 0 && clock.monotonicMs() < untilMs) {
      await new Promise<void>((resolve) => clock.after(SLOT_MS, resolve));
    }
    this.#wheel.close();
  }

  // --- from clients

  submit(client: ClientLink, message: RunMessage): void {
    const { stats, admit } = this.#deps;
    stats.add('queries', 1);
    stats.add('bytes_received', message.query.length);
    const check = readRun(message, this.#limits);
    if (!check.ok) return void this.#teller.reject(client, message.request_id, check.because);
    const full = this.#works.size >= this.#limits.requests;
    const because = this.#refusing ?? (full ? failure('queue_full', 'the proxy is full') : undefined);
    if (because) return void this.#teller.reject(client, message.request_id, because);
    const admission = admit.admit(client, check.run);
    if (!admission.ok) return void this.#teller.reject(client, message.request_id, admission.because);
    const { work } = admission;
    this.#works.add(work);
    client.works.set(work.run.key, work);
    client.party.running += 1;
    this.#placement.place(work);
  }

  /** The client does not want the answer any more; it still hears what it is billed. */
  cancel(client: ClientLink, key: string): void {
    const work = client.works.get(key);
    if (!work) return;
    work.cancelled = true;
    this.#apply(work, { type: 'client-gone', because: failure('cancelled', 'cancelled by the client') });
  }

  /** The client takes `bytes` more of an answer. Not positive ones are ignored: a grant cannot be taken back. */
  window(client: ClientLink, key: string, bytes: number): void {
    const work = client.works.get(key);
    if (!work || bytes <= 0 || work.run.window === undefined) return;
    work.clientCredit = Math.min(work.clientCredit + bytes, 0x7fff_ffff);
    this.#pump(work);
  }

  clientClosed(client: ClientLink): void {
    const because = failure('cancelled', 'the client connection is gone');
    for (const work of [...client.works.values()]) {
      work.cancelled = true;
      this.#apply(work, { type: 'client-gone', because });
    }
  }

  /** The client's connection takes bytes again. */
  clientResumed(client: ClientLink): void {
    for (const work of [...client.works.values()]) {
      if (client.blocked) return;
      this.#pump(work);
    }
  }

  // --- from workers

  /** A worker came, or has places, or changed its mind or its price. */
  offer(model: Model): void {
    this.#placement.offer(model);
  }

  /** Once in a while: places that came free by time alone, as a failed worker's second chance. */
  tick(models: Iterable<Model>): void {
    for (const model of models) if (model.queue.size > 0) this.offer(model);
  }

  workerClosed(link: WorkerLink): void {
    const because = failure('worker_lost', 'the worker was lost');
    for (const work of [...link.works.values()]) this.#apply(work, { type: 'worker-lost', because });
    link.works.clear();
    link.ghosts.clear();
  }

  answer(link: WorkerLink, answer: WorkerAnswer): void {
    const work = link.works.get(answer.key);
    if (!work) {
      this.#ignoredAnswers += 1;
      if ((answer.type === 'error' || answer.final) && link.ghosts.delete(answer.key)) this.offer(link.model);
      return;
    }
    const nowMs = this.#deps.clock.monotonicMs();
    work.lastActivityMs = nowMs;
    if (answer.final && judge(answer.final.tokens, work.held) === undefined) {
      return void this.#broke(work, 'a negative number of tokens');
    }
    switch (answer.type) {
      case 'head':
        return void this.#head(work, link, answer, nowMs);
      case 'part':
        return void this.#part(work, answer);
      case 'error':
        work.final = answer.final;
        this.#workerEnded(work, answer.blame ? false : undefined);
        return void this.#apply(work, { type: 'worker-error', because: answer.because, retryable: answer.retryable });
    }
  }

  #head(work: Work, link: WorkerLink, answer: Extract<WorkerAnswer, { type: 'head' }>, nowMs: number): void {
    if (work.headReceived) return void this.#broke(work, 'out of order answer parts');
    const response = readResponse(answer.bytes);
    if (!response) return void this.#broke(work, 'the first answer is not an http.response');
    work.headReceived = true;
    work.servedBy = link.servedBy;
    work.answerStartSec = this.#deps.clock.nowMs() / 1_000;
    link.track.firstByte(nowMs - work.assignedMs, nowMs);
    work.workerOk = response.status_code < 500;
    work.workerCredit -= response.payload.length;
    if (work.workerCredit < 0) return void this.#broke(work, 'more bytes than its window allows');
    const last = answer.final !== undefined;
    if (last) this.#end(work, answer.final!);
    if (work.job.state !== 'waiting') {
      if (last) this.#apply(work, { type: 'part', last }); // stopped meanwhile: only the count matters
      return;
    }
    if (answer.bytes.length - response.payload.length > MAX_HEAD)
      return void this.#broke(work, 'a head of more than 1 MiB');
    const whole = response.payload.length <= Math.min(work.clientCredit, MAX_HEAD);
    const bare = whole ? response : { ...response, payload: Buffer.alloc(0) };
    const bytes = this.#teller.dressed(work, bare, whole ? answer.bytes : undefined);
    if (last && whole) {
      work.receivedBytes += response.payload.length;
      work.heldEnd = { kind: 'head', bytes };
      return void this.#apply(work, { type: 'head', last });
    }
    this.#apply(work, { type: 'head', last: false });
    this.#relay.head(work, bytes, bare.payload);
    if (whole) work.receivedBytes += response.payload.length;
    else this.#take(work, response.payload);
  }

  #part(work: Work, answer: Extract<WorkerAnswer, { type: 'part' }>): void {
    if (!work.headReceived) return void this.#broke(work, 'out of order answer parts');
    work.workerCredit -= answer.bytes.length;
    if (work.workerCredit < 0) return void this.#broke(work, 'more bytes than its window allows');
    if (answer.final) this.#end(work, answer.final);
    if (work.job.state === 'streaming') return void this.#take(work, answer.bytes);
    work.receivedBytes += answer.bytes.length;
    this.#apply(work, { type: 'part', last: work.workerDone });
  }

  /** Bytes of a running answer: on to the client, or kept until it takes them. */
  #take(work: Work, bytes: Buffer): void {
    if (this.#relay.push(work, bytes)) {
      if (work.backlog.length > 0 || work.workerCredit < work.clientCredit) this.#pump(work);
      return;
    }
    this.#apply(work, { type: 'expired', because: failure('slow_reader', 'the answer was read too slowly') });
  }

  #pump(work: Work): void {
    if (work.job.state !== 'streaming' && work.job.state !== 'waiting') return;
    if (this.#relay.pump(work)) return void this.#apply(work, { type: 'part', last: true });
    const { link } = work;
    if (!link || work.workerDone || work.workerCredit === Number.POSITIVE_INFINITY) return;
    const bytes = this.#relay.grant(work);
    if (bytes === 0) return;
    work.lastActivityMs = this.#deps.clock.monotonicMs();
    link.connection.send({ kind: 'bombyx.window', request_id: work.id, bytes });
    this.#watch(work);
  }

  /** The worker is through with it. */
  #end(work: Work, final: NonNullable<WorkerAnswer['final']>): void {
    work.final = final;
    work.answerEndSec = this.#deps.clock.nowMs() / 1_000;
    this.#workerEnded(work, work.workerOk);
  }

  #broke(work: Work, what: string): void {
    this.#deps.log.warn('a worker broke the protocol', { worker: work.link?.id, what });
    this.#verdict(work, false);
    this.#apply(work, { type: 'worker-broke', because: failure('worker_protocol', `the worker failed: ${what}`) });
  }

  // --- doing what the job says

  #apply(work: Work, event: JobEvent): void {
    const before = work.job;
    const { job, actions, because } = step(before, event);
    work.job = job;
    for (const action of actions) this.#act(work, action, because);
  }

  #act(work: Work, action: Action, because: Failure | undefined): void {
    switch (action) {
      case 'relay':
        return void this.#watch(work);
      case 'retry':
        return void this.#placement.retry(work, because!);
      case 'cancel':
        return void this.#cancelWorker(work);
      case 'charge':
        return void this.#charge(work);
      case 'finish':
        return void this.#finish(work);
      case 'fail':
        return void this.#teller.fail(work, because!);
      case 'release':
        return void this.#release(work);
    }
  }

  #cancelWorker(work: Work): void {
    this.#relay.drop(work);
    const { link } = work;
    if (link && !work.workerDone && link.version >= 3) {
      link.connection.send({ kind: 'bombyx.cancel', request_id: work.id });
    }
    if (work.job.state !== 'stopping') return;
    if (work.workerDone) return void this.#apply(work, { type: 'part', last: true });
    const nowMs = this.#deps.clock.monotonicMs();
    // A worker that cannot be stopped counts to the end of its answer; so long its place stays taken.
    const patient = link !== undefined && link.version < 3 && work.cancelled;
    work.stopByMs = patient ? Math.max(nowMs, work.totalByMs) : nowMs + this.#limits.countGraceMs;
    this.#watch(work);
  }

  #charge(work: Work): void {
    const { link } = work;
    const because = work.job.state === 'settling' ? work.job.because : undefined;
    const tokens = priceOf(work, because !== undefined, this.#deps.rules.root.multipliers);
    if (because) this.#relay.drop(work);
    if (!link || tokens.total === 0n) return void this.#apply(work, { type: 'charged' });
    this.#deps.cashier.charge({ id: work.id, client: work.client.party, worker: link.party, tokens }).then(
      () => {
        work.billed = tokens;
        this.#apply(work, { type: 'charged' });
      },
      (error: unknown) => {
        this.#deps.log.error('a charge failed', { reason: error instanceof Error ? error.message : String(error) });
        const told = failure('accounting_unavailable', 'the proxy could not record the charge');
        this.#apply(work, { type: 'charge-failed', because: told });
      },
    );
  }

  #finish(work: Work): void {
    if (!work.client.gone) this.#relay.ended(work, work.receivedBytes - work.deliveredBytes); // the end that was held
    this.#teller.finish(work);
  }

  #release(work: Work): void {
    this.#wheel.delete(work);
    this.#works.delete(work);
    this.#relay.drop(work);
    work.client.works.delete(work.run.key);
    const { party } = work.client;
    party.running -= 1;
    party.instance.accounts.release(work.key);
    work.model.queue.remove(party.owner, work);
    this.#placement.leave(work);
  }

  /** The worker has a place again, though the end of its answer may still be under way to the client. */
  #workerEnded(work: Work, ok: boolean | undefined): void {
    work.workerDone = true;
    if (ok !== undefined) this.#verdict(work, ok);
    this.#placement.leave(work);
  }

  #verdict(work: Work, ok: boolean): void {
    const nowMs = this.#deps.clock.monotonicMs();
    work.link?.finished(ok, nowMs, nowMs - work.assignedMs);
  }

  #due(work: Work, nowMs: number): void {
    if (nowMs < work.nextDueMs()) return void this.#watch(work);
    switch (work.job.state) {
      case 'stopping':
        return void this.#apply(work, { type: 'count-missing' });
      case 'queued':
        work.model.queue.remove(work.client.party.owner, work);
        break;
      case 'waiting':
      case 'streaming':
        if (work.workerMaySend) this.#verdict(work, false);
        break;
      default:
        return;
    }
    this.#apply(work, { type: 'expired', because: work.overdue(nowMs) });
  }

  #watch(work: Work): void {
    const dueAtMs = work.nextDueMs();
    const sooner = dueAtMs < work.dueAtMs || work.dueAtMs === 0;
    work.dueAtMs = dueAtMs;
    // A later moment is noticed when the earlier one comes; only a sooner one has to be told.
    if (sooner || !this.#wheel.has(work)) this.#wheel.set(work);
  }
}
