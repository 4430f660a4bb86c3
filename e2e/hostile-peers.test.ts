/** Peers that break the protocol at each of its layers: they lose their connection, and nobody else notices. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { after, afterEach, before, describe, it } from 'node:test';
import { silentLogger, systemClock } from '@bombyx/base';
import { anyPolicy, type ConnectionHandlers, connect, createIdentity, QueryError } from '@bombyx/transport';
import { FrameWriter, type TlFunction } from '@bombyx/wire';
import { ask, chat } from './testing/ask.ts';
import { Network } from './testing/network.ts';
import { dial, dialAndWork, dialSecurely, ended, take } from './testing/raw-peer.ts';
import { until } from './testing/until.ts';

let network: Network;
const opened: Socket[] = [];
const kept = <T extends Socket>(socket: T): T => {
  opened.push(socket);
  return socket;
};

before(async () => {
  network = await Network.start();
});
after(() => network[Symbol.asyncDispose]());
afterEach(async () => {
  const { status, error } = await ask(network, chat(''));
  assert.equal(status, 200, error?.message);
  for (const socket of opened.splice(0)) socket.destroy();
  await network.settled();
  assert.equal(network.proxy.snapshot().worker_connections.length, 1);
  assert.equal(network.proxy.snapshot().clients.length, 1);
});

for (const side of ['clientPort', 'workersPort'] as const) {
  const port = () => network.proxy[side];

  describe(`on the ${side === 'clientPort' ? 'client' : 'worker'} port, a peer`, () => {
    it('that answers the puzzle with garbage is cut off', async () => {
      const socket = kept(await dial(port()));
      await take(socket, 24);
      socket.write(randomBytes(12));
      await ended(socket);
    });

    it('that answers the puzzle with a wrong number is cut off', async () => {
      // a right form, and a nonce that is wrong every other time: difficulty 1
      for (let tries = 0; tries < 20; tries += 1) {
        const socket = kept(await dial(port()));
        await take(socket, 24);
        const response = randomBytes(12);
        response.writeUInt32LE(0, 0);
        socket.write(response);
        await ended(socket);
      }
    });

    it('that speaks HTTP is cut off', async () => {
      const socket = kept(await dial(port()));
      socket.write('GET / HTTP/1.1\r\nHost: proxy\r\n\r\n');
      await ended(socket);
    });

    it('that never answers the puzzle takes one place of a bounded number', async () => {
      const silent = await Promise.all(Array.from({ length: 60 }, async () => kept(await dial(port()))));
      const refused = () => silent.filter((socket) => socket.destroyed).length;
      for (const socket of silent) socket.resume();
      await until('the rest are turned away', () => refused() >= 60 - 32);
      assert.ok(refused() < 60, 'the first of them are waited for');
      for (const socket of silent) socket.destroy();
      while ((await take(kept(await dial(port())), 24)).length < 24); // their places are free again
    });

    it('that breaks off in the middle of its TLS greeting is forgotten', async () => {
      const hello = Buffer.from('1603010200010001fc0303', 'hex');
      const gone = kept(await dialAndWork(port()));
      gone.write(hello);
      gone.end();
      await ended(gone);
      const reset = kept(await dialAndWork(port()));
      reset.write(hello);
      reset.resetAndDestroy();
      const stuck = kept(await dialAndWork(port()));
      stuck.write(hello); // and says no more: it has ten seconds
    });

    it('that speaks anything but TLS after the puzzle is cut off', async () => {
      const socket = kept(await dialAndWork(port()));
      socket.write(randomBytes(4_096));
      await ended(socket);
    });

    it('that shows no certificate is cut off', async () => {
      const socket = kept(await dialSecurely(port(), false));
      await ended(socket);
    });

    it('that begins with a wrong sequence number is cut off', async () => {
      const socket = kept(await dialSecurely(port()));
      socket.write(new FrameWriter({ firstSeqno: 7 }).transport({ kind: 'tcp.connect', id: 1n }));
      await ended(socket);
    });

    it('that repeats a sequence number is cut off', async () => {
      const socket = kept(await dialSecurely(port()));
      socket.write(new FrameWriter().transport({ kind: 'tcp.connect', id: 1n }));
      socket.write(new FrameWriter().transport({ kind: 'tcp.ping', id: 1n }));
      await ended(socket);
    });

    it('that announces a frame of 2 GB is cut off before it sends it', async () => {
      for (const size of [0x7fff_ffff, (1 << 24) + 1, 0, 3]) {
        const socket = kept(await dialSecurely(port()));
        const header = Buffer.alloc(8);
        header.writeUInt32LE(size, 0);
        socket.write(header);
        await ended(socket);
      }
    });

    it('that sends an id nobody knows is cut off', async () => {
      const socket = kept(await dialSecurely(port()));
      const writer = new FrameWriter();
      socket.write(writer.transport({ kind: 'tcp.connect', id: 1n }));
      socket.write(writer.frame(Buffer.from('deadbeef', 'hex')));
      await ended(socket);
    });

    it('that sends frames of noise is cut off', async () => {
      const socket = kept(await dialSecurely(port()));
      const writer = new FrameWriter();
      socket.write(writer.transport({ kind: 'tcp.connect', id: 1n }));
      for (const size of [4, 64, 65_536]) socket.write(writer.frame(randomBytes(size)));
      await ended(socket);
    });

    it('that sends half a frame and leaves is forgotten', async () => {
      const socket = kept(await dialSecurely(port()));
      const writer = new FrameWriter();
      socket.write(writer.transport({ kind: 'tcp.connect', id: 1n }));
      const frame = writer.transport({ kind: 'tcp.ping', id: 1n });
      socket.write(frame.subarray(0, frame.length - 3));
      socket.end();
      await ended(socket);
    });
  });
}

describe('a peer at the wrong door', () => {
  const handlers: ConnectionHandlers = { onMessage: () => {}, onQuery: () => Promise.reject(new QueryError(0, 'no')) };
  const knock = async (port: number) => {
    const identity = await createIdentity({ attestation: 'fake_tdx' });
    const security = { kind: 'tls', identity, policy: anyPolicy() } as const;
    return connect({ host: '127.0.0.1', port, security }, () => handlers, { clock: systemClock, log: silentLogger });
  };
  const refused = async (port: number, fn: TlFunction) => {
    const connection = await knock(port);
    await assert.rejects(connection.query(fn, { timeoutMs: 5_000 }), QueryError);
    connection.close();
  };
  const clientHello: TlFunction = {
    kind: 'client.connectToProxy',
    params: {
      kind: 'client.params',
      flags: 3,
      client_owner_address: 'EQBT4hy4vMEZ9uxSCuhw_gBKh9_AwmHXLe7Wo0O4Vh-4kRjJ',
      is_test: true,
      min_proto_version: 0,
      max_proto_version: 3,
    },
    min_config_version: 1,
  };

  it('that calls a client function on the worker port is refused', () =>
    refused(network.proxy.workersPort, clientHello));

  it('that asks for what comes after the handshake without one is refused', async () => {
    await refused(network.proxy.clientPort, { kind: 'client.getWorkerTypesV2' });
    await refused(network.proxy.clientPort, { kind: 'client.updatePaymentStatus' });
    await refused(network.proxy.workersPort, { kind: 'worker.updatePaymentStatus' });
  });

  it('that runs a query without a handshake is ignored', async () => {
    const connection = await knock(network.proxy.clientPort);
    connection.send({
      kind: 'bombyx.runQuery',
      request_id: randomBytes(32),
      model_name: 'test-model',
      query: Buffer.alloc(0),
      max_coefficient: -1,
      max_tokens: -1,
      first_byte_timeout_ms: -1,
      idle_timeout_ms: 0,
      total_timeout_ms: 0x7fff_ffff,
      window: -1,
      min_config_version: 0,
      flags: 0,
    });
    await assert.rejects(connection.query({ kind: 'client.getWorkerTypesV2' }, { timeoutMs: 5_000 }), QueryError);
    assert.equal(network.proxy.snapshot().running, 0);
    connection.close();
  });
});
