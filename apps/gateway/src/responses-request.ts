/** A request of the Responses API said in the words of Chat Completions, for servers that only have the latter. */
import { GatewayError } from './errors.ts';

type Json = Record<string, unknown>;

/** Fields that have a meaning only for a server that stores responses, or that we translate below. */
const NOT_COPIED: ReadonlySet<string> = new Set([
  'input',
  'instructions',
  'tools',
  'tool_choice',
  'text',
  'max_output_tokens',
  'reasoning',
  'top_logprobs',
  'stream',
  'stream_options',
  'store',
  'metadata',
  'include',
  'truncation',
  'background',
  'previous_response_id',
  'conversation',
  'prompt',
  'max_tool_calls',
  'service_tier',
  'prompt_cache_key',
  'prompt_cache_retention',
  'safety_identifier',
]);

/** What only a server with a memory can do; asked for in earnest, leaving it out would change the answer. */
const NEEDS_STORE = ['previous_response_id', 'conversation', 'prompt', 'background'] as const;

/**
 * Fields we do not know are copied.
 * @throws {GatewayError} `GATEWAY_UNSUPPORTED` for what Chat Completions cannot say, `GATEWAY_INVALID_VALUE` for a wrong shape
 */
export function chatFromResponses(request: Json): Json {
  for (const name of NEEDS_STORE) {
    if (request[name])
      unsupported(name, `'${name}' needs a server that stores responses; this model's server does not`);
  }
  const chat: Json = Object.fromEntries(Object.entries(request).filter(([name]) => !NOT_COPIED.has(name)));
  chat.messages = messages(request.instructions, request.input);
  if (isSet(request.max_output_tokens)) chat.max_tokens = request.max_output_tokens;
  if (Array.isArray(request.tools) && request.tools.length > 0) chat.tools = request.tools.map(tool);
  if (isSet(request.tool_choice)) chat.tool_choice = toolChoice(request.tool_choice);
  if (isObject(request.text)) {
    const format = responseFormat(request.text.format);
    if (format) chat.response_format = format;
    if (isSet(request.text.verbosity)) chat.verbosity = request.text.verbosity;
  }
  if (isObject(request.reasoning) && isSet(request.reasoning.effort)) chat.reasoning_effort = request.reasoning.effort;
  if (isSet(request.top_logprobs)) Object.assign(chat, { logprobs: true, top_logprobs: request.top_logprobs });
  if (request.stream === true) Object.assign(chat, { stream: true, stream_options: { include_usage: true } });
  return chat;
}

function messages(instructions: unknown, input: unknown): Json[] {
  const list: Json[] = [];
  if (typeof instructions === 'string') list.push({ role: 'system', content: instructions });
  if (typeof input === 'string') return [...list, { role: 'user', content: input }];
  if (!Array.isArray(input)) invalid('input', 'must be a text or a list of items');
  for (const item of input) {
    if (!isObject(item)) invalid('input', 'holds something that is no item');
    switch (item.type ?? 'message') {
      case 'message':
        list.push({ role: item.role === 'developer' ? 'system' : item.role, content: content(item.content) });
        break;
      case 'function_call':
        callsOf(list).push({
          id: item.call_id,
          type: 'function',
          function: { name: item.name, arguments: item.arguments },
        });
        break;
      case 'function_call_output':
        list.push({ role: 'tool', tool_call_id: item.call_id, content: content(item.output) });
        break;
      case 'reasoning':
        break; // what the model thought before is not part of a chat
      default:
        unsupported('input', "this model's server does not take input items of this type");
    }
  }
  return list;
}

/** Calls belong to the assistant's message before them; without one they make their own. */
function callsOf(list: Json[]): Json[] {
  let last = list.at(-1);
  if (last?.role !== 'assistant') {
    last = { role: 'assistant', content: null };
    list.push(last);
  }
  last.tool_calls ??= [];
  return last.tool_calls as Json[];
}

/** Text alone becomes a plain string, which every server takes. */
function content(given: unknown): unknown {
  if (typeof given === 'string') return given;
  if (!Array.isArray(given)) return invalid('input', 'holds a message without content');
  const parts = given.map(part);
  return parts.every((one) => one.type === 'text') ? parts.map((one) => one.text).join('') : parts;
}

function part(given: unknown): Json {
  if (!isObject(given)) return invalid('input', 'holds content that is no part');
  switch (given.type) {
    case 'input_text':
    case 'output_text':
    case 'text':
      return { type: 'text', text: given.text };
    case 'input_image':
      if (typeof given.image_url !== 'string') unsupported('input', 'images can be given by image_url only');
      return {
        type: 'image_url',
        image_url: { url: given.image_url, ...(isSet(given.detail) ? { detail: given.detail } : {}) },
      };
    case 'input_file':
      if (typeof given.file_data !== 'string') unsupported('input', 'files can be given by file_data only');
      return { type: 'file', file: { filename: given.filename, file_data: given.file_data } };
    default:
      return given; // refusal and input_audio are the same in both; the server judges the rest
  }
}

function tool(given: unknown): Json {
  if (!isObject(given) || given.type !== 'function') {
    return unsupported('tools', "this model's server offers tools of type function only");
  }
  const { type, ...declaration } = given;
  return { type, function: declaration };
}

function toolChoice(given: unknown): unknown {
  if (typeof given === 'string') return given;
  if (isObject(given) && given.type === 'function') return { type: 'function', function: { name: given.name } };
  return unsupported('tool_choice', "this model's server offers a choice of functions only");
}

function responseFormat(given: unknown): Json | undefined {
  if (!isObject(given) || given.type === 'text') return undefined;
  if (given.type !== 'json_schema') return given;
  const { type, ...schema } = given;
  return { type, json_schema: schema };
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function unsupported(param: string, message: string): never {
  throw new GatewayError('GATEWAY_UNSUPPORTED', message, { param });
}

function invalid(param: string, rule: string): never {
  throw new GatewayError('GATEWAY_INVALID_VALUE', `'${param}' ${rule}`, { param });
}
