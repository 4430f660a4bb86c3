/** `/v1/responses`: passed through where the model's server has it, else translated to and from a chat. */
import type { AnswerSink, ClientError, ClientRequest, FinalInfo, HeaderList } from '@bombyx/client';
import { asAnswerable, GatewayError } from './errors.ts';
import type { Starter } from './key-client.ts';
import type { AnswerRelay } from './relay.ts';
import { ResponseBuilder } from './responses-answer.ts';
import { chatFromResponses, isObject } from './responses-request.ts';
import { SseReader } from './sse.ts';

const MOST_MODELS = 256;
const MAX_EVENT_BYTES = 4 * 1024 * 1024;

/** Remembers for a while which models' servers lack `/v1/responses`, so that not every request has to find out. */
export class ResponsesSupport {
  readonly #lacking = new Map<string, number>();
  readonly #memoryMs: number;
  readonly #nowMs: () => number;

  /** @param nowMs a clock that never goes back */
  constructor(memoryMs: number, nowMs: () => number) {
    this.#memoryMs = memoryMs;
    this.#nowMs = nowMs;
  }

  lacks(model: string): boolean {
    return (this.#lacking.get(model) ?? 0) > this.#nowMs();
  }

  rememberLack(model: string): void {
    if (this.#lacking.size >= MOST_MODELS) this.#lacking.clear();
    this.#lacking.set(model, this.#nowMs() + this.#memoryMs);
  }
}

export interface ResponsesDeps {
  readonly client: Starter;
  readonly relay: AnswerRelay;
  readonly support: ResponsesSupport;
  readonly nowMs: number;
  readonly maxHeldAnswerBytes: number;
}

/** Sends a request for `/v1/responses`. @throws {GatewayError} when it must be translated and cannot be */
export function startResponses(request: ClientRequest, deps: ResponsesDeps): void {
  if (deps.support.lacks(request.model)) startMapped(request, deps);
  else deps.relay.start(deps.client, request, new FirstTry(request, deps));
}

function startMapped(request: ClientRequest, deps: ResponsesDeps): void {
  const body = JSON.parse(request.body.toString()) as Record<string, unknown>;
  const chat = Buffer.from(JSON.stringify(chatFromResponses(body)));
  const sink = new MappedAnswer(body, () => deps.support.rememberLack(request.model), deps);
  deps.relay.start(deps.client, { ...request, path: '/v1/chat/completions', body: chat }, sink);
}

/** Relays the answer of a server that knows `/v1/responses`; on one that does not, starts over with a chat. */
class FirstTry implements AnswerSink {
  readonly #request: ClientRequest;
  readonly #deps: ResponsesDeps;
  #startedOver = false;
  #hasHead = false;

  constructor(request: ClientRequest, deps: ResponsesDeps) {
    this.#request = request;
    this.#deps = deps;
  }

  head(status: number, reason: string, headers: HeaderList): void {
    if (status === 404 || status === 405 || status === 501) {
      this.#startOver();
      return;
    }
    this.#hasHead = true;
    this.#deps.relay.head(status, reason, headers);
  }

  part(bytes: Buffer): void {
    if (!this.#startedOver) this.#deps.relay.part(bytes);
  }

  end(final: FinalInfo): void {
    if (!this.#startedOver) this.#deps.relay.end(final);
  }

  error(error: ClientError): void {
    if (this.#startedOver) return;
    if (!this.#hasHead && isUnknownPath(error)) this.#startOver();
    else this.#deps.relay.error(error);
  }

  #startOver(): void {
    this.#startedOver = true;
    try {
      startMapped(this.#request, this.#deps);
    } catch (error) {
      this.#deps.relay.error(asAnswerable(error));
    }
  }
}

/** C++ workers refuse every path but two with this text (worker.md §7). */
function isUnknownPath(error: ClientError): boolean {
  return error.code === 'CLIENT_BAD_REQUEST' && error.message.includes('unsupported method');
}

/** Takes the answer to a chat and relays it as a response. Errors of the server pass as they are. */
class MappedAnswer implements AnswerSink {
  readonly #relay: AnswerRelay;
  readonly #builder: ResponseBuilder;
  readonly #streamed: boolean;
  readonly #maxHeldBytes: number;
  readonly #onSuccess: () => void;
  #mode: 'as-is' | 'events' | 'whole' = 'as-is';
  readonly #events = new SseReader(MAX_EVENT_BYTES);
  #held: Buffer[] = [];
  #heldBytes = 0;
  #headers: HeaderList = [];

  /** @param onSuccess hears that chat works where responses did not */
  constructor(request: Record<string, unknown>, onSuccess: () => void, deps: ResponsesDeps) {
    this.#relay = deps.relay;
    this.#builder = new ResponseBuilder(request, deps.nowMs);
    this.#streamed = request.stream === true;
    this.#maxHeldBytes = deps.maxHeldAnswerBytes;
    this.#onSuccess = onSuccess;
  }

  head(status: number, reason: string, headers: HeaderList): void {
    if (status !== 200) {
      this.#relay.head(status, reason, headers);
      return;
    }
    this.#onSuccess();
    const type = headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '';
    this.#headers = headers.filter(([name]) => name.toLowerCase() !== 'content-type');
    this.#mode = type.startsWith('text/event-stream') ? 'events' : 'whole';
    if (this.#streamed) {
      this.#relay.head(200, 'OK', [...this.#headers, ['content-type', 'text/event-stream']]);
      this.#relay.write(Buffer.from(this.#builder.start()), 0);
    }
  }

  part(bytes: Buffer): void {
    switch (this.#mode) {
      case 'as-is':
        this.#relay.part(bytes);
        return;
      case 'events':
        this.#guarded(() => {
          let out = '';
          for (const data of this.#events.push(bytes)) out += this.#take(data);
          this.#relay.write(this.#streamed ? Buffer.from(out) : EMPTY, bytes.length);
        });
        return;
      case 'whole':
        this.#heldBytes += bytes.length;
        if (this.#heldBytes > this.#maxHeldBytes) {
          this.#fail('the answer is too large to be translated; ask for a stream');
          return;
        }
        this.#held.push(bytes);
        this.#relay.write(EMPTY, bytes.length);
    }
  }

  end(final: FinalInfo): void {
    if (this.#mode === 'as-is') {
      this.#relay.end(final);
      return;
    }
    this.#guarded(() => {
      let events = this.#mode === 'whole' ? this.#take(Buffer.concat(this.#held).toString()) : '';
      events += this.#builder.finish();
      if (!this.#streamed) this.#relay.head(200, 'OK', [...this.#headers, ['content-type', 'application/json']]);
      this.#relay.write(Buffer.from(this.#streamed ? events : JSON.stringify(this.#builder.response)), 0);
      this.#relay.end(final);
    });
  }

  error(error: ClientError): void {
    this.#relay.error(error);
  }

  #take(data: string): string {
    if (data.trim() === '[DONE]') return '';
    let chunk: unknown;
    try {
      chunk = JSON.parse(data);
    } catch {
      throw new GatewayError('GATEWAY_BAD_ANSWER', "the model's server answered with something that is not JSON");
    }
    if (!isObject(chunk)) return '';
    if (isObject(chunk.error))
      throw new GatewayError('GATEWAY_BAD_ANSWER', "the model's server failed during its answer");
    return this.#builder.take(chunk);
  }

  #guarded(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#relay.fail(asAnswerable(error));
    }
  }

  #fail(message: string): void {
    this.#relay.fail(new GatewayError('GATEWAY_BAD_ANSWER', message));
  }
}

const EMPTY = Buffer.alloc(0);
