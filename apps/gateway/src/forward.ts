import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock, Logger } from '@bombyx/base';
import type { Client, ClientRequest } from '@bombyx/client';
import type { Access } from './access.ts';
import { BodyCollector, type ByteBudget, overloaded, refuse } from './body.ts';
import { type DebugLog, DebugTail } from './debug.ts';
import { asAnswerable, causeOf, GatewayError } from './errors.ts';
import { requestHeaders } from './headers.ts';
import { type Inference, inferenceOfHeaders, readInference } from './inference.ts';
import { paidBy, type Starter } from './key-client.ts';
import type { Hold, Key, Keys } from './keys.ts';
import type { GatewayMetrics } from './metrics.ts';
import { onlyModel } from './models.ts';
import type { GatewayOptions } from './options.ts';
import { AnswerRelay, type Outcome } from './relay.ts';
import { type ResponsesSupport, startResponses } from './responses.ts';
import { WithoutUsageChunk } from './usage-chunk.ts';

/** Shared by all requests of one gateway. */
export interface ForwardContext {
  readonly options: GatewayOptions;
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly access: Access;
  readonly keys: Keys | undefined;
  readonly metrics: GatewayMetrics;
  readonly support: ResponsesSupport;
  readonly bodies: ByteBudget;
  readonly debugLog: DebugLog;
  /** Requests under way. */
  inFlight: number;
}

/** Metric label of each path; these take POST only and a JSON body with a model. */
const KNOWN: Readonly<Record<string, string>> = {
  '/v1/chat/completions': 'chat',
  '/v1/completions': 'completions',
  '/v1/embeddings': 'embeddings',
  '/v1/responses': 'responses',
};

/** One inference request, from its head to the last byte of its answer. */
export class Exchange {
  readonly #context: ForwardContext;
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #path: string;
  readonly #route: string;
  readonly #startedAt: number;
  readonly #body: BodyCollector;
  #closed = false;
  #counted = false;
  /** Who pays; undefined where no key is needed. */
  #key: Key | undefined;

  /** @param path of `req`, without query */
  constructor(context: ForwardContext, req: IncomingMessage, res: ServerResponse, path: string) {
    this.#context = context;
    this.#req = req;
    this.#res = res;
    this.#path = path;
    this.#route = KNOWN[path] ?? 'other';
    this.#startedAt = context.clock.monotonicMs();
    this.#body = new BodyCollector(context.bodies);
  }

  start(): void {
    const { options, access, keys } = this.#context;
    this.#context.inFlight++;
    this.#res.on('close', () => this.#close());
    try {
      access.checkCaller(this.#req);
      access.addCorsHeaders(this.#req, this.#res);
      const { authorization } = this.#req.headers;
      if (keys?.asks(authorization)) this.#key = keys.authenticate(authorization);
      if (this.#context.inFlight > options.maxConcurrentRequests) throw overloaded();
      checkTarget(this.#req, this.#path);
    } catch (error) {
      this.#refuse(error);
      return;
    }
    this.#body.collect(
      this.#req,
      options.maxBodyBytes,
      (body) => this.#send(body),
      (error) => this.#refuse(error),
    );
  }

  #send(body: Buffer): void {
    try {
      const inference = this.#read(body);
      const model = inference.model ?? this.#modelHeader();
      if (model !== undefined) {
        this.#forward(inference, model);
        return;
      }
      if (this.#route !== 'other') {
        throw new GatewayError('GATEWAY_MISSING_MODEL', "'model' is required", { param: 'model' });
      }
      onlyModel(this.#context.client).then(
        (only) => this.#forward(inference, only),
        (error) => this.#refuse(error),
      );
    } catch (error) {
      this.#refuse(error);
    }
  }

  #read(body: Buffer): Inference {
    const { headers } = this.#req;
    const isJson = this.#route !== 'other' || (body.length > 0 && /\bjson\b/i.test(headers['content-type'] ?? ''));
    const { options } = this.#context;
    return isJson ? readInference(body, this.#path, headers, options) : inferenceOfHeaders(body, headers, options);
  }

  #modelHeader(): string | undefined {
    const name = this.#req.headers['x-bombyx-model'];
    return typeof name === 'string' && name.length > 0 && name.length <= 512 ? name : undefined;
  }

  #forward(inference: Inference, model: string): void {
    if (this.#closed) return;
    const { options } = this.#context;
    const { maxTokens, maxCoefficient, timeouts, enableDebug, body } = inference;
    // a caller that neither reads nor leaves; Node sets this back for the next request of the connection
    this.#req.socket.setTimeout(timeouts.totalMs + options.drainTimeoutMs);
    const request: ClientRequest = {
      model,
      method: this.#req.method ?? 'GET',
      path: this.#req.url ?? this.#path,
      headers: requestHeaders(this.#req),
      body,
      maxTokens,
      maxCoefficient,
      timeouts,
      enableDebug,
    };
    if (this.#key) void this.#pay(this.#key, inference, request);
    else this.#run(inference, request, this.#context.client);
  }

  /** A request of a key runs once it is certain that the key can pay for it. */
  async #pay(key: Key, inference: Inference, request: ClientRequest): Promise<void> {
    const { client } = this.#context;
    const keys = this.#context.keys!; // it is where the key came from
    let hold: Hold | undefined;
    try {
      hold = await keys.hold(key, client.mostCost(request));
      if (!this.#closed) return this.#run(inference, request, paidBy(key, hold, keys, client));
    } catch (error) {
      this.#refuse(error);
    }
    hold?.settle(0n).catch(ignore); // it was not sent
  }

  #run({ enableDebug, requestGuid, hidesUsage }: Inference, request: ClientRequest, client: Starter): void {
    const { clock, support, options, debugLog } = this.#context;
    const keep = (entry: string) => {
      if (requestGuid !== undefined) debugLog.put(requestGuid, entry);
    };
    const relay = new AnswerRelay(this.#res, {
      clock,
      events: this,
      debug: enableDebug ? new DebugTail(() => clock.nowMs(), keep) : undefined,
    });
    if (this.#route !== 'responses') {
      relay.start(client, request, hidesUsage ? new WithoutUsageChunk(relay) : relay);
      return;
    }
    const { maxHeldAnswerBytes } = options;
    startResponses(request, { client, relay, support, nowMs: clock.nowMs(), maxHeldAnswerBytes });
  }

  firstByte(): void {
    this.#context.metrics.firstByte(this.#route, this.#elapsedMs());
  }

  done(outcome: Outcome): void {
    this.#count(outcome.status, outcome.result);
    if (outcome.final) this.#context.metrics.used(outcome.final.tokens);
  }

  #refuse(thrown: unknown): void {
    const error = asAnswerable(thrown);
    if (error.code === 'GATEWAY_INTERNAL') {
      this.#context.log.error('a request failed inside the gateway', { route: this.#route, cause: causeOf(thrown) });
    }
    if (this.#closed || this.#res.headersSent) return;
    this.#count(error.httpStatus, 'refused');
    refuse(this.#req, this.#res, error, this.#context.clock);
  }

  #close(): void {
    this.#closed = true;
    this.#context.inFlight--;
    this.#body.release();
    this.#count(499, 'abandoned');
  }

  #count(status: number, result: string): void {
    if (this.#counted) return;
    this.#counted = true;
    this.#context.log.debug('a request ended', { route: this.#route, status, result });
    this.#context.metrics.ended(this.#route, status, result, this.#elapsedMs());
  }

  #elapsedMs(): number {
    return this.#context.clock.monotonicMs() - this.#startedAt;
  }
}

function ignore(): void {}

/**
 * A path is joined to the inference server's own address further on, so it must not climb out of `/v1/`.
 * @throws {GatewayError} `GATEWAY_UNKNOWN_PATH`, `GATEWAY_METHOD_NOT_ALLOWED`, `GATEWAY_UNSUPPORTED` for a packed body
 */
function checkTarget(req: IncomingMessage, path: string): void {
  const encoding = req.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw new GatewayError('GATEWAY_UNSUPPORTED', 'send the body without content-encoding');
  if (KNOWN[path] !== undefined) {
    if (req.method === 'POST') return;
    throw new GatewayError('GATEWAY_METHOD_NOT_ALLOWED', `${path} takes POST`);
  }
  if (
    !/^\/v1\/(?!\/*$)[\w\-.~:@!$&'()*+,;=%/]*$/.test(path) ||
    /(^|\/|%2f)(\.|%2e){1,2}(\/|%2f|$)|%5c|%00/i.test(path)
  ) {
    throw new GatewayError('GATEWAY_UNKNOWN_PATH', 'this path is not served');
  }
}
