/** One connection to a proxy: its handshake, then the requests, payments and states that travel over it. */
import { randomInt } from 'node:crypto';
import type { Clock, Logger } from '@bombyx/base';
import type { TokensUsed } from '@bombyx/ledger';
import type { RootConfig } from '@bombyx/ton';
import type { Connection, ConnectionHandlers } from '@bombyx/transport';
import { QueryError } from '@bombyx/transport';
import { decodeOf, type Tl, type TlObject, WireError } from '@bombyx/wire';
import { type Answers, BombyxAnswers, ExAnswers, LegacyAnswers } from './answers.ts';
import type { EarningsDiary } from './api.ts';
import type { Coefficients } from './coefficient.ts';
import { invalidRequest, JobError, WorkerError } from './errors.ts';
import { type Agreement, type HandshakeDeps, handshake, type WorkerIdentity } from './handshake.ts';
import type { Job, JobLimits, JobOutcome, JobSpec } from './job.ts';
import { type JobRequest, prepareRequest, type RequestRules } from './request.ts';
import type { Runner } from './runner.ts';

/** The payment status is asked for this often, ms: it also keeps a C++ proxy from taking us for dead. */
const STATUS_EVERY_MS = { from: 10_000, to: 20_000 };
const STATUS_TIMEOUT_MS = 60_000;
/** Below version 3 one time limit serves all hops; each keeps a twentieth for itself. */
const HOP_SHARE = 0.95;

export interface SessionDeps extends Omit<HandshakeDeps, 'root' | 'coefficient' | 'onCompleting'> {
  /** The newest. A session keeps the one it began with: parameters are part of every address. */
  readonly root: () => RootConfig;
  readonly identity: WorkerIdentity;
  readonly rules: Omit<RequestRules, 'maxTokens'>;
  readonly coefficients: Coefficients;
  readonly runner: Runner;
  readonly diary?: EarningsDiary | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

type RunMessage = Tl<'proxy.runQuery'> | Tl<'proxy.runQueryEx'> | Tl<'bombyx.runJob'>;

export class Session implements ConnectionHandlers {
  readonly connection: Connection;
  readonly #deps: SessionDeps;
  readonly #log: Logger;
  readonly #root: RootConfig;
  readonly #jobs = new Map<string, Job>();
  #agreed: Agreement | undefined;
  #ready = false;
  #saidDisabled = false;
  readonly #send = (answer: TlObject): boolean => this.connection.send(answer);
  readonly #drained = (): Promise<void> => this.connection.drained();
  #cancelStatus: (() => void) | undefined;

  constructor(connection: Connection, deps: SessionDeps) {
    this.connection = connection;
    this.#deps = deps;
    this.#log = deps.log.child({ connection: connection.id });
    this.#root = deps.root();
    connection.signal.addEventListener('abort', () => this.#lost(), { once: true });
  }

  /** The handshake is complete and the connection stands. */
  get ready(): boolean {
    return this.#ready && !this.connection.signal.aborted;
  }
  get agreed(): Agreement | undefined {
    return this.#agreed;
  }
  get activeJobs(): number {
    return this.#jobs.size;
  }

  /** @throws what {@link handshake} throws */
  async open(): Promise<void> {
    const agreed = await handshake(this.connection, this.#deps.identity, {
      root: this.#root,
      memory: this.#deps.memory,
      isDisabled: this.#deps.isDisabled,
      coefficient: () => this.#deps.coefficients.current,
      onCompleting: (agreement) => {
        this.#agreed = agreement;
        this.#saidDisabled = agreement.saidDisabled;
      },
    });
    if (this.#deps.root().version !== this.#root.version) {
      throw new WorkerError('WORKER_HANDSHAKE', 'the root contract has changed meanwhile');
    }
    if (agreed.lostTokens > 0n) {
      this.#log.warn('the proxy has lost tokens it had stated', { tokens: agreed.lostTokens });
    }
    this.#ready = true;
    this.#log.info('ready', { proxy: agreed.proxyContract, version: agreed.version });
    this.tellState();
    this.#scheduleStatus();
  }

  /** Tells the proxy whether work is wanted, if that is not what it knows. */
  tellState(): void {
    const disabled = this.#deps.isDisabled();
    if (!this.ready || disabled === this.#saidDisabled) return;
    this.#saidDisabled = disabled;
    this.connection.send({ kind: 'worker.enabledDisabled', disabled: disabled ? 1 : 0 });
  }

  tellCoefficient(coefficient: number): void {
    if (this.ready) this.connection.send({ kind: 'worker.newCoefficient', new_coefficient: coefficient });
  }

  /** Throwing ends the connection, which is what a proxy deserves that breaks the protocol. */
  onMessage(message: TlObject): void {
    // Requests may overtake the answer to our last handshake query.
    const agreed = this.#agreed;
    if (agreed === undefined) {
      throw new WorkerError('WORKER_HANDSHAKE', `${message.kind} before the handshake`);
    }
    switch (message.kind) {
      case 'proxy.runQuery':
      case 'proxy.runQueryEx':
      case 'bombyx.runJob':
        this.#run(message, agreed);
        return;
      case 'bombyx.cancel':
        this.#jobs.get(keyOf(message.request_id))?.cancel(new JobError('JOB_CANCELLED', 'the request was cancelled'));
        return;
      case 'bombyx.window':
        if (message.bytes <= 0) throw new WorkerError('WORKER_HANDSHAKE', 'a window grant must be positive');
        this.#jobs.get(keyOf(message.request_id))?.grant(message.bytes);
        return;
      case 'proxy.workerRequestPayment':
        agreed.account.demand(message.signed_payment);
        agreed.account.demandTotals(message.db_tokens, message.max_tokens);
        return;
      case 'proxy.signedPayment':
      case 'proxy.signedPaymentEmpty':
        agreed.account.offer(message);
        return;
      default:
        this.#log.debug('dropped a message', { kind: message.kind });
    }
  }

  /** A worker serves no queries. */
  onQuery(): Promise<TlObject> {
    return Promise.reject(new QueryError(0, 'Lost promise'));
  }

  #run(message: RunMessage, agreed: Agreement): void {
    const id = Buffer.from(message.request_id); // the frame it came in is not ours to keep
    const key = keyOf(id);
    if (this.#jobs.has(key)) throw new WorkerError('WORKER_HANDSHAKE', 'two requests with one id');
    agreed.account.offer(message.signed_payment);
    const road = {
      answers: this.#answersFor(message, id, agreed.version),
      drained: this.#drained,
      onEnd: ({ tokens }: JobOutcome) => {
        this.#jobs.delete(key);
        this.#earned(tokens, agreed.proxyContract);
      },
    };
    const job = this.#deps.runner.run(() => this.#prepare(message), road, message.query.length);
    if (job === undefined) return;
    this.#jobs.set(key, job);
    job.start();
  }

  #earned(tokens: TokensUsed, proxyContract: string): void {
    const { diary, rules } = this.#deps;
    if (tokens.total === 0n) return;
    const nanoTon = tokens.total * this.#root.workerFeePerToken;
    diary?.add({ model: rules.model, party: proxyContract, tokens, nanoTon });
  }

  /** @throws {JobError} */
  #prepare(message: RunMessage): JobSpec {
    const { coefficients, rules } = this.#deps;
    if (!coefficients.accepts(message.coefficient)) {
      const text = `the price ${message.coefficient} is not this worker's, which is ${coefficients.current}`;
      throw new JobError('JOB_COEFFICIENT', `worker: ${text}`);
    }
    const { maxTokens, limits, window } = termsOf(message);
    return {
      request: prepareRequest(readRequest(message.query), { ...rules, maxTokens }),
      limits,
      window,
      coefficient: Number(message.coefficient),
      multipliers: this.#root.multipliers,
    };
  }

  #answersFor(message: RunMessage, id: Buffer, version: number): Answers {
    const send = this.#send;
    if (message.kind === 'proxy.runQuery') return new LegacyAnswers(id, send);
    const debug = (message.flags & 1) !== 0 && message.enable_debug === true;
    return message.kind === 'bombyx.runJob'
      ? new BombyxAnswers(id, send, debug)
      : new ExAnswers(id, send, debug, version);
  }

  #scheduleStatus(): void {
    const delayMs = randomInt(STATUS_EVERY_MS.from, STATUS_EVERY_MS.to + 1);
    this.#cancelStatus = this.#deps.clock.after(delayMs, () => {
      this.#askStatus().catch((error: unknown) => {
        this.#log.warn('no payment status', { cause: error instanceof Error ? error.message : String(error) });
        this.connection.close('no payment status');
      });
    });
  }

  async #askStatus(): Promise<void> {
    const { signal } = this.connection;
    const status = await this.connection.query(
      { kind: 'worker.updatePaymentStatus' },
      { timeoutMs: STATUS_TIMEOUT_MS, signal },
    );
    if (status.kind !== 'worker.paymentStatus') {
      throw new WorkerError('WORKER_HANDSHAKE', `expected worker.paymentStatus, the proxy answered ${status.kind}`);
    }
    const account = this.#agreed?.account;
    account?.offer(status.signed_payment);
    account?.offerTotals(status.db_tokens, status.max_tokens);
    if (!signal.aborted) this.#scheduleStatus();
  }

  /** Nobody will read the answers: the inference server stops at once. */
  #lost(): void {
    this.#cancelStatus?.();
    for (const job of this.#jobs.values()) job.abandon(new JobError('JOB_CANCELLED', 'the proxy connection was lost'));
    this.#jobs.clear();
  }
}

function keyOf(requestId: Buffer): string {
  return requestId.toString('latin1');
}

function readRequest(query: Buffer): JobRequest {
  try {
    return decodeOf('http.request', query);
  } catch (error) {
    if (error instanceof WireError) throw invalidRequest(error.message);
    throw error;
  }
}

/** @throws {JobError} `JOB_INVALID` for a limit no request can keep */
function termsOf(message: RunMessage): { limits: JobLimits; window: number; maxTokens: number | undefined } {
  if (message.kind !== 'bombyx.runJob') {
    const totalMs = positive('timeout', message.timeout * 1_000 * HOP_SHARE);
    return { limits: { firstByteMs: Infinity, idleMs: Infinity, totalMs }, window: Infinity, maxTokens: undefined };
  }
  if (message.max_tokens < 0) throw invalidRequest('max_tokens must be non-negative');
  if (message.window < 0) throw invalidRequest('window must be non-negative');
  const limits = {
    firstByteMs: positive('first_byte_timeout_ms', message.first_byte_timeout_ms),
    idleMs: positive('idle_timeout_ms', message.idle_timeout_ms),
    totalMs: positive('total_timeout_ms', message.total_timeout_ms),
  };
  return { limits, window: message.window, maxTokens: message.max_tokens };
}

function positive(name: string, value: number): number {
  if (!(value > 0)) throw invalidRequest(`${name} must be positive`); // NaN, too
  return value;
}
