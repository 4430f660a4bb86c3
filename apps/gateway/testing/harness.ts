import http from 'node:http';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { silentLogger, systemClock } from '@bombyx/base';
import type { ManagementActions } from '@bombyx/client';
import { type GatewayOptions, type Keys, startGateway } from '../src/index.ts';
import { type Backend, FakeClient } from './fake-client.ts';
import { openAiBackend } from './openai-backend.ts';

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: the parsed body, looked into by tests
  readonly json: any;
}

/** A gateway on a free port over a fake network, closed with the test. */
export async function gatewayFor(
  t: TestContext,
  backend: Backend = openAiBackend(),
  options: Partial<GatewayOptions> = {},
  management?: ManagementActions,
  keys?: Keys,
) {
  const client = new FakeClient(backend);
  client.management = management;
  const deps = { client, clock: systemClock, log: silentLogger, keys };
  const gateway = await startGateway(options, deps);
  const agent = new http.Agent({ keepAlive: true });
  t.after(async () => {
    agent.destroy();
    await gateway.close();
  });
  const { port } = gateway;

  /** Sends one request, on kept-alive connections. */
  function ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const bytes =
        body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
      const req = http.request({
        port,
        method,
        path,
        agent,
        headers: { 'content-type': 'application/json', ...headers },
      });
      req.on('error', reject);
      req.on('response', async (res) => {
        try {
          const answer = await text(res);
          let json: unknown;
          try {
            json = JSON.parse(answer);
          } catch {}
          resolve({ status: res.statusCode ?? 0, headers: res.headers, text: answer, json });
        } catch (error) {
          reject(error);
        }
      });
      req.end(bytes);
    });
  }

  return { client, gateway, port, baseUrl: `http://127.0.0.1:${port}`, ask };
}

/** Sends bytes as they are and collects what comes until the connection ends. */
export async function rawExchange(port: number, bytes: string | Buffer): Promise<string> {
  const socket = net.connect(port, '127.0.0.1');
  socket.write(bytes);
  return text(socket);
}

export async function until(holds: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 1_000; i++) {
    if (holds()) return;
    await new Promise((done) => setTimeout(done, 10));
  }
  throw new Error(`never happened: ${what}`);
}

export const HELLO = { model: 'Qwen/Qwen3-8B', messages: [{ role: 'user', content: 'hello' }] };

export function chat(content: string, more: object = {}) {
  return { ...HELLO, messages: [{ role: 'user' as const, content }], ...more };
}
