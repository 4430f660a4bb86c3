/**
 * The answer objects of every protocol version as one kind of event.
 * All of them are understood on every connection: a C++ proxy of version 2 reports its own refusals
 * with the objects of version 0 (client.md §8), and a caller that is not told waits for ever.
 */
import type { Tl, TlObject } from '@bombyx/wire';
import type { FinalInfo, TokensUsed } from './api.ts';
import { ClientError } from './errors.ts';
import { bombyxRefusal, refusal } from './refusal.ts';

/** `final` is present on the last packet of a request, and only there. */
export type Answer =
  | {
      readonly type: 'head';
      readonly requestId: Buffer;
      readonly answer: Buffer;
      /** Who answers, as the proxy says; proxies below version 4 do not. */
      readonly worker: Tl<'bombyx.servedBy'> | undefined;
      readonly final: FinalInfo | undefined;
    }
  | { readonly type: 'part'; readonly requestId: Buffer; readonly bytes: Buffer; readonly final: FinalInfo | undefined }
  | {
      readonly type: 'error';
      readonly requestId: Buffer;
      readonly error: ClientError;
      readonly final: FinalInfo | undefined;
    };

/** Flags bit 0 of the Ex and bombyx objects: this is the last one. */
const LAST = 1;

/** @returns undefined for an object that is no answer to a request */
export function readAnswer(message: TlObject): Answer | undefined {
  switch (message.kind) {
    case 'client.queryAnswerEx':
    case 'bombyx.answerHead':
    case 'bombyx.provenHead': {
      const [final, error] = finalOf(message);
      const worker = message.kind === 'bombyx.provenHead' ? message.worker : undefined;
      return error ?? { type: 'head', requestId: message.request_id, answer: message.answer, worker, final };
    }
    case 'client.queryAnswerPartEx': {
      const [final, error] = finalOf(message);
      return error ?? { type: 'part', requestId: message.request_id, bytes: message.answer, final };
    }
    case 'bombyx.answerPart': {
      const [final, error] = finalOf(message);
      return error ?? { type: 'part', requestId: message.request_id, bytes: message.data, final };
    }
    case 'client.queryAnswer': {
      const { request_id: requestId, answer } = message;
      return { type: 'head', requestId, answer, worker: undefined, final: legacyFinal(message) };
    }
    case 'client.queryAnswerPart':
      return { type: 'part', requestId: message.request_id, bytes: message.answer, final: legacyFinal(message) };
    case 'client.queryAnswerErrorEx':
    case 'client.queryAnswerError':
    case 'client.queryAnswerPartError': {
      const final = 'final_info' in message && message.final_info ? readFinal(message.final_info) : undefined;
      return { type: 'error', requestId: message.request_id, error: refusal(message.error_code, message.error), final };
    }
    case 'bombyx.answerError': {
      const final = message.final_info ? readFinal(message.final_info) : undefined;
      return { type: 'error', requestId: message.request_id, error: bombyxRefusal(message), final };
    }
    default:
      return undefined;
  }
}

type WithFinal =
  | Tl<'client.queryAnswerEx'>
  | Tl<'client.queryAnswerPartEx'>
  | Tl<'bombyx.answerHead'>
  | Tl<'bombyx.provenHead'>
  | Tl<'bombyx.answerPart'>;

function finalOf(message: WithFinal): [FinalInfo | undefined, Answer | undefined] {
  if ((message.flags & LAST) === 0) return [undefined, undefined];
  if (message.final_info) return [readFinal(message.final_info), undefined];
  const error = new ClientError('CLIENT_PROTOCOL', 'the last part of the answer does not say what it cost');
  return [undefined, { type: 'error', requestId: message.request_id, error, final: undefined }];
}

function legacyFinal(message: Tl<'client.queryAnswer'> | Tl<'client.queryAnswerPart'>): FinalInfo | undefined {
  return message.is_completed ? { tokens: readTokens(message.request_tokens_used) } : undefined;
}

function readFinal(info: Tl<'client.queryFinalInfo'> | Tl<'bombyx.finalInfo'>): FinalInfo {
  const final: { -readonly [K in keyof FinalInfo]: FinalInfo[K] } = { tokens: readTokens(info.tokens_used) };
  if (info.worker_debug) final.workerDebug = info.worker_debug;
  if (info.proxy_debug) final.proxyDebug = info.proxy_debug;
  const { proxy_start_time, proxy_end_time, worker_start_time, worker_end_time } = info;
  if (
    proxy_start_time !== undefined &&
    proxy_end_time !== undefined &&
    worker_start_time !== undefined &&
    worker_end_time !== undefined
  ) {
    final.times = {
      proxyStart: proxy_start_time,
      proxyEnd: proxy_end_time,
      workerStart: worker_start_time,
      workerEnd: worker_end_time,
    };
  }
  if (info.kind === 'bombyx.finalInfo') {
    if (info.receipt) final.receipt = info.receipt;
    if (info.evidence) final.evidence = info.evidence;
  }
  return final;
}

function readTokens(used: Tl<'tokensUsed'>): TokensUsed {
  return {
    prompt: used.prompt_tokens_used,
    cached: used.cached_tokens_used,
    completion: used.completion_tokens_used,
    reasoning: used.reasoning_tokens_used,
    total: used.total_tokens_used,
  };
}
