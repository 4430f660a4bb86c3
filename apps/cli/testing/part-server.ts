/** A part of a network whose page and orders a test makes up, and the configuration that leads a command to it. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export interface PartServer {
  /** Method, path and authorization of every request so far. */
  readonly asked: readonly string[];
  /** Options of a command that lead to it. */
  readonly here: readonly string[];
}

export interface PartServerOptions {
  readonly role: 'client' | 'worker';
  /** What `GET` gives. */
  readonly page: object;
  /** What it says to an order. */
  readonly reply: string | { readonly refusal: string };
  /** What the configuration of the role needs besides. */
  readonly config?: object;
}

export async function startPart(t: TestContext, { role, page, reply, config }: PartServerOptions): Promise<PartServer> {
  const asked: string[] = [];
  const server = createServer((req, res) => {
    asked.push(`${req.method} ${req.url} ${req.headers.authorization}`);
    if (req.method === 'GET') res.end(JSON.stringify(page));
    else if (typeof reply === 'string') res.writeHead(202).end(`${reply}\n`);
    else res.writeHead(400).end(JSON.stringify({ error: { message: reply.refusal } }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-part-'));
  t.after(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  const file = {
    is_test: true,
    owner_address: `0:${'1'.repeat(64)}`,
    root_contract_address: `0:${'2'.repeat(64)}`,
    node_wallet_key: Buffer.alloc(32, 3).toString('base64'),
    http_port: (server.address() as AddressInfo).port,
    http_access_hash: 's3cret',
    ...config,
  };
  writeFileSync(join(folder, `${role}.json`), JSON.stringify(file));
  return { asked, here: ['--data-dir', folder] };
}
