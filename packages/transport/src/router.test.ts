import assert from 'node:assert/strict';
import net from 'node:net';
import { describe, it } from 'node:test';
import { eventually, recordedConversation } from '@bombyx/testkit';
import { encodePeerInfo, FrameCutter, type TlFunction, type TlObject } from '@bombyx/wire';
import { deps, gate } from '../testing/listeners.ts';
import { codeOf, RawPeer, recorder } from '../testing/pairs.ts';
import { type Connection, connect, FAKE_IMAGE_HASH, listen } from './index.ts';

const info = {
  attestation: { kind: 'tdx', body: Buffer.alloc(448) },
  collateralRootHash: Buffer.alloc(48),
  publicKey: Buffer.alloc(32, 0x11),
  sourceAddress: '203.0.113.5',
  sourcePort: 40_000,
  destinationAddress: '127.0.0.1',
  destinationPort: 11_102,
} as const;

/** What the SOCKS5 side of a C++ router does, byte by byte: answers, then peer info, then copies to `target`. */
async function socksRouter(target: number, behaviour: { method?: number; reply?: number; info?: Buffer } = {}) {
  const seen: Buffer[] = [];
  const server = net
    .createServer(async (socket) => {
      socket.on('error', () => {});
      const read = async (size: number) => {
        for (;;) {
          const bytes: Buffer | null = socket.read(size);
          if (bytes) return bytes;
          await new Promise((resolve) => socket.once('readable', resolve));
        }
      };
      seen.push(await read(3));
      socket.write(Buffer.of(5, behaviour.method ?? 0));
      if (behaviour.method) return;
      seen.push(await read(10));
      socket.write(Buffer.of(5, behaviour.reply ?? 0, 0, 1, 127, 0, 0, 1, 0x92, 0x3a));
      if (behaviour.reply) return;
      socket.write(behaviour.info ?? encodePeerInfo(info));
      const onward = net.connect(target, '127.0.0.1');
      onward.on('error', () => {});
      onward.write(encodePeerInfo(info)); // the reverse side of the router does the same for the accepting runner
      socket.pipe(onward).pipe(socket);
    })
    .listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return { port: (server.address() as net.AddressInfo).port, seen, [Symbol.dispose]: () => void server.close() };
}

function through(port: number, host = '127.0.0.1', target = 11_102): Promise<Connection> {
  const security = { kind: 'router', via: { host: '127.0.0.1', port } } as const;
  return connect({ host, port: target, security }, () => recorder().handlers, deps);
}

describe('behind a router', () => {
  it('hazard 23: a genuine machine with empty registers is not taken for a stand-in, nor a stand-in with registers for it', async () => {
    const seenAs = async (more: { attestation?: { kind: 'tdx'; body: Buffer }; collateralRootHash?: Buffer }) => {
      await using server = await gate({ security: { kind: 'router' } });
      using router = await socksRouter(server.listener.port, { info: encodePeerInfo({ ...info, ...more }) });
      const connection = await through(router.port);
      connection.close();
      return connection.peer.attestation;
    };
    assert.equal(await seenAs({ collateralRootHash: Buffer.alloc(48, 7) }), 'tdx');
    assert.equal(await seenAs({ attestation: { kind: 'tdx', body: Buffer.alloc(448, 7) } }), 'fake_tdx');
  });

  it('both sides learn who the other is from its peer-info frame, and talk', async () => {
    const answer = { kind: 'client.workerTypesV2', types: [] } as const;
    await using server = await gate({
      security: { kind: 'router' },
      handlers: () => recorder(async () => answer).handlers,
    });
    using router = await socksRouter(server.listener.port);
    const connection = await through(router.port);
    assert.deepEqual(
      router.seen.map((bytes) => bytes.toString('hex')),
      ['050100', '050100017f0000012b5e'],
    );
    assert.deepEqual(connection.peer, {
      publicKey: info.publicKey,
      imageHash: FAKE_IMAGE_HASH,
      attestation: 'fake_tdx',
      address: '127.0.0.1',
      port: 11_102,
    });
    const [accepted] = server.accepted;
    assert.deepEqual([accepted?.peer.address, accepted?.peer.port], ['203.0.113.5', 40_000]);
    assert.deepEqual(await connection.query({ kind: 'client.getWorkerTypesV2' }, { timeoutMs: 10_000 }), answer);
    connection.close();
  });

  it('a router that refuses, wants a password or speaks something else is told apart from a peer that fails', async () => {
    for (const behaviour of [{ reply: 5 }, { method: 0xff }, { method: 2 }]) {
      using router = await socksRouter(1, behaviour);
      assert.equal(await codeOf(through(router.port)), 'TRANSPORT_SOCKS');
    }
    using router = await socksRouter(1);
    assert.equal(await codeOf(through(router.port, 'example.org')), 'TRANSPORT_SOCKS');
    assert.equal(router.seen.length, 0);
  });

  it('a malformed or oversized peer-info frame ends the connection', async () => {
    const long = Buffer.alloc(4);
    long.writeUInt32LE(16_537);
    const trailing = Buffer.concat([encodePeerInfo(info), Buffer.alloc(4)]);
    trailing.writeUInt32LE(trailing.length - 4);
    for (const frame of [long, trailing]) {
      using router = await socksRouter(1, { info: frame });
      assert.equal(await codeOf(through(router.port)), 'TRANSPORT_PROTOCOL');
      await using server = await gate({ security: { kind: 'router' } });
      net
        .connect(server.listener.port, '127.0.0.1')
        .on('error', () => {})
        .write(frame);
      await eventually('the refusal', () => server.refusals.length === 1);
      assert.match(server.refusals[0]!, /TRANSPORT_PROTOCOL/);
    }
  });

  it('a peer with an SGX quote is refused, as every policy of a router refuses it', async () => {
    const sgx = encodePeerInfo({ ...info, attestation: { kind: 'sgx', body: Buffer.alloc(96) } });
    using router = await socksRouter(1, { info: sgx });
    assert.equal(await codeOf(through(router.port)), 'TRANSPORT_PEER_REFUSED');
  });

  it('a listener binds loopback only, because whoever reaches it can claim anything', async () => {
    const open = listen({ host: '0.0.0.0', port: 0, security: { kind: 'router' } }, () => recorder().handlers, deps);
    await assert.rejects(open, TypeError);
  });

  it('takes a recorded conversation of the C++ programs, answers it, and hands over every message', async () => {
    for (const name of ['rpc-client.c6', 'rpc-worker.c5']) {
      const asked: TlFunction[] = [];
      const messages: TlObject[] = [];
      await using server = await gate({
        security: { kind: 'router' },
        handlers: () => ({
          onMessage: (message) => void messages.push(message),
          onQuery: async (fn) => {
            asked.push(fn);
            return { kind: 'client.workerTypesV2', types: [] };
          },
        }),
      });
      const units = recordedConversation(name).filter(({ dir }) => dir === 'a>b');
      const peer = new RawPeer(net.connect(server.listener.port, '127.0.0.1'));
      peer.socket.write(Buffer.concat(units.map(({ bytes }) => bytes)));
      const count = (tag: string) =>
        units.filter(({ kind, bytes }) => kind === 'frame' && bytes.toString('hex', 8, 12) === tag).length;
      const [queries, packets, pings] = [count('0819f53a'), count('f8ba179c'), count('7c62e9bb')];
      assert.ok(queries > 2 && packets > 2);
      await eventually('all units', () => messages.length === packets && peer.packets.length === 1 + queries + pings);
      assert.equal(asked.length, queries);
      assert.equal(server.accepted[0]?.peer.attestation, 'none');
    }
  });

  it('cuts recorded frames of the other direction too, so sequence numbers are counted as C++ counts them', () => {
    const cutter = new FrameCutter();
    const units = recordedConversation('rpc-client.c6').filter(({ dir, kind }) => dir === 'b>a' && kind === 'frame');
    assert.equal(units.flatMap(({ bytes }) => cutter.push(bytes)).length, units.length);
  });
});
