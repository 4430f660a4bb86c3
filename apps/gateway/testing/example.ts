import { silentLogger, systemClock } from '@bombyx/base';
import type { Client } from '@bombyx/client';
import { startGateway } from '@bombyx/gateway';

/** Serves the OpenAI API over `client` until `signal` aborts. @returns the base URL for the `openai` package */
export async function serve(client: Client, signal: AbortSignal): Promise<string> {
  const deps = { client, clock: systemClock, log: silentLogger };
  const gateway = await startGateway({ host: '127.0.0.1', port: 0, defaultMaxTokens: 1_000 }, deps);
  signal.addEventListener('abort', () => gateway.close(10_000));
  return `http://127.0.0.1:${gateway.port}/v1`;
}
