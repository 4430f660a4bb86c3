/** A connection on the client port: handshake, then requests. Source: proxy.md §4 of the reference. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { type Connection, type ConnectionHandlers, QueryError } from '@bombyx/transport';
import type { Tl, TlFunction, TlObject } from '@bombyx/wire';
import { ClientLink } from './client-link.ts';
import { CLIENT_PROTOCOL_VERSION } from './limits.ts';
import type { Party } from './parties.ts';
import { workerProofs } from './proofs.ts';
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
import { keyOf } from './worker-dialect.ts';
import type { WorkerPool } from './worker-pool.ts';

type State =
  | { readonly at: 'none' }
  | {
      readonly at: 'auth';
      readonly party: Party;
      readonly version: number;
      readonly secretHash: Buffer | undefined;
      /** What a client without secret has to register. */
      readonly nonce: bigint | undefined;
    }
  | { readonly at: 'ok'; readonly link: ClientLink }
  | { readonly at: 'failed' };

/** SHA-256 of nothing: the secret of who has none. Anybody knows it, so it proves nothing. */
export const EMPTY_SECRET_HASH: Buffer = createHash('sha256').digest();
const NO_PAYMENT: Tl<'proxy.signedPaymentEmpty'> = { kind: 'proxy.signedPaymentEmpty' };

export function clientSession(connection: Connection, deps: SessionDeps): ConnectionHandlers {
  return new ClientSession(connection, deps);
}

class ClientSession extends Session {
  protected readonly peer = 'client';
  #state: State = { at: 'none' };

  protected get ready(): boolean {
    return this.#state.at === 'ok';
  }

  protected get running(): number {
    return this.#state.at === 'ok' ? this.#state.link.works.size : 0;
  }

  onMessage(message: TlObject): void {
    if (this.#state.at !== 'ok') return;
    const { link } = this.#state;
    const { dispatcher } = this.deps;
    switch (message.kind) {
      case 'bombyx.runQuery':
      case 'client.runQuery':
      case 'client.runQueryEx':
        return void dispatcher.submit(link, message);
      case 'bombyx.window':
        return void dispatcher.window(link, keyOf(message.request_id), message.bytes);
      case 'bombyx.cancel':
        return void dispatcher.cancel(link, keyOf(message.request_id));
      default:
        this.deps.log.debug('ignored a message of a client', { kind: message.kind });
    }
  }

  async onQuery(fn: TlFunction): Promise<TlObject> {
    switch (fn.kind) {
      case 'client.connectToProxy':
        return this.#connect(fn);
      case 'client.authorizeWithProxyShort':
      case 'client.authorizeWithProxyLong':
        return this.#authorize(fn);
      case 'client.updatePaymentStatus':
        return this.#paymentStatus();
      case 'client.getWorkerTypes':
        this.#link('expected client connection');
        return workerTypes(this.deps.pool);
      case 'client.getWorkerTypesV2':
        this.#link('expected client connection');
        return workerTypesV2(this.deps.pool);
      case 'bombyx.getWorkerProofs':
        this.#link('expected client connection');
        return workerProofs(this.deps.pool.links(), fn.evidence);
      case 'worker.connectToProxy':
        throw new QueryError(INVALID, 'worker connect() from non worker');
      case 'worker.updatePaymentStatus':
        throw new QueryError(INVALID, 'worker request from non worker');
      default:
        throw new QueryError(0, 'Lost promise');
    }
  }

  #connect(fn: Tl<'client.connectToProxy'>): TlObject {
    if (this.#state.at !== 'none') throw this.#unexpected();
    const { self, parties, registrations, credentials } = this.deps;
    const { params } = fn;
    if ((params.flags & 1) === 0) throw this.refuse(REFUSED, 'tool old client'); // sic: the text C++ clients know
    if (params.is_test !== self.isTest) throw this.refuse(REFUSED, 'test mode mismatch');
    const party = this.party(params.client_owner_address);
    if (fn.min_config_version > self.root.version) throw this.refuse(REFUSED, 'active config version is too low');
    const version = chooseVersion(params, CLIENT_PROTOCOL_VERSION);
    if (version === undefined) throw this.refuse(INVALID, 'cannot choose common protocol version');
    if (!self.enabled) throw this.refuse(NOT_READY, NOT_PARTICIPATING);
    const secretHash = credentials.secretHash(party.owner);
    const nonce = credentials.open ? undefined : registrations.open(party.owner);
    if (!credentials.open && nonce === undefined) throw this.refuse(NOT_READY, 'too many registrations are waited for');
    this.#state = { at: 'auth', party, version, secretHash, nonce };
    return {
      kind: 'client.connectedToProxy',
      params: proxyParams(self, version),
      client_sc_address: party.contract,
      auth: secretHash
        ? { kind: 'client.proxyConnectionAuthShort', secret_hash: secretHash, nonce: nonce ?? 0n }
        : { kind: 'client.proxyConnectionAuthLong', nonce: nonce ?? 0n },
      signed_payment: party.payments.last ? parties.charge(party) : NO_PAYMENT,
    };
  }

  async #authorize(
    fn: Tl<'client.authorizeWithProxyShort'> | Tl<'client.authorizeWithProxyLong'>,
  ): Promise<Tl<'client.authorizationWithProxySuccess'>> {
    if (this.#state.at !== 'auth') throw this.#unexpected();
    const { party, version, secretHash, nonce } = this.#state;
    if (fn.kind === 'client.authorizeWithProxyShort') {
      if (!this.#knows(fn.data, secretHash)) throw this.refuse(0, 'sha256 mismatch');
    } else if (!this.deps.credentials.open) await this.#registered(nonce ?? 0n);
    if (nonce !== undefined) this.deps.registrations.close(nonce);
    // While it was held the connection may have ended or been refused.
    if (this.#state.at !== 'auth' || this.connection.signal.aborted) throw new QueryError(0, 'Lost promise');
    const { dispatcher, parties, log } = this.deps;
    const link = new ClientLink({ connection: this.connection, party, version }, (it) => dispatcher.clientResumed(it));
    this.#state = { at: 'ok', link };
    log.info('a client is ready', { connection: this.connection.id, version });
    const { db, max } = parties.used(party);
    return {
      kind: 'client.authorizationWithProxySuccess',
      signed_payment: parties.charge(party, true),
      tokens_committed_to_db: db,
      max_tokens: max,
    };
  }

  #knows(secret: Buffer, secretHash: Buffer | undefined): boolean {
    if (!secretHash) return false;
    // Outside play networks the empty secret is refused: its hash is public.
    if (!this.deps.credentials.open && secretHash.equals(EMPTY_SECRET_HASH)) return false;
    return timingSafeEqual(createHash('sha256').update(secret).digest(), secretHash);
  }

  async #registered(nonce: bigint): Promise<void> {
    const seen = await this.deps.registrations.wait(nonce);
    if (seen === 'duplicate') throw this.refuse(0, 'duplicate auth message');
    if (!seen) throw this.refuse(0, 'Lost promise');
  }

  #paymentStatus(): TlObject {
    const { party } = this.#link('client request from non-ready connection');
    const { parties } = this.deps;
    const { db, max } = parties.used(party);
    return { kind: 'client.paymentStatus', signed_payment: parties.charge(party), db_tokens: db, max_tokens: max };
  }

  #link(otherwise: string): ClientLink {
    if (this.#state.at !== 'ok') throw new QueryError(INVALID, otherwise);
    return this.#state.link;
  }

  /** A handshake query at the wrong time. */
  #unexpected(): QueryError {
    const texts = {
      none: 'Wrong constructor found',
      auth: 'expected auth message',
      ok: 'already authorized',
      failed: 'connection is closing',
    } as const;
    return this.refuse(0, texts[this.#state.at]);
  }

  protected gone(): void {
    const state = this.#state;
    this.#state = { at: 'failed' };
    if (state.at === 'auth' && state.nonce !== undefined) this.deps.registrations.close(state.nonce);
    if (state.at === 'ok') this.deps.dispatcher.clientClosed(state.link);
  }
}

/** One entry per base model; enabled workers only, cheapest first. */
function workerTypesV2(pool: WorkerPool): Tl<'client.workerTypesV2'> {
  const types = Array.from(pool.models(), ({ name, links }) => ({
    kind: 'client.workerTypeV2' as const,
    name,
    workers: links
      .filter(({ enabled }) => enabled)
      .sort((a, b) => a.coefficient - b.coefficient)
      .map(({ coefficient, running, limit }) => ({
        kind: 'client.workerInstanceV2' as const,
        flags: 0,
        coefficient,
        active_requests: running,
        max_active_requests: limit,
      })),
  }));
  return { kind: 'client.workerTypesV2', types };
}

/** The list of version 0, with the sentinel that C++ proxies mix into the prices. */
function workerTypes(pool: WorkerPool): Tl<'client.workerTypes'> {
  const types = Array.from(pool.models(), ({ name, links }) => {
    const prices = [...links.map(({ coefficient }) => coefficient), 0x7fff_ffff].sort((a, b) => a - b);
    return {
      kind: 'client.workerType' as const,
      name,
      active_workers: links.length,
      coefficient_min: prices[0]!,
      coefficient_bucket50: prices[Math.floor(prices.length / 2)]!,
      coefficient_max: 0x7fff_ffff,
    };
  });
  return { kind: 'client.workerTypes', types };
}
