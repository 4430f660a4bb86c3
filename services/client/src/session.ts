import type { Clock, Logger } from '@bombyx/base';
import { NO_TOKENS } from '@bombyx/ledger';
import { type Connection, TransportError } from '@bombyx/transport';
import type { Tl, TlObject } from '@bombyx/wire';
import { type Answer, readAnswer } from './answers.ts';
import type { TokensUsed } from './api.ts';
import type { Bill } from './bill.ts';
import { ClientError } from './errors.ts';
import type { Keeper } from './money/keeper.ts';
import { OwedBills } from './owed-bills.ts';
import type { PaymentBook, PaymentClaim } from './payments.ts';
import type { Carrier, Run } from './run.ts';
import { type Tier, tierOf } from './tier.ts';
import type { UsageAudit } from './usage-audit.ts';

/** What outlives a connection: the account at one proxy contract. */
export interface Account {
  readonly proxyContract: string;
  readonly clientContract: string;
  /** 32 bytes. */
  readonly proxyPublicKey: Buffer;
  readonly book: PaymentBook;
  readonly audit: UsageAudit;
  /** What becomes of it on the chain; absent without TON. */
  readonly keeper: Keeper | undefined;
}

export interface SessionDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** In [0, 1). */
  readonly random: () => number;
  readonly minConfigVersion: () => number;
  readonly windowBytes: number;
  /** A request left with an error. */
  readonly failed: (error: ClientError, run: Run) => void;
  /** The same refusal in words that help: how much to send where. */
  readonly worded: (error: ClientError) => ClientError;
}

/** The payment status is asked for after 10…20 s each time; this also keeps one-way streams alive (wire.md §6.3). */
const PAYMENT_PERIOD_MS = 10_000;
const PAYMENT_TIMEOUT_MS = 60_000;

/** The share of its total time that a part gives to the next one, as the C++ programs do at each hop… */
const HOP_SHARE = 0.95;
/** …but no more than this is kept back from our own: their own timeout, with what was used, should come before ours. */
const MAX_HOP_MARGIN_MS = 500;

/**
 * A ready proxy: sends requests in the form its protocol version has, routes answers to them, follows the account.
 * Ends with its connection, and its requests with it.
 */
export class Session implements Carrier {
  readonly connection: Connection;
  readonly account: Account;
  readonly protoVersion: number;
  readonly #deps: SessionDeps;
  readonly #running = new Map<string, { readonly run: Run; readonly bill: Bill }>();
  readonly #owed: OwedBills;
  #stopPayments: () => void = () => {};
  #ended = false;

  constructor(connection: Connection, protoVersion: number, account: Account, deps: SessionDeps) {
    this.connection = connection;
    this.protoVersion = protoVersion;
    this.account = account;
    this.#deps = deps;
    this.#owed = new OwedBills(deps.clock);
    this.#planPayments();
  }

  get flowControl(): boolean {
    return this.protoVersion >= 3;
  }

  get tier(): Tier {
    return tierOf(this.connection.peer.attestation);
  }

  get running(): number {
    return this.#running.size;
  }

  /** Why it takes no further request, though it is connected. */
  get refusal(): ClientError | undefined {
    return this.account.keeper?.refusal;
  }

  get ended(): boolean {
    return this.#ended || this.connection.signal.aborted;
  }

  /**
   * Sends a request.
   * @param requestId 32 bytes, not used before
   * @param bill what it costs here; stays the caller's when this throws
   * @throws {ClientError} `CLIENT_PROXY_LOST` when the connection does not take it, `CLIENT_TOO_LARGE`; then it does not run here
   */
  start(run: Run, requestId: Buffer, bill: Bill): void {
    const key = requestId.toString('hex');
    const { audit } = this.account;
    audit.started(key, run.reserved); // first: it is durable that so much may be used
    try {
      this.connection.send(this.#message(run, requestId));
    } catch (cause) {
      audit.withdrawn(key);
      if (!(cause instanceof TransportError)) throw cause;
      throw new ClientError('CLIENT_TOO_LARGE', 'the request does not fit into a packet', { cause });
    }
    if (this.ended) {
      audit.withdrawn(key);
      throw lost(this.connection.signal.reason); // before or by sending
    }
    this.#running.set(key, { run, bill });
    run.placed(this, key);
  }

  grant(requestId: string, bytes: number): void {
    this.connection.send({ kind: 'bombyx.window', request_id: Buffer.from(requestId, 'hex'), bytes });
  }

  release(
    requestId: string,
    end: { readonly tokens?: TokensUsed; readonly stop: boolean; readonly error?: ClientError },
  ): void {
    const placed = this.#running.get(requestId);
    if (placed === undefined) return;
    const { run, bill } = placed;
    this.#running.delete(requestId);
    this.account.audit.finished(requestId, end.tokens);
    if (end.stop && this.flowControl)
      this.connection.send({ kind: 'bombyx.cancel', request_id: Buffer.from(requestId, 'hex') });
    if (end.error) this.#deps.failed(end.error, run);
    if (end.tokens || this.ended) bill.settle(end.tokens);
    else if (!end.stop && !run.hasHead)
      bill.settle(NO_TOKENS); // a C++ proxy refuses without numbers
    else this.#owed.add(requestId, bill, this.flowControl ? 0 : run.remainingMs()); // older proxies go on to the end
  }

  /** Takes any message of the proxy. What it does not know, or what belongs to no running request, is ignored. */
  receive(message: TlObject): void {
    const answer = readAnswer(message);
    if (answer !== undefined) {
      const requestId = answer.requestId.toString('hex');
      const placed = this.#running.get(requestId);
      if (placed) placed.run.receive(this.#worded(answer));
      else if (answer.final) this.#owed.settle(requestId, answer.final.tokens);
      return;
    }
    if (message.kind === 'proxy.clientRequestPayment') {
      const requestId = message.request_id.toString('hex');
      this.account.audit.billed(requestId, message.request_tokens);
      this.#owed.settle(requestId, { ...NO_TOKENS, total: message.request_tokens });
      this.learn({
        signed_payment: message.signed_payment,
        dbTokens: message.db_tokens,
        maxTokens: message.max_tokens,
      });
    } else if (message.kind === 'proxy.signedPayment') {
      this.learn({ signed_payment: message });
    } else {
      this.#deps.log.debug('message ignored', { kind: message.kind });
    }
  }

  learn(claim: PaymentClaim): void {
    const fault = this.account.book.learn(claim);
    if (fault !== undefined)
      this.#deps.log.warn('signed payment refused', { fault, proxy: this.account.proxyContract });
    if (claim.maxTokens !== undefined) this.account.audit.total(claim.maxTokens);
    this.account.keeper?.claimed();
  }

  /** The connection is over: every request ends at once, or goes to another proxy. */
  end(cause: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopPayments();
    const error = lost(cause);
    for (const { run } of [...this.#running.values()]) run.fail(error, { stop: false });
    this.#owed[Symbol.dispose]();
  }

  #worded(answer: Answer): Answer {
    return answer.type === 'error' ? { ...answer, error: this.#deps.worded(answer.error) } : answer;
  }

  #message(run: Run, requestId: Buffer): Tl<'bombyx.runQuery'> | Tl<'client.runQueryEx'> | Tl<'client.runQuery'> {
    const { request } = run;
    const common = {
      model_name: request.model,
      query: run.query ?? Buffer.alloc(0),
      max_coefficient: request.maxCoefficient,
      max_tokens: request.maxTokens,
      request_id: requestId,
      min_config_version: this.#deps.minConfigVersion(),
    };
    if (this.protoVersion >= 3) {
      return {
        kind: 'bombyx.runQuery',
        ...common,
        first_byte_timeout_ms: forNextHop(Math.min(request.timeouts.firstByteMs, run.remainingMs())),
        idle_timeout_ms: forNextHop(request.timeouts.idleMs),
        total_timeout_ms: forNextHop(run.remainingMs()),
        window: this.#deps.windowBytes,
        flags: 1,
        enable_debug: request.enableDebug,
      };
    }
    const timeout = (run.remainingMs() * HOP_SHARE) / 1_000;
    if (this.protoVersion === 0) return { kind: 'client.runQuery', ...common, timeout };
    return { kind: 'client.runQueryEx', ...common, timeout, flags: 1, enable_debug: request.enableDebug };
  }

  #planPayments(): void {
    const delayMs = PAYMENT_PERIOD_MS * (1 + this.#deps.random());
    this.#stopPayments = this.#deps.clock.after(delayMs, () => void this.#askPayments());
  }

  async #askPayments(): Promise<void> {
    try {
      const status = await this.connection.query(
        { kind: 'client.updatePaymentStatus' },
        { timeoutMs: PAYMENT_TIMEOUT_MS },
      );
      if (status.kind === 'client.paymentStatus') {
        this.learn({ signed_payment: status.signed_payment, dbTokens: status.db_tokens, maxTokens: status.max_tokens });
      }
    } catch (error) {
      this.#deps.log.debug('payment status not received', { reason: error instanceof Error ? error.name : 'unknown' });
    }
    if (!this.ended) this.#planPayments();
  }
}

/** Milliseconds, at least 1. */
function forNextHop(ms: number): number {
  return Math.max(1, Math.round(Math.max(ms * HOP_SHARE, ms - MAX_HOP_MARGIN_MS)));
}

function lost(cause: unknown): ClientError {
  return new ClientError('CLIENT_PROXY_LOST', 'the connection to the proxy ended', { cause });
}
