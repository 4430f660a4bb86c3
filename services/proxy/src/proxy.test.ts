import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { silentLogger, systemClock } from '@bombyx/base';
import { type Connection, TransportError } from '@bombyx/transport';
import { decodeOf, encodePeerInfo, FrameCutter, FrameWriter, type TlObject } from '@bombyx/wire';
import { fakeRoot, testConfig } from '../testing/harness.ts';
import { connectClient, run } from '../testing/messages.ts';
import { dialClient, dialWorker } from '../testing/peers.ts';
import { Bookkeeper } from './bookkeeper.ts';
import { ProxyError } from './errors.ts';
import { BOOKS_FILE, type Proxy as RunningProxy, startProxy } from './proxy.ts';

const folder = mkdtempSync(join(tmpdir(), 'bombyx-proxy-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let folders = 0;
const newFolder = () => join(folder, String(++folders));
const deps = () => ({ clock: systemClock, log: silentLogger, root: fakeRoot() });
const start = (over: Record<string, unknown> = {}): Promise<RunningProxy> =>
  startProxy(testConfig({ db_path: newFolder(), pow_difficulty: 1, http_port: 0, ...over }), deps());

/** A client that counts the ends of its answers. */
async function client(port: number) {
  const ends: TlObject[] = [];
  let wake = () => {};
  const connection = await dialClient(port, (message) => {
    if (message.kind === 'bombyx.answerError' || (message.kind === 'bombyx.answerPart' && message.flags & 1)) {
      ends.push(message);
      wake();
    }
  });
  const ended = async (n: number) => {
    while (ends.length < n && !connection.signal.aborted) {
      await new Promise<void>((resolve) => {
        wake = resolve;
        connection.signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  };
  return { connection, ends, ended };
}

/** Waits until `holds`, for ten seconds at most. */
async function until(holds: () => boolean, what: string): Promise<void> {
  for (let i = 0; !holds(); i += 1) {
    assert.ok(i < 2_000, `waited in vain: ${what}`);
    await new Promise((done) => setTimeout(done, 5));
  }
}

const ready = (proxy: RunningProxy, workers: number) =>
  until(() => proxy.snapshot().worker_connections.length === workers, `${workers} workers`);

describe('a running proxy', { timeout: 60_000 }, () => {
  it('serves over mutual TLS, and shows it', async () => {
    await using proxy = await start();
    await dialWorker(proxy.workersPort);
    await ready(proxy, 1);
    const { connection, ends, ended } = await client(proxy.clientPort);
    for (let i = 0; i < 20; i += 1) connection.send(run());
    await ended(20);
    assert.ok(ends.every(({ kind }) => kind === 'bombyx.answerPart'));
    const snapshot = proxy.snapshot();
    assert.equal(snapshot.stats.success[0], 20);
    assert.equal(snapshot.stats.total_adjusted_tokens_used[0], 40);
    assert.equal(snapshot.clients[0]!.used_tokens, 40);
    assert.equal(snapshot.clients[0]!.reserved_tokens, 0);
    assert.equal(snapshot.workers[0]!.earned_tokens, 40);
    const base = `http://127.0.0.1:${proxy.httpPort}`;
    const json = (await (await fetch(`${base}/jsonstats`)).json()) as Record<string, unknown>;
    const members = ['status', 'stats', 'wallet', 'localconfig', 'smartcontract', 'old_instances'];
    for (const name of [...members, 'root_contract_config', 'workers', 'worker_connections', 'clients']) {
      assert.ok(name in json, name);
    }
    const page = await (await fetch(`${base}/stats`)).text();
    assert.match(page, /Qwen\/Qwen3-8B/);
    assert.match(await (await fetch(`${base}/metrics`)).text(), /^bombyx_proxy_success_total 20$/m);
    assert.equal((await fetch(`${base}/health`)).status, 200);
    connection.close();
  });

  it('serves behind a router, with the peer-info frame in front', async () => {
    await using proxy = await start({ rpc_security: 'router' });
    const socket = net.connect(proxy.clientPort, '127.0.0.1');
    after(() => socket.destroy());
    const writer = new FrameWriter();
    const source = { sourceAddress: '203.0.113.5', sourcePort: 1, destinationAddress: '127.0.0.1', destinationPort: 2 };
    const key = { publicKey: Buffer.alloc(32, 1), collateralRootHash: Buffer.alloc(48), attestation: undefined };
    socket.write(encodePeerInfo({ ...key, ...source }));
    socket.write(writer.transport({ kind: 'tcp.connect', id: 5n }));
    socket.write(writer.query(6n, connectClient({ version: 2, min: 1 })));
    const cutter = new FrameCutter();
    const packets: TlObject[] = [];
    for await (const chunk of socket) {
      for (const payload of cutter.push(chunk)) packets.push(decodeOf('tcp.Packet', payload));
      if (packets.length >= 2) break;
    }
    assert.deepEqual(packets[0], { kind: 'tcp.connected', id: 5n });
    assert.ok(packets[1]!.kind === 'tcp.queryAnswer');
    const answer = decodeOf('client.ConnectedToProxy', packets[1]!.data);
    assert.equal(answer.params.proto_version, 2);
  });

  it('hazard 18: management is by POST, from here, and behind the access hash', async () => {
    await using proxy = await start({ http_access_hash: 'secret' });
    const base = `http://127.0.0.1:${proxy.httpPort}`;
    const post = (path: string, headers: Record<string, string> = {}) =>
      fetch(base + path, { method: 'POST', headers }).then(async (it) => [it.status, (await it.text()).trim()]);
    for (const path of ['/', '/stats', '/jsonstats', '/metrics', '/nothing']) {
      const refused = await fetch(base + path);
      assert.equal(refused.status, 400, path);
      assert.match(await refused.text(), /^this path needs the access hash.*\?access_hash=HASH/);
    }
    assert.equal((await fetch(`${base}/jsonstats?access_hash=wrong`)).status, 400);
    assert.equal((await fetch(`${base}/health`)).status, 200);
    assert.equal((await fetch(`${base}/jsonstats?access_hash=secret`)).status, 200);
    assert.equal((await fetch(`${base}/jsonstats`, { headers: { authorization: 'Bearer secret' } })).status, 200);
    const get = await fetch(`${base}/request/disable?access_hash=secret`);
    assert.deepEqual([get.status, (await get.text()).trim()], [405, 'disable must be a post request']);
    assert.deepEqual((await post('/request/disable'))[0], 400);
    const foreign = { 'sec-fetch-site': 'cross-site' };
    assert.equal((await post('/request/disable?access_hash=secret', foreign))[0], 403);
    assert.equal((await post('/request/disable?access_hash=secret', { origin: 'http://evil.example' }))[0], 403);
    assert.equal(proxy.snapshot().status.enabled, true);
    assert.deepEqual(await post('/request/disable?access_hash=secret'), [200, 'proxy is disabled']);
    assert.equal((await fetch(`${base}/health`)).status, 503);
    assert.deepEqual(await post('/request/payout?worker=x&access_hash=secret'), [200, 'worker not found']);
    assert.deepEqual(await post('/request/enable?access_hash=secret'), [200, 'proxy is enabled']);
    assert.equal((await post('/request/explode?access_hash=secret'))[0], 404);
  });

  it('stays switched off over a restart', async () => {
    const db_path = newFolder();
    {
      await using proxy = await start({ db_path });
      await fetch(`http://127.0.0.1:${proxy.httpPort}/request/disable`, { method: 'POST' });
    }
    await using proxy = await start({ db_path });
    assert.equal(proxy.snapshot().status.enabled, false);
  });

  it('says in one sentence which port is taken, and leaves nothing open', async () => {
    await using proxy = await start();
    for (const over of [{ client_rpc_port: proxy.clientPort }, { http_port: proxy.httpPort }]) {
      await assert.rejects(start(over), (error) => {
        assert.ok(error instanceof ProxyError && error.code === 'PROXY_PORT', String(error));
        return true;
      });
    }
  });

  it('ends what runs with an error when it closes', async () => {
    const proxy = await start();
    const { connection, ends, ended } = await client(proxy.clientPort);
    await dialWorker(proxy.workersPort, 'x', { disabled: true });
    await ready(proxy, 1);
    connection.send(run());
    await until(() => proxy.snapshot().running > 0, 'a running request');
    const closing = proxy.close();
    await ended(1);
    await closing;
    assert.ok(ends.length === 0 || ends[0]!.kind === 'bombyx.answerError');
    await proxy.close();
  });

  it('garbage on its ports ends only the connection it came over', async () => {
    await using proxy = await start({ rpc_security: 'router' });
    for (const bytes of [Buffer.alloc(64, 0xff), Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.alloc(20_000)]) {
      const socket = net.connect(proxy.workersPort, '127.0.0.1');
      socket.on('error', () => {});
      socket.end(bytes);
      socket.resume();
      await once(socket, 'close');
    }
    assert.equal(proxy.snapshot().worker_connections.length, 0);
  });

  it('kill -9 under load: no counted token is lost, none is charged twice', { timeout: 60_000 }, async () => {
    const db = newFolder();
    const child = fileURLToPath(new URL('../testing/proxy-child.ts', import.meta.url));
    let counted = 0n;
    let answers = 0;
    for (let round = 0; round < 2; round += 1) {
      const proxy = spawn(process.execPath, [child, db], { stdio: ['ignore', 'pipe', 'inherit'] });
      const [line] = (await once(proxy.stdout, 'data')) as [Buffer];
      const ports = JSON.parse(line.toString()) as { clientPort: number; workersPort: number };
      const worker = await dialWorker(ports.workersPort);
      const before = answers;
      const connection: Connection = await dialClient(ports.clientPort, (message) => {
        if (message.kind !== 'bombyx.answerPart' || !message.final_info) return;
        counted += message.final_info.tokens_used.total_tokens_used;
        answers += 1;
        connection.send(run());
        if (answers - before === 200) proxy.kill('SIGKILL');
      });
      for (let i = 0; i < 16; i += 1) connection.send(run());
      await once(proxy, 'close');
      for (const end of [connection, worker]) {
        if (!end.signal.aborted) await once(end.signal, 'abort');
        assert.ok(end.signal.reason instanceof TransportError);
      }
    }
    const { machineKey: key } = testConfig();
    using keeper = new Bookkeeper({ path: join(db, BOOKS_FILE), key, withoutChain: true }, { clock: systemClock });
    const { accounts } = keeper.books.active!;
    const [used] = Array.from(accounts.clients(), (client) => client.used.max);
    assert.ok(answers >= 400);
    assert.ok(used! >= counted, `${counted} tokens were told, ${used} are on disk`);
    assert.ok(used! <= counted + 2n * 2n * 16n, 'at most what was under way is charged and not yet told');
    assert.equal(keeper.books.audit(), undefined);
  });
});
