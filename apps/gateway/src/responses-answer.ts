/** A chat completion told as a response: the object, and the events by which it grows. Source: OpenAI Responses API. */
import { randomBytes } from 'node:crypto';
import { isObject } from './responses-request.ts';
import { sseEvent } from './sse.ts';

type Json = Record<string, unknown>;

/** An output item while it is being written. `text` is what its deltas add up to. */
interface OpenItem {
  readonly kind: 'reasoning' | 'message' | 'call';
  readonly index: number;
  readonly item: Json;
  /** Which of the chat's tool calls this is. */
  readonly call: number;
  text: string;
}

/**
 * Takes the chunks of a chat completion (or a whole one, which is a single chunk) and builds the response. Every method
 * returns the events that its step adds, as text; who does not stream ignores them.
 */
export class ResponseBuilder {
  readonly #response: Json;
  readonly #output: Json[] = [];
  #open: OpenItem | undefined;
  #sequence = 0;
  #finishReason: unknown;

  /** @param request body of the request, whose settings the response repeats */
  constructor(request: Json, nowMs: number) {
    this.#response = {
      id: newId('resp'),
      object: 'response',
      created_at: Math.floor(nowMs / 1000),
      status: 'in_progress',
      background: false,
      error: null,
      incomplete_details: null,
      instructions: request.instructions ?? null,
      max_output_tokens: request.max_output_tokens ?? null,
      metadata: request.metadata ?? {},
      model: request.model,
      output: this.#output,
      parallel_tool_calls: request.parallel_tool_calls ?? true,
      previous_response_id: null,
      reasoning: request.reasoning ?? { effort: null, summary: null },
      store: false,
      temperature: request.temperature ?? null,
      text: request.text ?? { format: { type: 'text' } },
      tool_choice: request.tool_choice ?? 'auto',
      tools: request.tools ?? [],
      top_p: request.top_p ?? null,
      truncation: 'disabled',
      usage: null,
    };
  }

  /** The response as far as it is known; complete after {@link finish}. */
  get response(): Json {
    return this.#response;
  }

  start(): string {
    return (
      this.#event('response.created', { response: this.#response }) +
      this.#event('response.in_progress', { response: this.#response })
    );
  }

  /** @param chunk of kind `chat.completion.chunk` or `chat.completion`; what it lacks is skipped */
  take(chunk: Json): string {
    if (isObject(chunk.usage)) this.#response.usage = usage(chunk.usage);
    const choice = Array.isArray(chunk.choices) ? chunk.choices[0] : undefined;
    if (!isObject(choice)) return '';
    if (choice.finish_reason) this.#finishReason = choice.finish_reason;
    const delta = choice.delta ?? choice.message;
    if (!isObject(delta)) return '';
    let events = '';
    const thought = delta.reasoning_content ?? delta.reasoning; // vLLM has had both names
    if (typeof thought === 'string' && thought !== '') events += this.#text('reasoning', thought);
    if (typeof delta.content === 'string' && delta.content !== '') events += this.#text('message', delta.content);
    if (Array.isArray(delta.tool_calls)) {
      for (const [position, call] of delta.tool_calls.entries())
        if (isObject(call)) events += this.#call(call, position);
    }
    return events;
  }

  finish(): string {
    let events = this.#close();
    const reason = INCOMPLETE[String(this.#finishReason)];
    this.#response.status = reason ? 'incomplete' : 'completed';
    if (reason) this.#response.incomplete_details = { reason };
    events += this.#event(reason ? 'response.incomplete' : 'response.completed', { response: this.#response });
    return events;
  }

  #text(kind: 'reasoning' | 'message', delta: string): string {
    let events = '';
    if (this.#open?.kind !== kind) {
      events += this.#close();
      const item =
        kind === 'message'
          ? { id: newId('msg'), type: 'message', status: 'in_progress', role: 'assistant', content: [] }
          : { id: newId('rs'), type: 'reasoning', status: 'in_progress', summary: [], content: [] };
      events += this.#add(kind, item, -1);
      events += this.#event('response.content_part.added', {
        ...this.#place(),
        content_index: 0,
        part: contentPart(kind, ''),
      });
    }
    (this.#open as OpenItem).text += delta;
    const type = kind === 'message' ? 'response.output_text.delta' : 'response.reasoning_text.delta';
    return (
      events +
      this.#event(type, { ...this.#place(), content_index: 0, delta, ...(kind === 'message' ? { logprobs: [] } : {}) })
    );
  }

  /** Chunks of a stream number their calls; a whole message does not. */
  #call(call: Json, position: number): string {
    const index = typeof call.index === 'number' ? call.index : position;
    const fn = isObject(call.function) ? call.function : {};
    let events = '';
    if (this.#open?.kind !== 'call' || this.#open.call !== index) {
      events += this.#close();
      const item = {
        id: newId('fc'),
        type: 'function_call',
        status: 'in_progress',
        call_id: call.id ?? newId('call'),
        name: fn.name,
        arguments: '',
      };
      events += this.#add('call', item, index);
    }
    if (typeof fn.arguments !== 'string' || fn.arguments === '') return events;
    (this.#open as OpenItem).text += fn.arguments;
    return events + this.#event('response.function_call_arguments.delta', { ...this.#place(), delta: fn.arguments });
  }

  #add(kind: OpenItem['kind'], item: Json, call: number): string {
    this.#open = { kind, index: this.#output.length, item, call, text: '' };
    this.#output.push(item);
    return this.#event('response.output_item.added', { output_index: this.#open.index, item });
  }

  #close(): string {
    const open = this.#open;
    if (!open) return '';
    const place = this.#place();
    const { kind, item, text } = open;
    let events = '';
    item.status = 'completed';
    if (kind === 'call') {
      item.arguments = text;
      events += this.#event('response.function_call_arguments.done', { ...place, name: item.name, arguments: text });
    } else {
      const part = contentPart(kind, text);
      item.content = [part];
      const type = kind === 'message' ? 'response.output_text.done' : 'response.reasoning_text.done';
      events += this.#event(type, {
        ...place,
        content_index: 0,
        text,
        ...(kind === 'message' ? { logprobs: [] } : {}),
      });
      events += this.#event('response.content_part.done', { ...place, content_index: 0, part });
    }
    events += this.#event('response.output_item.done', { output_index: open.index, item });
    this.#open = undefined;
    return events;
  }

  #place(): Json {
    return { item_id: this.#open?.item.id, output_index: this.#open?.index };
  }

  #event(type: string, data: Json): string {
    return sseEvent(type, { type, sequence_number: this.#sequence++, ...data });
  }
}

/** Why a chat ended early, in the words of the Responses API. */
const INCOMPLETE: Readonly<Record<string, string>> = { length: 'max_output_tokens', content_filter: 'content_filter' };

function contentPart(kind: 'reasoning' | 'message', text: string): Json {
  return kind === 'message'
    ? { type: 'output_text', text, annotations: [], logprobs: [] }
    : { type: 'reasoning_text', text };
}

function usage(chat: Json): Json {
  const prompt = isObject(chat.prompt_tokens_details) ? chat.prompt_tokens_details : {};
  const completion = isObject(chat.completion_tokens_details) ? chat.completion_tokens_details : {};
  return {
    input_tokens: chat.prompt_tokens ?? 0,
    input_tokens_details: { cached_tokens: prompt.cached_tokens ?? 0 },
    output_tokens: chat.completion_tokens ?? 0,
    output_tokens_details: { reasoning_tokens: completion.reasoning_tokens ?? 0 },
    total_tokens: chat.total_tokens ?? 0,
  };
}

function newId(kind: string): string {
  return `${kind}_${randomBytes(16).toString('hex')}`;
}
