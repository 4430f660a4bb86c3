/** Proxies that break a layer of the protocol: client and worker hang up at once, and come again. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { silentLogger, systemClock } from '@bombyx/base';
import { createClient, parseClientConfig } from '@bombyx/client';
import { encodePowChallenge, FrameWriter } from '@bombyx/wire';
import { parseWorkerConfig, startWorker } from '@bombyx/worker';
import { type Backend, startBackend } from './testing/backend.ts';
import { afterTls, afterWork, type Breakage, BrokenPort } from './testing/broken-port.ts';
import { anyAddress, clientFile, rootWith, workerFile } from './testing/configuration.ts';
import { FalseProxy } from './testing/false-proxy.ts';

const logs = { clock: systemClock, log: silentLogger };
const rootAddress = anyAddress();

/** Writes frames after TLS. */
const frames =
  (...make: ((writer: FrameWriter) => Buffer)[]): Breakage =>
  async (socket) => {
    const secure = await afterTls(socket);
    const writer = new FrameWriter();
    for (const bytes of make) secure.write(bytes(writer));
    return secure;
  };
const sized = (size: number) => {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(size, 0);
  return header;
};

const breakages: Readonly<Record<string, Breakage>> = {
  'that closes at once': async (socket) => socket.end(),
  'that sets noise for a puzzle': async (socket) => {
    socket.write(randomBytes(24));
    return socket;
  },
  'that sets a puzzle nobody can solve': async (socket) => {
    socket.write(encodePowChallenge({ difficulty: 64, salt: randomBytes(16) }));
    return socket;
  },
  'that sends more than a puzzle before it may': async (socket) => {
    socket.write(Buffer.concat([encodePowChallenge({ difficulty: 1, salt: randomBytes(16) }), randomBytes(1 << 20)]));
    return socket;
  },
  'that speaks HTTP in place of TLS': async (socket) => {
    (await afterWork(socket)).write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    return socket;
  },
  'that leaves in the middle of TLS': async (socket) => {
    (await afterWork(socket)).end(Buffer.from('1603030200020001fc', 'hex'));
    return socket;
  },
  'that sends noise for frames': frames(() => randomBytes(65_536)),
  'that announces 2 GB': frames(() => sized(0x7fff_ffff)),
  'that announces a frame below nothing': frames(() => sized(0xffff_ffff)),
  'that announces less than a frame has': frames(() => sized(3)),
  'that begins with a wrong sequence number': frames(() =>
    new FrameWriter({ firstSeqno: 7 }).transport({ kind: 'tcp.connected', id: 1n }),
  ),
  'that sends an id nobody knows': frames((writer) => writer.frame(Buffer.from('deadbeef', 'hex'))),
  'that answers a query nobody made': frames((writer) =>
    writer.transport({ kind: 'tcp.queryAnswer', id: 1n, data: randomBytes(8) }),
  ),
  'that leaves in the middle of a frame': async (socket) => {
    const secure = await afterTls(socket);
    return secure.end(new FrameWriter().transport({ kind: 'tcp.connected', id: 1n }).subarray(0, 5));
  },
};

let proxy: FalseProxy;
let backend: Backend;
before(async () => {
  proxy = await FalseProxy.start(rootAddress);
  backend = await startBackend();
});
after(async () => {
  await proxy[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

for (const [what, breakage] of Object.entries(breakages)) {
  describe(`a proxy ${what}`, () => {
    it('is left by a client, which comes again', async () => {
      await using port = await BrokenPort.before(proxy.port, breakage);
      const config = parseClientConfig(clientFile(rootAddress, 1));
      await using client = await createClient(config, { ...logs, root: rootWith([port]) });
      await port.leftAlone;
      assert.equal(client.ready, false);
      await client.whenReady(AbortSignal.timeout(10_000));
    });

    it('is left by a worker, which comes again', async () => {
      await using port = await BrokenPort.before(proxy.port, breakage);
      const shape = { model: 'test-model', coefficient: 1_000, proxies: 1, backendPort: backend.port };
      const config = parseWorkerConfig(workerFile(rootAddress, shape));
      await using worker = await startWorker(config, { ...logs, root: rootWith([port]) });
      await port.leftAlone;
      assert.equal(worker.ready, false);
      await worker.whenReady(AbortSignal.timeout(10_000));
    });
  });
}
