import assert from 'node:assert/strict';
import { it } from 'node:test';
import { eventually, FakeClock, turn } from '@bombyx/testkit';
import { encode, type Tl } from '@bombyx/wire';
import { connectedPair, endOf, part, recorder, withRawPeer } from '../testing/pairs.ts';

it('pings every ten seconds from the connecting side, whatever else flows, and never from the accepting side', async () => {
  const clock = new FakeClock();
  const { peer } = await withRawPeer('connecting', { clock });
  for (let second = 0; second < 35; second++) {
    peer.send({ kind: 'tcp.packet', data: encode(part(10)) });
    await clock.advanceGently(1_000);
  }
  await turn();
  const pings = peer.packets.filter(({ kind }) => kind === 'tcp.ping') as Tl<'tcp.ping'>[];
  assert.equal(pings.length, 3);
  assert.equal(new Set(pings.map(({ id }) => id)).size, 3);

  const other = new FakeClock();
  const accepting = await withRawPeer('accepting', { clock: other });
  await other.advanceGently(59_000);
  assert.deepEqual(
    accepting.peer.packets.map(({ kind }) => kind),
    ['tcp.connected'],
  );
});

it('answers a ping at once, with its id', async () => {
  const { peer } = await withRawPeer('accepting');
  peer.send({ kind: 'tcp.ping', id: -5n });
  await eventually('the pong', () => peer.packets.length === 2);
  assert.deepEqual(peer.packets[1], { kind: 'tcp.pong', id: -5n });
});

it('gives up a silent peer: after 20 s on the connecting side, after 60 s on the accepting side', async () => {
  for (const [side, seconds] of [
    ['connecting', 20],
    ['accepting', 60],
  ] as const) {
    const clock = new FakeClock();
    const { connection } = await withRawPeer(side, { clock });
    await clock.advanceGently(seconds * 1_000 - 1);
    assert.equal(endOf(connection), undefined);
    clock.advance(1);
    assert.equal(endOf(connection), 'TRANSPORT_TIMEOUT');
    assert.equal(clock.pending, 0);
  }
});

it('lets two quiet sides live on pings alone', async () => {
  const clock = new FakeClock();
  const [a, b] = await connectedPair({ clock }, { clock });
  await clock.advanceGently(300_000, 500);
  assert.deepEqual([endOf(a.connection), endOf(b.connection)], [undefined, undefined]);
});

it('counts bytes, so that a packet that takes minutes to arrive survives', async () => {
  const clock = new FakeClock();
  const { messages, handlers } = recorder();
  const { connection, peer } = await withRawPeer('connecting', { clock, handlers: () => handlers });
  const frame = peer.writer.packet(part(1_000_000));
  for (let at = 0; at < frame.length; at += 50_000) {
    peer.socket.write(frame.subarray(at, at + 50_000));
    await clock.advanceGently(15_000, 5_000);
  }
  assert.equal(endOf(connection), undefined);
  assert.equal(messages.length, 1);
});

it('does not blame the peer while a handler keeps us from reading, and tells it that we live', async () => {
  const clock = new FakeClock();
  let release = () => {};
  const onMessage = () => new Promise<void>((resolve) => (release = resolve));
  const handlers = { ...recorder().handlers, onMessage };
  const { connection, peer } = await withRawPeer('accepting', { clock, handlers: () => handlers });
  peer.send({ kind: 'tcp.packet', data: encode(part(10)) });
  await turn();
  await clock.advanceGently(120_000);
  assert.equal(endOf(connection), undefined);
  const pongs = peer.packets.filter(({ kind }) => kind === 'tcp.pong').length;
  assert.ok(pongs >= 20, `${pongs} pongs: a C++ connector leaves after 20 s without a packet`);
  release();
  await turn();
  await clock.advanceGently(59_000);
  assert.equal(endOf(connection), undefined);
  await clock.advanceGently(2_000);
  assert.equal(endOf(connection), 'TRANSPORT_TIMEOUT');
});

it('gives up a peer that sends but takes nothing for a minute', async () => {
  const clock = new FakeClock();
  const { connection, peer } = await withRawPeer('accepting', { clock });
  peer.socket.pause();
  while (connection.send(part(10_000)));
  for (let second = 0; second < 59; second++) {
    peer.send({ kind: 'tcp.ping', id: 1n });
    await clock.advanceGently(1_000);
  }
  assert.equal(endOf(connection), undefined);
  peer.send({ kind: 'tcp.ping', id: 1n });
  await clock.advanceGently(6_000);
  assert.equal(endOf(connection), 'TRANSPORT_TIMEOUT');
});
