/** Callers of all kinds, and what each of them was given: to be compared with what was billed. */
import { setTimeout as sleep } from 'node:timers/promises';

/** How one request ended, as its caller saw it. */
export type Outcome =
  /** Whole, with its usage. */
  | { readonly kind: 'answered'; readonly prompt: number; readonly completion: number }
  /** Begun, or perhaps begun, and without an end: it may be billed once, or not at all. */
  | { readonly kind: 'cut'; readonly why: string }
  /** Refused for what it was: it must not be billed. */
  | { readonly kind: 'refused'; readonly status: number; readonly code: string };

export type Kind = 'stream' | 'whole' | 'embedding' | 'left' | 'bad';

/** Tokens of an answer at most. */
const MAX_TOKENS = 96;
const LEFT_MAX_TOKENS = 300;
/** Adjusted tokens one request can be billed for: the longest prompt here and the most that is answered. */
export const MOST_TOKENS = 160 + LEFT_MAX_TOKENS;
/** What is refused comes fast. */
const REFUSED_PAUSE_MS = 500;
const WORDS = ['fox', 'river', 'cloud', 'moth', 'stone', 'lamp', 'winter', 'garden'];

const below = (count: number) => Math.floor(Math.random() * count);

export class Traffic {
  readonly outcomes: Outcome[] = [];
  /** What each key was given whole, adjusted tokens. */
  readonly answeredByKey = new Map<string, number>();
  readonly #baseUrl: string;

  constructor(baseUrl: string) {
    this.#baseUrl = baseUrl;
  }

  /** Requests of one caller, one after the other, until `signal` aborts. @param kinds drawn from, evenly */
  async call(key: string, kinds: readonly Kind[], signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const outcome = await this.ask(key, kinds[below(kinds.length)]!);
      if (outcome.kind !== 'answered') await sleep(outcome.kind === 'refused' ? REFUSED_PAUSE_MS : 100);
    }
  }

  async ask(key: string, kind: Kind): Promise<Outcome> {
    const outcome = await this.#outcomeOf(key, kind);
    this.outcomes.push(outcome);
    if (outcome.kind === 'answered') {
      this.answeredByKey.set(key, (this.answeredByKey.get(key) ?? 0) + outcome.prompt + outcome.completion);
    }
    return outcome;
  }

  count(kind: Outcome['kind']): number {
    return this.outcomes.filter((outcome) => outcome.kind === kind).length;
  }

  async #outcomeOf(key: string, kind: Kind): Promise<Outcome> {
    const leaving = new AbortController();
    try {
      const path = kind === 'embedding' ? 'embeddings' : 'chat/completions';
      const response = await fetch(`${this.#baseUrl}/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
        body: JSON.stringify(bodyOf(kind)),
        signal: leaving.signal,
      });
      if (!response.ok) return refusal(response.status, await response.text());
      if (kind === 'stream' || kind === 'left')
        return await readStream(response, kind === 'left' ? leaving : undefined);
      const { usage } = (await response.json()) as { usage: WireUsage };
      return answered(usage);
    } catch (error) {
      return { kind: 'cut', why: (error as Error).message };
    }
  }
}

interface WireUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens?: number;
}

const answered = ({ prompt_tokens: prompt, completion_tokens: completion = 0 }: WireUsage): Outcome => ({
  kind: 'answered',
  prompt,
  completion,
});

/** Different lengths, so that two answers of the same size are rare and each can be found in the bill. */
function bodyOf(kind: Kind): object {
  const text = Array.from({ length: 1 + below(30) }, () => WORDS[below(WORDS.length)]).join(' ');
  if (kind === 'embedding') return { model: 'bombyx-tiny', input: text };
  const asked = { model: 'bombyx-tiny', messages: [{ role: 'user', content: `Tell me a story about a ${text}.` }] };
  switch (kind) {
    case 'stream':
      return { ...asked, max_tokens: 1 + below(MAX_TOKENS), stream: true, stream_options: { include_usage: true } };
    case 'left':
      return { ...asked, max_tokens: LEFT_MAX_TOKENS, stream: true, stream_options: { include_usage: true } };
    case 'bad':
      return [
        { ...asked, temperature: 'hot' },
        { model: 'no-such-model', messages: [] },
        { ...asked, max_tokens: -1 },
      ][below(3)]!;
    case 'whole':
      return { ...asked, max_tokens: 1 + below(MAX_TOKENS) };
  }
}

/** An answer of the 5xx kind may stand for one whose proxy was lost behind its last byte. */
function refusal(status: number, text: string): Outcome {
  const { error } = JSON.parse(text) as { error: { code: string } };
  if (status >= 500) return { kind: 'cut', why: error.code };
  return { kind: 'refused', status, code: error.code };
}

/** @param leaving what ends it after a few events */
async function readStream(response: Response, leaving: AbortController | undefined): Promise<Outcome> {
  let left = 1 + below(20);
  let usage: WireUsage | undefined;
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const data = text.slice(0, end).replace(/^data: /, '');
      text = text.slice(end + 2);
      if (data === '[DONE]') return usage ? answered(usage) : { kind: 'cut', why: 'no usage' };
      const event = JSON.parse(data) as { usage?: WireUsage | null; error?: { code: string } };
      if (event.error) return { kind: 'cut', why: event.error.code };
      usage = event.usage ?? usage;
      left -= 1;
      if (left === 0 && leaving) {
        leaving.abort();
        return { kind: 'cut', why: 'left' };
      }
    }
  }
  return { kind: 'cut', why: 'no end' };
}
