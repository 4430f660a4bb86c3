import { type Clock, Rate } from '@bombyx/base';
import { type Multipliers, NO_TOKENS, reservation } from '@bombyx/ledger';
import type { AnswerSink, ClientRequest, RunningRequest } from './api.ts';
import { Bill, type CostDiary } from './bill.ts';
import { Deadlines } from './deadlines.ts';
import { encodeQuery, mostQueryBytes } from './envelope.ts';
import { ClientError, type ClientErrorCode } from './errors.ts';
import { worthAnotherProxy } from './refusal.ts';
import { Run, type RunHost } from './run.ts';
import type { Target } from './target.ts';

/** The proxies as the requests see them. */
interface Proxies {
  /** At least one takes requests. */
  readonly ready: boolean;
  /** Why none does, where one is connected. */
  readonly refusal: ClientError | undefined;
  /** At least one does, or may soon. */
  readonly expected: boolean;
  choose(model: string, tried: ReadonlySet<string>): Target | undefined;
  /** Rejects when none will come any more. */
  whenReady(): Promise<void>;
}

export interface RequestsOptions {
  readonly windowBytes: number;
  readonly maxRunning: number;
  /** Longest wait of a request while no proxy is ready. */
  readonly waitForProxyMs: number;
  /** Requests that may wait so at once. */
  readonly maxWaiting: number;
}

/** What tokens cost at the moment. */
export interface Prices {
  readonly multipliers: Multipliers;
  /** nanoTON. */
  readonly pricePerToken: bigint;
}

export interface RequestsDeps {
  readonly clock: Clock;
  /** 32 random bytes. */
  readonly newRequestId: () => Buffer;
  readonly proxies: Proxies;
  readonly diary?: CostDiary | undefined;
  readonly prices: () => Prices;
  /** Why nothing may be sent at all: the network's rules are not known. */
  readonly refusal: () => ClientError | undefined;
  /** A refusal in words that help: how much to send where. */
  readonly worded: (error: ClientError) => ClientError;
}

/** A request is offered to at most so many proxies. */
const MAX_TRIES = 3;
const MAX_INT = 0x7fff_ffff;

/** All requests under way: admits them, gives them to proxies, watches their time, counts how they end. */
export class Requests implements RunHost, Disposable {
  readonly clock: Clock;
  readonly windowBytes: number;
  readonly rates: { readonly [K in 'queries' | 'success' | 'failed' | 'bytesReceived' | 'bytesSent' | 'time']: Rate };
  readonly errors = new Map<ClientErrorCode, number>();
  readonly #options: RequestsOptions;
  readonly #deps: RequestsDeps;
  readonly #running = new Set<Run>();
  /** Those of them that no proxy has, because none is ready; in their order. */
  readonly #waiting = new Set<Run>();
  #watching = false;
  readonly #deadlines: Deadlines;
  #retried = 0;
  #closed = false;

  constructor(options: RequestsOptions, deps: RequestsDeps) {
    this.clock = deps.clock;
    this.windowBytes = options.windowBytes;
    this.#options = options;
    this.#deps = deps;
    this.#deadlines = new Deadlines(deps.clock);
    const rate = () => new Rate(deps.clock);
    this.rates = {
      queries: rate(),
      success: rate(),
      failed: rate(),
      bytesReceived: rate(),
      bytesSent: rate(),
      time: rate(),
    };
  }

  get running(): number {
    return this.#running.size;
  }

  /** Requests that went on to another proxy. */
  get retried(): number {
    return this.#retried;
  }

  /** See `Client.mostCost`. */
  mostCost(request: ClientRequest): bigint {
    checkNumbers(request);
    return this.#reserved(request, mostQueryBytes(request)) * this.#deps.prices().pricePerToken;
  }

  /** See `Client.run`. */
  start(request: ClientRequest, sink: AnswerSink): RunningRequest {
    this.rates.queries.add(1);
    this.rates.bytesReceived.add(request.body.length);
    const firstId = this.#deps.newRequestId();
    const admitted = this.#admit(request);
    const refused = admitted instanceof ClientError;
    const { query, reserved } = refused ? { query: undefined, reserved: 0n } : admitted;
    const run = new Run(firstId, request, query, reserved, sink, this);
    this.#running.add(run);
    const error = refused ? admitted : this.#place(run);
    if (error === undefined || this.#awaitsProxy(run, error)) this.#deadlines.add(run);
    else queueMicrotask(() => run.fail(this.#worded(error), { stop: false })); // never from inside the call, so that the caller knows its run
    return run;
  }

  /**
   * Never the proxy again that was lost with it, also where it is the only one and soon back: nobody here can know whether
   * it had charged for the request before it died, nor whether the request is what it died of. Callers may ask again.
   */
  tryElsewhere(run: Run): boolean {
    if (run.query === undefined) return false; // it was not admitted
    if (this.#closed || run.tried.size >= MAX_TRIES || this.#place(run) !== undefined) return false;
    this.#retried += 1;
    return true;
  }

  streaming(run: Run): void {
    this.#deadlines.add(run); // idle time may be over earlier than the time for the first byte would have been
  }

  over(run: Run, error?: ClientError): void {
    this.#running.delete(run);
    this.#waiting.delete(run);
    this.#deadlines.delete(run);
    this.rates.bytesSent.add(run.receivedBytes);
    this.rates.time.add((this.clock.monotonicMs() - run.startedAtMs) / 1_000);
    if (error === undefined) this.rates.success.add(1);
    else this.#count(error);
  }

  /** Ends all of them with `CLIENT_CLOSED`, at the proxies too. */
  [Symbol.dispose](): void {
    this.#closed = true;
    for (const run of [...this.#running]) run.fail(closedError(), { stop: true });
    this.#deadlines[Symbol.dispose]();
  }

  /** A caller that left is no failure. */
  #count({ code }: ClientError): void {
    if (code !== 'CLIENT_CANCELLED') this.rates.failed.add(1);
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
  }

  #admit(request: ClientRequest): { query: Buffer; reserved: bigint } | ClientError {
    if (this.#closed) return closedError();
    const refused = this.#deps.refusal();
    if (refused) return refused;
    if (this.#running.size >= this.#options.maxRunning) {
      return new ClientError('CLIENT_OVERLOADED', `${this.#running.size} requests run already`, {
        retryAfterMs: 1_000,
      });
    }
    try {
      checkNumbers(request);
      const query = encodeQuery(request);
      return { query, reserved: this.#reserved(request, query.length) };
    } catch (error) {
      if (error instanceof ClientError) return error;
      throw error;
    }
  }

  #reserved({ maxTokens, maxCoefficient }: ClientRequest, queryBytes: number): bigint {
    return reservation(maxTokens, queryBytes, maxCoefficient, this.#deps.prices().multipliers);
  }

  /** @returns why no proxy has it now */
  #place(run: Run): ClientError | undefined {
    let error: ClientError | undefined;
    for (;;) {
      const target = this.#deps.proxies.choose(run.request.model, run.tried);
      if (target?.session === undefined) return error ?? this.#noProxy();
      const bill = this.#billFor(run);
      if (bill === undefined)
        return error ?? new ClientError('CLIENT_BALANCE', 'the payer does not pay for another try');
      const requestId = run.tried.size === 0 ? run.firstId : this.#deps.newRequestId();
      run.tried.add(target.id);
      try {
        target.session.start(run, requestId, bill);
        return undefined;
      } catch (reason) {
        bill.settle(NO_TOKENS); // it was not sent
        if (!(reason instanceof ClientError)) throw reason;
        if (!worthAnotherProxy(reason)) return reason;
        target.failed();
        error = reason;
      }
    }
  }

  #billFor({ request, reserved }: Run): Bill | undefined {
    const { pricePerToken } = this.#deps.prices();
    return Bill.open({ model: request.model, payer: request.payer, reserved, pricePerToken }, this.#deps.diary);
  }

  /** @returns whether the request waits for a proxy now, instead of failing with `error` */
  #awaitsProxy(run: Run, error: ClientError): boolean {
    const { waitForProxyMs, maxWaiting } = this.#options;
    if (error.code !== 'CLIENT_NO_PROXY' || waitForProxyMs === 0) return false;
    if (this.#waiting.size >= maxWaiting || !this.#deps.proxies.expected) return false;
    run.awaitsProxy(waitForProxyMs, this.#worded(error));
    this.#waiting.add(run);
    this.#watchForProxy();
    return true;
  }

  /** One watch at a time, however many requests come and go meanwhile. */
  #watchForProxy(): void {
    if (this.#watching) return;
    this.#watching = true;
    const over = () => {
      this.#watching = false;
      this.#placeWaiting();
    };
    this.#deps.proxies.whenReady().then(over, ignore); // rejected: the client closes and ends them all
  }

  /** A proxy is ready. Requests for which it is not, or not any more, go on waiting. */
  #placeWaiting(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const run of waiting) {
      const error = this.#running.has(run) ? this.#place(run) : undefined;
      if (error !== undefined && !this.#awaitsProxy(run, error)) run.fail(this.#worded(error), { stop: false });
    }
  }

  #worded(error: ClientError): ClientError {
    return error.code === 'CLIENT_NO_PROXY' ? this.#deps.worded(error) : error;
  }

  #noProxy(): ClientError {
    const { ready, refusal } = this.#deps.proxies;
    if (!ready) return refusal ?? noProxy();
    return new ClientError('CLIENT_OVERLOADED', 'the connections to the proxies are full', { retryAfterMs: 1_000 });
  }
}

/** The wire carries 32 bits; the C++ client cuts larger numbers, so that 4294967297 becomes 1. */
function checkNumbers({ model, maxTokens, maxCoefficient, timeouts }: ClientRequest): void {
  if (model === '' || model.length > 1_024)
    throw new ClientError('CLIENT_BAD_REQUEST', 'the model needs a name of 1 to 1024 characters');
  for (const [name, value] of Object.entries({ max_tokens: maxTokens, max_coefficient: maxCoefficient })) {
    if (!Number.isInteger(value) || value < 0 || value > MAX_INT) {
      throw new ClientError('CLIENT_BAD_REQUEST', `${name} must be a whole number from 0 to ${MAX_INT}`);
    }
  }
  for (const [name, value] of Object.entries(timeouts)) {
    if (!(value >= 1 && value <= MAX_INT))
      throw new ClientError('CLIENT_BAD_REQUEST', `the time limit ${name} must be from 1 to ${MAX_INT} ms`);
  }
}

function ignore(): void {}

function noProxy(): ClientError {
  return new ClientError('CLIENT_NO_PROXY', 'no proxy is ready', { retryAfterMs: 1_000 });
}

function closedError(): ClientError {
  return new ClientError('CLIENT_CLOSED', 'this client is shutting down', { retryAfterMs: 1_000 });
}
