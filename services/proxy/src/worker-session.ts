/** A connection on the worker port: handshake, then answers. Source: proxy.md §5 of the reference. */
import { createHash } from 'node:crypto';
import type { Failure } from '@bombyx/attest';
import {
  type Connection,
  type ConnectionHandlers,
  type PeerIdentity,
  QueryError,
  reconsider,
  standingFaults,
} from '@bombyx/transport';
import type { Tl, TlFunction, TlObject } from '@bombyx/wire';
import { COEFFICIENT_END, WORKER_PROTOCOL_VERSION } from './limits.ts';
import type { Party } from './parties.ts';
import {
  chooseVersion,
  INVALID,
  NOT_PARTICIPATING,
  NOT_READY,
  proxyParams,
  REFUSED,
  Session,
  type SessionDeps,
} from './session.ts';
import { readAnswer } from './worker-dialect.ts';
import { WorkerLink, WorkerPool } from './worker-pool.ts';

interface Known {
  readonly party: Party;
  readonly version: number;
  readonly params: Tl<'worker.params'>;
}

type State =
  | { readonly at: 'none' | 'failed' }
  | ({ readonly at: 'compare' | 'compare-ext' | 'finishing' } & Known)
  | { readonly at: 'ok'; readonly link: WorkerLink };

/** C++ workers drop a request that arrives right behind the answer to the handshake. */
const OLD_WORKER_PAUSE_MS = 50;

export function workerSession(connection: Connection, deps: SessionDeps): ConnectionHandlers {
  return new WorkerSession(connection, deps);
}

class WorkerSession extends Session {
  protected readonly peer = 'worker';
  #state: State = { at: 'none' };

  protected get ready(): boolean {
    return this.#state.at === 'ok';
  }

  protected get running(): number {
    return this.#state.at === 'ok' ? this.#state.link.running : 0;
  }

  onMessage(message: TlObject): void {
    if (this.#state.at !== 'ok') return;
    const { link } = this.#state;
    const answer = readAnswer(message);
    if (answer) return void this.deps.dispatcher.answer(link, answer);
    switch (message.kind) {
      case 'worker.enabledDisabled':
        link.enabled = message.disabled === 0;
        return void this.deps.dispatcher.offer(link.model);
      case 'worker.newCoefficient':
        return void this.#price(link, message.new_coefficient);
      default:
        this.deps.log.debug('ignored a message of a worker', { kind: message.kind });
    }
  }

  async onQuery(fn: TlFunction): Promise<TlObject> {
    switch (fn.kind) {
      case 'worker.connectToProxy':
        return this.#connect(fn.params);
      case 'worker.compareBalanceWithProxy':
        return this.#compare(fn);
      case 'worker.extendedCompareBalanceWithProxy':
        return this.#compareExtended(fn);
      case 'worker.proxyHandshakeComplete':
        return this.#complete(fn.is_disabled);
      case 'worker.updatePaymentStatus':
        return this.#paymentStatus();
      case 'client.connectToProxy':
        throw new QueryError(INVALID, 'client connect() from non client');
      case 'client.updatePaymentStatus':
        throw new QueryError(INVALID, 'client request from non client');
      case 'client.getWorkerTypes':
      case 'client.getWorkerTypesV2':
        throw new QueryError(INVALID, 'expected client connection');
      default:
        throw new QueryError(0, 'Lost promise');
    }
  }

  #connect(params: Tl<'worker.params'>): TlObject {
    if (this.#state.at !== 'none') throw this.#unexpected();
    const { self, limits } = this.deps;
    const { imageHash } = this.connection.peer;
    if (self.checkWorkerHashes && !self.root.workerHashes.some((hash) => hash.equals(imageHash))) {
      throw this.refuse(INVALID, `invalid worker image hash ${imageHash.toString('hex')}`);
    }
    const { attested } = this.connection.peer;
    if (attested?.model !== undefined && attested.model !== params.model) {
      throw this.refuse(INVALID, 'the model is not the one that the evidence of the worker names');
    }
    if ((params.flags & 1) === 0) throw this.refuse(REFUSED, 'too old worker');
    if (params.is_test !== self.isTest) throw this.refuse(REFUSED, 'test mode mismatch');
    const base = WorkerPool.baseName(params.model);
    if (base === '' || base.length > limits.modelName) throw this.refuse(INVALID, 'invalid worker hash or worker type');
    if (params.coefficient < 0 || params.coefficient >= COEFFICIENT_END) {
      throw this.refuse(INVALID, 'invalid coefficient value');
    }
    if ((params.max_active_requests ?? 0) < 1) throw this.refuse(INVALID, 'invalid max_active_requests value');
    if ((params.proxy_cnt ?? 0) < 1) throw this.refuse(INVALID, 'invalid proxy_cnt value');
    if (self.checkWorkerHashes && !this.#listed(params.model)) {
      throw this.refuse(INVALID, `invalid worker model '${params.model.slice(0, limits.modelName)}'`);
    }
    const version = chooseVersion(params, WORKER_PROTOCOL_VERSION);
    if (version === undefined) throw this.refuse(INVALID, 'cannot choose common protocol version');
    const party = this.party(params.worker_owner_address);
    if (!self.enabled) throw this.refuse(NOT_READY, NOT_PARTICIPATING);
    this.#state = { at: 'compare', party, version, params };
    return {
      kind: 'worker.connectedToProxy',
      params: proxyParams(self, version),
      worker_sc_address: party.contract,
    };
  }

  #listed(model: string): boolean {
    const hash = createHash('sha256').update(model).digest();
    return this.deps.self.root.modelHashes.some((listed) => listed.equals(hash));
  }

  /**
   * The worker says what it remembers. A claim above our books is no proof of anything: it is noted, never believed, and
   * the handshake goes on. The C++ worker aborts if we agree (0) with a lower maximum, so a higher claim is answered 1.
   */
  #compare(fn: Tl<'worker.compareBalanceWithProxy'>): TlObject {
    if (this.#state.at !== 'compare') throw this.#unexpected();
    const { parties, log } = this.deps;
    const { party } = this.#state;
    const { chain, db, max } = parties.earned(party);
    if (fn.tokens_committed_to_blockchain > chain || fn.tokens_committed_to_db > db) {
      log.warn('a worker remembers more committed tokens than we do: was the database rolled back?', {
        worker: party.owner,
        claimed: fn.tokens_committed_to_db,
        ours: db,
      });
    }
    const agreed = fn.max_tokens <= max;
    this.#state = { ...this.#state, at: agreed ? 'finishing' : 'compare-ext' };
    return {
      kind: 'worker.compareBalanceWithProxyResult',
      signed_payment: parties.payout(party, true),
      tokens_committed_to_db: db,
      max_tokens: max,
      error_code: agreed ? 0 : 1,
    };
  }

  /** What a worker knew beyond our books was never durable here and is lost to both; it may work on. */
  #compareExtended(fn: Tl<'worker.extendedCompareBalanceWithProxy'>): TlObject {
    if (this.#state.at !== 'compare-ext') throw this.#unexpected();
    const { log } = this.deps;
    log.warn('a worker counts more than our books', { worker: this.#state.party.owner, db: fn.tokens_committed_to_db });
    this.#state = { ...this.#state, at: 'finishing' };
    return { kind: 'worker.extendedCompareBalanceWithProxyResult', error_code: 0 };
  }

  #complete(isDisabled: boolean): TlObject {
    if (this.#state.at !== 'finishing') throw this.#unexpected();
    const { party, version, params } = this.#state;
    const { self, pool, dispatcher, clock, log, limits, modelSeen } = this.deps;
    const name = WorkerPool.baseName(params.model);
    const known = pool.model(name) !== undefined;
    const link = new WorkerLink({
      connection: this.connection,
      party,
      model: pool.claim(name),
      modelText: params.model,
      version,
      limit: Math.min(limits.workerSlots, Math.ceil((params.max_active_requests ?? 1) / (params.proxy_cnt ?? 1))),
      coefficient: params.coefficient,
      enabled: !isDisabled,
      clock,
    });
    this.#state = { at: 'ok', link };
    if (!known) modelSeen();
    self.refusedWorker = undefined;
    const join = () => {
      if (this.connection.signal.aborted) return;
      pool.add(link);
      dispatcher.offer(link.model);
    };
    // The answer to this query must leave before the first request does.
    if (version >= 3) setImmediate(join);
    else clock.after(OLD_WORKER_PAUSE_MS, join);
    log.info('a worker is ready', { connection: this.connection.id, model: name, version, limit: link.limit });
    return { kind: 'worker.proxyHandshakeCompleted' };
  }

  #paymentStatus(): TlObject {
    if (this.#state.at !== 'ok') throw new QueryError(INVALID, 'worker request from non-ready connection');
    const { parties } = this.deps;
    const { party } = this.#state.link;
    const { db, max } = parties.earned(party);
    return { kind: 'worker.paymentStatus', signed_payment: parties.payout(party), db_tokens: db, max_tokens: max };
  }

  #price(link: WorkerLink, coefficient: number): void {
    if (coefficient < 0 || coefficient >= COEFFICIENT_END) return void this.connection.close('bad coefficient value');
    link.coefficient = coefficient;
    this.deps.dispatcher.offer(link.model);
  }

  /** A worker whose image or model the network has withdrawn is left at once; what it was working on fails or moves on. */
  override reconsider(): void {
    reconsider([this.connection], (peer) => this.#faults(peer), this.deps.log);
  }

  #faults(peer: PeerIdentity): readonly Failure[] {
    const { self, workerPolicy } = this.deps;
    if (!self.checkWorkerHashes) return standingFaults(peer, 'worker', workerPolicy, 'any');
    const faults = standingFaults(peer, 'worker', workerPolicy, self.root.workerHashes);
    const model = this.#state.at === 'ok' ? this.#state.link.modelText : undefined;
    if (model === undefined || this.#listed(model)) return faults;
    return [...faults, { code: 'ROOT_MODEL', message: 'the root contract lists the model no more' }];
  }

  /** A handshake query at the wrong time. */
  #unexpected(): QueryError {
    const { at } = this.#state;
    if (at === 'ok') return this.refuse(0, 'connection is already ready');
    if (at === 'failed') return this.refuse(0, 'connection is already closing');
    return this.refuse(0, 'Wrong constructor found');
  }

  protected gone(): void {
    const state = this.#state;
    this.#state = { at: 'failed' };
    if (state.at !== 'ok') return;
    this.deps.pool.remove(state.link);
    this.deps.dispatcher.workerClosed(state.link);
  }
}
