/** An engine on a free port and what the suites ask of it. */
import { silentLogger, systemClock } from '@bombyx/base';
import { type Engine, type EngineOptions, startEngine } from '../src/index.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // The suites look into answers of many shapes; assertions judge what they find.
  // biome-ignore lint/suspicious/noExplicitAny: parsed JSON under test
  readonly json: any;
}

export interface Started extends AsyncDisposable {
  readonly engine: Engine;
  readonly url: string;
  get(path: string): Promise<Answer>;
  post(path: string, body: unknown, signal?: AbortSignal): Promise<Answer>;
  /** Chat with one user message; `fields` are added. */
  chat(text: string, fields?: object): Promise<Answer>;
  /** The events of a streamed answer, parsed, up to and without [DONE]. @throws if that is missing */
  // biome-ignore lint/suspicious/noExplicitAny: parsed JSON under test
  events(path: string, body: object): Promise<any[]>;
}

export const MODEL = 'bombyx-tiny';
/** Bias that forbids the end marker: the answer goes on until a bound stops it. */
export const ENDLESS = { logit_bias: { 2: -100 } };

export function say(content: unknown): object {
  return { model: MODEL, messages: [{ role: 'user', content }] };
}

export async function started(options: EngineOptions = {}): Promise<Started> {
  const engine = await startEngine(options, { clock: systemClock, log: silentLogger });
  const url = `http://127.0.0.1:${engine.port}`;
  const read = async (response: Response): Promise<Answer> => ({
    status: response.status,
    headers: response.headers,
    json: await response.json(),
  });
  const send = (path: string, body: unknown, signal?: AbortSignal) =>
    fetch(url + path, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      signal: signal ?? null,
    });
  return {
    engine,
    url,
    get: async (path) => read(await fetch(url + path)),
    post: async (path, body, signal) => read(await send(path, body, signal)),
    chat: async (text, fields = {}) => read(await send('/v1/chat/completions', { ...say(text), ...fields })),
    async events(path, body) {
      const response = await send(path, { ...body, stream: true });
      const events = (await response.text()).split('\n\n');
      if (events.pop() !== '' || events.pop() !== 'data: [DONE]')
        throw new Error('the stream does not end with [DONE]');
      return events.map((event) => JSON.parse(event.replace(/^data: /, '')));
    },
    [Symbol.asyncDispose]: () => engine.close(),
  };
}

/** Asks again until `holds`, a few seconds at most; for effects that arrive by message or by socket. */
export async function eventually(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    if (await holds()) return;
    await new Promise((done) => setTimeout(done, 10));
  }
  throw new Error(`never happened: ${what}`);
}
