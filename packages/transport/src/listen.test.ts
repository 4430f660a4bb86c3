import assert from 'node:assert/strict';
import net from 'node:net';
import { describe, it } from 'node:test';
import { eventually, FakeClock } from '@bombyx/testkit';
import { deps, gate, identity, knock } from '../testing/listeners.ts';
import { codeOf, endOf, recorder } from '../testing/pairs.ts';
import { connect, listen } from './index.ts';
import { anyPolicy } from './policy.ts';

/** A peer that connects and then says nothing. */
function lurk(port: number): { socket: net.Socket; gone: () => boolean } {
  const socket = net.connect(port, '127.0.0.1');
  let gone = false;
  socket
    .on('error', () => {})
    .on('close', () => {
      gone = true;
    });
  socket.resume();
  return { socket, gone: () => gone };
}

describe('limits of a listener', () => {
  it('turns away handshakes beyond the limit for one address, and lets others in when those time out', async () => {
    const clock = new FakeClock(Date.now());
    await using server = await gate({ limits: { maxHandshakesPerAddress: 2 }, clock });
    const lurkers = [lurk(server.listener.port), lurk(server.listener.port)];
    await eventually('two handshakes', () => server.listener.handshakes === 2);
    const third = lurk(server.listener.port);
    await eventually('the third is turned away', third.gone);
    clock.advance(20_000);
    await eventually('the lurkers are gone', () => lurkers.every(({ gone }) => gone()));
    assert.equal(server.listener.handshakes, 0);
    assert.match(server.refusals.join(), /TRANSPORT_TIMEOUT/);
    await knock(server.listener.port);
    assert.equal(server.accepted.length, 1);
  });

  it('bounds handshakes and connections over all addresses', async () => {
    await using few = await gate({ limits: { maxHandshakes: 1 } });
    lurk(few.listener.port);
    await eventually('one handshake', () => few.listener.handshakes === 1);
    await eventually('the second is turned away', lurk(few.listener.port).gone);

    await using full = await gate({ limits: { maxConnections: 1 } });
    const first = await knock(full.listener.port);
    assert.notEqual(await codeOf(knock(full.listener.port)), 'no error');
    assert.equal(endOf(first), undefined);
    first.close();
    await eventually('room again', () => full.listener.connections.size === 0);
    await knock(full.listener.port);
  });

  it('gives a peer that finished TLS ten seconds for its first packet', async () => {
    const clock = new FakeClock(Date.now());
    await using server = await gate({ clock, security: { kind: 'router' } });
    const { socket, gone } = lurk(server.listener.port);
    const { recordedConversation } = await import('@bombyx/testkit');
    socket.write(recordedConversation('rpc-client.c6')[0]!.bytes);
    await eventually('the handshake waits', () => clock.pending > 1);
    clock.advance(10_000);
    await eventually('the end', gone);
    assert.match(server.refusals[0]!, /opening exchange/);
  });
});

describe('a listener', () => {
  it('tells when its port cannot be bound', async () => {
    await using server = await gate();
    const security = { kind: 'tls', identity, policy: anyPolicy() } as const;
    const second = listen({ host: '127.0.0.1', port: server.listener.port, security }, () => recorder().handlers, deps);
    assert.equal(await codeOf(second), 'TRANSPORT_CONNECT');
  });

  it('closes its connections and its handshakes, and more than once', async () => {
    const server = await gate();
    const connection = await knock(server.listener.port);
    const lurker = lurk(server.listener.port);
    await eventually('a handshake', () => server.listener.handshakes === 1);
    await Promise.all([server.listener.close(), server.listener.close()]);
    await eventually('all are gone', () => lurker.gone() && connection.signal.aborted);
    assert.equal(server.listener.connections.size, 0);
  });

  it('survives peers that vanish at any moment', async () => {
    await using server = await gate({ limits: { maxHandshakesPerAddress: 100 } });
    for (let i = 0; i < 40; i++) {
      const { socket } = lurk(server.listener.port);
      socket.on('connect', () => setTimeout(() => (i % 2 ? socket.resetAndDestroy() : socket.destroy()), i % 7));
    }
    await eventually('all are gone', () => server.refusals.length >= 38 && server.listener.handshakes === 0);
    await knock(server.listener.port);
  });
});

describe('connecting', () => {
  it('tells a refused port from one that does not answer', async () => {
    const server = net.createServer(() => {}).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as net.AddressInfo;
    assert.equal(await codeOf(knock(port, { timeoutMs: 50 })), 'TRANSPORT_TIMEOUT');
    server.close();
    await eventually('the port is free', () => !server.listening);
    assert.equal(await codeOf(knock(port)), 'TRANSPORT_CONNECT');
  });

  it("ends with the caller's signal, before and during", async () => {
    const server = net.createServer(() => {}).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as net.AddressInfo;
    const stop = new AbortController();
    const during = knock(port, { signal: stop.signal });
    setTimeout(() => stop.abort(new Error('enough')), 20);
    await assert.rejects(during, /enough/);
    await assert.rejects(knock(port, { signal: stop.signal }), /enough/);
    server.close();
  });

  it('fails when the service refuses the connection by throwing', async () => {
    await using server = await gate();
    const security = { kind: 'tls', identity, policy: anyPolicy() } as const;
    const refusing = connect(
      { host: '127.0.0.1', port: server.listener.port, security },
      () => {
        throw new Error('no');
      },
      deps,
    );
    assert.equal(await codeOf(refusing), 'TRANSPORT_CLOSED');
    await eventually('the other end', () => server.listener.connections.size === 0);
  });
});
