/** `bombyx chat "…"`: one question to the gateway, the answer printed as it comes. */

import { sseData } from '../sse.ts';
import { dataDir, readState } from '../state-file.ts';
import { CliError, type Command } from '../usage.ts';

interface Chunk {
  readonly choices?: readonly { readonly delta?: { readonly content?: string | null } }[];
  readonly usage?: unknown;
  readonly error?: { readonly message?: string };
}

export const chat: Command = {
  name: 'chat',
  summary: 'Ask the network something; the answer streams to the terminal',
  positional: '"TEXT"',
  options: {
    'data-dir': { type: 'string', value: 'DIR', help: 'folder of the running network (default ~/.bombyx)' },
    'base-url': { type: 'string', value: 'URL', help: 'another gateway, e.g. http://127.0.0.1:10000/v1' },
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
    const baseUrl = args.text('base-url')?.replace(/\/+$/, '') ?? running?.baseUrl;
    if (baseUrl === undefined) {
      throw new CliError(
        'CLI_NOT_RUNNING',
        'no network runs here: start one with "bombyx up", or name a gateway with --base-url',
      );
    }
    if (!URL.canParse(baseUrl))
      throw new CliError('CLI_USAGE', `--base-url must be a URL such as http://127.0.0.1:10000/v1, not "${baseUrl}"`);
    const json = args.flag('json');
    const model = args.text('model') ?? running?.model ?? (await firstModel(baseUrl, signal));
    const maxTokens = args.integer('max-tokens', 1, 1_000_000) ?? 256;
    const response = await request(`${baseUrl}/chat/completions`, signal, {
      model,
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: maxTokens,
      messages: [{ role: 'user', content }],
    });
    for await (const data of sseData(response)) {
      if (data === '[DONE]') break;
      const chunk = JSON.parse(data) as Chunk;
      if (chunk.error) throw new CliError('CLI_CHILD', chunk.error.message ?? 'the answer ended with an error');
      if (json) console.log(data);
      else for (const choice of chunk.choices ?? []) process.stdout.write(choice.delta?.content ?? '');
    }
    if (!json) process.stdout.write('\n');
    return 0;
  },
};

async function firstModel(baseUrl: string, signal: AbortSignal): Promise<string> {
  const answer = (await (await request(`${baseUrl}/models`, signal)).json()) as { data?: { id?: string }[] };
  const id = answer.data?.[0]?.id;
  if (id === undefined) throw new CliError('CLI_CHILD', 'the network offers no model at the moment; try again shortly');
  return id;
}

/** @throws {CliError} one sentence for a gateway that is not there or refuses */
async function request(url: string, signal: AbortSignal, body?: object): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, {
      signal,
      ...(body && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
  } catch (error) {
    if (signal.aborted) throw new CliError('CLI_CHILD', 'stopped');
    throw new CliError('CLI_NOT_RUNNING', `nothing answers at ${url}: is the network running?`, {}, { cause: error });
  }
  if (response.ok) return response;
  const refusal = (await response.json().catch(() => ({}))) as { error?: { message?: string } };
  throw new CliError('CLI_CHILD', `${response.status}: ${refusal.error?.message ?? response.statusText}`);
}
