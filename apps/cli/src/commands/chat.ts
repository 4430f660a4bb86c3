/** `bombyx chat "…"`: one question to the gateway, the answer printed as it comes. */

import { sseData } from '../sse.ts';
import { dataDir, readState } from '../state-file.ts';
import { CliError, type Command } from '../usage.ts';

interface ApiError {
  readonly message?: string;
  readonly code?: string | null;
}

interface Chunk {
  readonly choices?: readonly { readonly delta?: { readonly content?: string | null } }[];
  readonly usage?: unknown;
  readonly error?: ApiError | string;
}

export const chat: Command = {
  name: 'chat',
  summary: 'Ask the network something; the answer streams to the terminal',
  positional: '"TEXT"',
  options: {
    'data-dir': { type: 'string', value: 'DIR', help: 'folder of the running network (default ~/.bombyx)' },
    'base-url': { type: 'string', value: 'URL', help: 'another gateway, e.g. http://127.0.0.1:10000/v1' },
    'api-key': { type: 'string', value: 'KEY', help: 'API key, where the gateway wants one' },
    model: { type: 'string', value: 'NAME', help: 'model to ask (default: the first one offered)' },
    'max-tokens': { type: 'string', value: 'N', help: 'longest answer, in tokens (default 256)' },
  },
  examples: [
    'bombyx chat "What is COCOON?"',
    'bombyx chat --base-url http://127.0.0.1:10000/v1 --model Qwen/Qwen3-8B "Hi"',
  ],
  async run(args, signal) {
    const content = args.positionals.join(' ').trim();
    if (content === '') throw new CliError('CLI_USAGE', 'say what to ask, e.g. bombyx chat "What is COCOON?"');
    const running = readState(dataDir(args.text('data-dir')));
    const given = args.text('base-url')?.replace(/\/+$/, '');
    const baseUrl = given ?? running?.baseUrl;
    const ownModel = given === undefined ? running?.model : undefined;
    if (baseUrl === undefined) {
      throw new CliError(
        'CLI_NOT_RUNNING',
        'no network runs here: start one with "bombyx up", or name a gateway with --base-url',
      );
    }
    if (!URL.canParse(baseUrl))
      throw new CliError('CLI_USAGE', `--base-url must be a URL such as http://127.0.0.1:10000/v1, not "${baseUrl}"`);
    const json = args.flag('json');
    const gateway: Gateway = { baseUrl, apiKey: args.text('api-key') };
    const model = args.text('model') ?? ownModel ?? (await firstModel(gateway, signal));
    const maxTokens = args.integer('max-tokens', 1, 1_000_000) ?? 256;
    const response = await request(gateway, '/chat/completions', signal, {
      model,
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: maxTokens,
      messages: [{ role: 'user', content }],
    });
    for await (const data of sseData(response)) {
      if (data === '[DONE]') break;
      const chunk = JSON.parse(data) as Chunk;
      if (chunk.error) throw new CliError('CLI_REFUSED', sentenceOf(chunk.error, 'the answer ended with an error'));
      if (json) console.log(data);
      else for (const choice of chunk.choices ?? []) process.stdout.write(choice.delta?.content ?? '');
    }
    if (!json) process.stdout.write('\n');
    if (!json) process.stderr.write(`${tierLine(response.headers.get('x-bombyx-tier'))}\n`);
    return 0;
  },
};

/** How confidential the answer was: who reads it should know. */
function tierLine(tier: string | null): string {
  switch (tier) {
    case 'tdx':
    case 'sev-snp':
      return `(tier ${tier}: proxy and worker proved to be enclaves)`;
    case 'simulated':
      return '(tier SIMULATED: nothing protects this conversation, the enclaves are only played)';
    default:
      return '(tier open: nobody proved to be an enclave)';
  }
}

/** Where to ask, and as whom. */
interface Gateway {
  readonly baseUrl: string;
  readonly apiKey: string | undefined;
}

async function firstModel(gateway: Gateway, signal: AbortSignal): Promise<string> {
  const answer = (await (await request(gateway, '/models', signal)).json()) as { data?: { id?: string }[] };
  const id = answer.data?.[0]?.id;
  if (id === undefined)
    throw new CliError('CLI_REFUSED', 'the network offers no model at the moment; try again shortly');
  return id;
}

/** @throws {CliError} one sentence for a gateway that is not there, is none, or refuses */
async function request(
  { baseUrl, apiKey }: Gateway,
  path: string,
  signal: AbortSignal,
  body?: object,
): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(baseUrl + path, {
      signal,
      headers: {
        ...(body && { 'content-type': 'application/json' }),
        ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
      },
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
    });
  } catch (error) {
    if (signal.aborted) throw new CliError('CLI_STOPPED', 'stopped');
    throw new CliError(
      'CLI_NOT_RUNNING',
      `nothing answers at ${baseUrl}: is the network running?`,
      {},
      { cause: error },
    );
  }
  const type = response.headers.get('content-type') ?? '';
  if (response.ok && /^(application\/json|text\/event-stream)/.test(type)) return response;
  const refusal = response.ok ? {} : ((await response.json().catch(() => ({}))) as { error?: ApiError | string });
  if (refusal.error) throw new CliError('CLI_REFUSED', `${response.status} ${sentenceOf(refusal.error, '')}`);
  const hint = baseUrl.endsWith('/v1')
    ? `it answers ${response.status}`
    : `its base URL ends in /v1, try ${baseUrl}/v1`;
  throw new CliError('CLI_NOT_AN_API', `${baseUrl} is not an OpenAI API: ${hint}`);
}

function sentenceOf(error: ApiError | string, otherwise: string): string {
  const { code, message } = typeof error === 'string' ? { code: undefined, message: error } : error;
  return [code, message ?? otherwise].filter((part) => part).join(': ');
}
