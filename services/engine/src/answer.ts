/** Runs a generation and writes its answer: one JSON object, or a stream of server-sent events. */
import type { ServerResponse } from 'node:http';
import type { Admission } from './admission.ts';
import { ApiError } from './api-error.ts';
import type { FinishReason, GenerateRequest } from './generate.ts';
import type { ModelThread } from './model-thread.ts';
import type { Tokenizer } from './tokenizer.ts';

export interface ServedModel {
  readonly name: string;
  readonly contextLength: number;
  /** Numbers in an embedding. */
  readonly width: number;
  readonly tokenizer: Tokenizer;
  readonly thread: ModelThread;
}

/** What a handler of one request works with. */
export interface Exchange {
  readonly model: ServedModel;
  readonly admission: Admission;
  readonly response: ServerResponse;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  /** Seconds since 1970. */
  readonly createdSec: number;
}

export interface Choice {
  readonly index: number;
  readonly text: string;
  readonly reason: FinishReason;
}

/** How an API wraps text. Objects are serialised as they are. */
export interface AnswerForm {
  /** The part of a stream's first event of a choice. */
  opening(index: number): object;
  delta(index: number, text: string): object;
  closing(index: number, reason: FinishReason): object;
  choice(choice: Choice): object;
  /** Fields around the choices, of a whole answer or of one event. */
  envelope(streamed: boolean): object;
}

export interface AnswerOptions {
  readonly stream: boolean;
  readonly includeUsage: boolean;
}

/** @throws {ApiError} `queue_full` before anything is written */
export async function answer(exchange: Exchange, request: GenerateRequest, options: AnswerOptions, form: AnswerForm) {
  return withTurn(exchange, () =>
    options.stream ? stream(exchange, request, options, form) : whole(exchange, request, form),
  );
}

/** Waits for a turn at the model, and gives it back whatever happens. @throws {ApiError} `queue_full` */
export async function withTurn<T>({ admission, signal }: Exchange, work: () => Promise<T>): Promise<T> {
  const turn = admission.enter(signal);
  if (!turn) throw new ApiError('queue_full', 'too many requests wait for this model');
  const leave = await turn;
  try {
    return await work();
  } finally {
    leave();
  }
}

async function whole({ model, response, signal }: Exchange, request: GenerateRequest, form: AnswerForm) {
  const texts: string[] = [];
  const choices: object[] = [];
  let completionTokens = 0;
  const sink = {
    text(index: number, text: string) {
      texts[index] = (texts[index] ?? '') + text;
    },
    finish(index: number, reason: FinishReason, tokens: number) {
      completionTokens += tokens;
      choices.push(form.choice({ index, text: texts[index] ?? '', reason }));
    },
  };
  await model.thread.generate(request, sink, signal);
  sendJson(response, 200, { ...form.envelope(false), choices, usage: usageOf(request, completionTokens) });
}

async function stream(
  { model, response, signal }: Exchange,
  request: GenerateRequest,
  { includeUsage }: AnswerOptions,
  form: AnswerForm,
) {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
  response.flushHeaders();
  const envelope = form.envelope(true);
  const send = (choices: object[], usage: object | null = null) =>
    response.write(`data: ${JSON.stringify({ ...envelope, choices, ...(includeUsage ? { usage } : {}) })}\n\n`);
  const opened = new Set<number>();
  const open = (index: number) => {
    if (!opened.has(index)) send([form.opening(index)]);
    opened.add(index);
  };
  let completionTokens = 0;
  // Nothing waits for a slow reader: the context and MAX_CHOICES bound an answer to about a megabyte of events.
  const sink = {
    text(index: number, text: string) {
      open(index);
      send([form.delta(index, text)]);
    },
    finish(index: number, reason: FinishReason, tokens: number) {
      open(index);
      completionTokens += tokens;
      send([form.closing(index, reason)]);
    },
  };
  await model.thread.generate(request, sink, signal);
  if (includeUsage) send([], usageOf(request, completionTokens));
  response.end('data: [DONE]\n\n');
}

function usageOf({ prompts }: GenerateRequest, completionTokens: number): object {
  const promptTokens = prompts.reduce((sum, prompt) => sum + prompt.length, 0);
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}

export function sendJson(
  response: ServerResponse,
  status: number,
  value: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length, ...headers });
  response.end(body);
}
