/** Requests as a plain HTTP caller makes them: what the packages hide is what these tests look at. */
import { MODEL } from './network.ts';

/** Whom to ask: a network, or a gateway alone. */
export interface Asked {
  readonly baseUrl: string;
}

/** What a caller reads: fields of an answer, or the error object. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly error: { readonly message: string; readonly type: string; readonly code: string } | undefined;
  readonly body: Record<string, unknown>;
}

/** A chat request whose orders the backend obeys. */
export function chat(
  orders: string,
  fields: object = {},
): { model: string; messages: [{ role: 'user'; content: string }] } {
  return { model: MODEL, messages: [{ role: 'user', content: `[[${orders}]]` }], ...fields };
}

export function post(
  { baseUrl }: Asked,
  body: object | string,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Response> {
  return fetch(`${baseUrl}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    signal: signal ?? null,
  });
}

/** The whole answer, which has to be JSON. */
export async function ask(network: Asked, body: object | string, headers?: Record<string, string>): Promise<Reply> {
  const response = await post(network, body, headers);
  const json = (await response.json()) as Record<string, unknown>;
  return { status: response.status, headers: response.headers, error: json['error'] as Reply['error'], body: json };
}

/** A streamed answer, event by event. */
export interface EventStream {
  readonly status: number;
  /** The `data:` of the next event, or undefined at the end. */
  next(): Promise<string | undefined>;
  /** All that is left. */
  rest(): Promise<string[]>;
  /** The caller leaves. */
  leave(): void;
}

export async function stream(
  network: Asked,
  orders: string,
  fields: object = {},
  headers: Record<string, string> = {},
): Promise<EventStream> {
  const left = new AbortController();
  const response = await post(network, chat(orders, { stream: true, ...fields }), headers, left.signal);
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const next = async (): Promise<string | undefined> => {
    for (;;) {
      const end = text.indexOf('\n\n');
      if (end >= 0) {
        const event = text.slice(0, end);
        text = text.slice(end + 2);
        if (event.startsWith('data: ')) return event.slice('data: '.length);
        continue;
      }
      const { done, value } = await reader.read();
      if (done) return undefined;
      text += value;
    }
  };
  return {
    status: response.status,
    next,
    async rest() {
      const events: string[] = [];
      for (let event = await next(); event !== undefined; event = await next()) events.push(event);
      return events;
    },
    leave: () => left.abort(),
  };
}

/** The error object in an event. */
export function errorIn(event: string | undefined): { readonly code: string; readonly message: string } | undefined {
  return event?.startsWith('{"error"')
    ? (JSON.parse(event) as { error: { code: string; message: string } }).error
    : undefined;
}
