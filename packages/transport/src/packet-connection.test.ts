import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Logger, silentLogger } from '@bombyx/base';
import { eventually, FakeClock, turn } from '@bombyx/testkit';
import { encode, type Tl, type TlObject } from '@bombyx/wire';
import { codeOf, connectedPair, endOf, part, recorder, tcpPair, withRawPeer } from '../testing/pairs.ts';
import { QueryError } from './errors.ts';
import { HIGH_WATER_BYTES, LOW_WATER_BYTES, MAX_BUFFERED_BYTES, MAX_OPEN_QUERIES } from './limits.ts';

const question = { kind: 'client.getWorkerTypesV2' } as const;
const answer = { kind: 'client.workerTypesV2', types: [] } as const;

describe('opening', () => {
  it('sends tcp.connect first, and is ready when the same id comes back', async () => {
    const { connection, peer } = await withRawPeer('connecting', { open: false });
    await turn();
    const [first] = peer.packets;
    assert.equal(first?.kind, 'tcp.connect');
    peer.send({ kind: 'tcp.connected', id: (first as Tl<'tcp.connect'>).id });
    await connection.opened;
  });

  it('refuses tcp.connected with another id', async () => {
    const { connection, peer } = await withRawPeer('connecting', { open: false });
    await turn();
    peer.send({ kind: 'tcp.connected', id: (peer.packets[0] as Tl<'tcp.connect'>).id ^ 1n });
    assert.equal(await codeOf(connection.opened), 'TRANSPORT_PROTOCOL');
  });

  it('refuses anything before the opening, on both sides', async () => {
    for (const side of ['connecting', 'accepting'] as const) {
      const { connection, peer } = await withRawPeer(side, { open: false });
      peer.send({ kind: 'tcp.ping', id: 1n });
      assert.equal(await codeOf(connection.opened), 'TRANSPORT_PROTOCOL');
    }
  });

  it('ignores a second opening', async () => {
    const { connection, peer } = await withRawPeer('accepting');
    peer.send({ kind: 'tcp.connect', id: 8n });
    peer.send({ kind: 'tcp.ping', id: 9n });
    await eventually('a pong', () => peer.packets.at(-1)?.kind === 'tcp.pong');
    assert.equal(endOf(connection), undefined);
    assert.deepEqual(peer.packets, [
      { kind: 'tcp.connected', id: 7n },
      { kind: 'tcp.pong', id: 9n },
    ]);
  });

  it('ends when the service refuses the connection by throwing', async () => {
    const { connection, peer } = await withRawPeer('accepting', {
      open: false,
      handlers: () => {
        throw new Error('no');
      },
    });
    peer.send({ kind: 'tcp.connect', id: 7n });
    assert.equal(await codeOf(connection.opened), 'TRANSPORT_CLOSED');
  });
});

describe('what a peer can break', () => {
  const header = (length: number, seqno: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32LE(length);
    bytes.writeInt32LE(seqno, 4);
    return bytes;
  };
  const broken: [string, Buffer][] = [
    ['a sequence number that was skipped', Buffer.concat([header(12, 2), Buffer.alloc(12)])],
    ['a sequence number that was repeated', Buffer.concat([header(12, 0), Buffer.alloc(12)])],
    ['a length above 2^24', header(2 ** 24 + 1, 1)],
    ['a length of 0', header(0, 1)],
    ['a frame that is no packet', Buffer.concat([header(4, 1), Buffer.from('deadbeef', 'hex')])],
    ['bytes behind a packet', Buffer.concat([header(16, 1), encode({ kind: 'tcp.ping', id: 1n }), Buffer.alloc(4)])],
  ];
  for (const [what, bytes] of broken) {
    it(`ends the connection for ${what}`, async () => {
      const { connection, peer } = await withRawPeer('accepting');
      peer.socket.write(bytes);
      await eventually('the end', () => connection.signal.aborted);
      assert.equal(endOf(connection), 'TRANSPORT_PROTOCOL');
      await eventually('the peer hears of it', () => peer.ended);
    });
  }

  it('ends the connection for a malformed message, but only drops one of unknown kind', async () => {
    const { messages, handlers } = recorder();
    const { connection, peer } = await withRawPeer('accepting', { handlers: () => handlers });
    peer.send({ kind: 'tcp.packet', data: Buffer.from('01020304', 'hex') });
    peer.send({ kind: 'tcp.packet', data: encode(part(1)) });
    await eventually('the second message', () => messages.length === 1);
    assert.equal(endOf(connection), undefined);
    peer.send({ kind: 'tcp.packet', data: encode(part(10)).subarray(0, 20) });
    await eventually('the end', () => endOf(connection) === 'TRANSPORT_PROTOCOL');
  });

  it('tells the end of stream inside a frame from one between frames', async () => {
    for (const [bytes, pattern] of [
      [header(12, 1), /inside a frame/],
      [Buffer.alloc(0), /peer closed/],
    ] as const) {
      const { connection, peer } = await withRawPeer('accepting');
      peer.socket.end(bytes);
      await eventually('the end', () => connection.signal.aborted);
      assert.equal(endOf(connection), 'TRANSPORT_CLOSED');
      assert.match((connection.signal.reason as Error).message, pattern);
    }
  });
});

describe('queries', () => {
  it('are answered, refused with code and text, or fail without details when the handler breaks', async () => {
    const errors: string[] = [];
    const log: Logger = { ...silentLogger, error: (message) => void errors.push(message), child: () => log };
    const { handlers } = recorder(async (fn) => {
      if (fn.kind === 'client.getWorkerTypes') throw new QueryError(602, 'not to you');
      if (fn.kind === 'client.requestRefund') throw new Error('a secret');
      return answer;
    });
    const [{ connection }] = await connectedPair({}, { handlers: () => handlers, log });
    assert.deepEqual(await connection.query(question, { timeoutMs: 1 }), answer);
    const refused = (error: unknown) =>
      error instanceof QueryError && error.code === 602 && error.message === 'not to you';
    await assert.rejects(connection.query({ kind: 'client.getWorkerTypes' }, { timeoutMs: 1 }), refused);
    const broken = (error: unknown) => error instanceof QueryError && error.code === 0 && !/secret/.test(error.message);
    await assert.rejects(connection.query({ kind: 'client.requestRefund' }, { timeoutMs: 1 }), broken);
    assert.deepEqual(errors, ['a query handler failed']);
  });

  it('of unknown or malformed content are refused, and the connection goes on', async () => {
    const { connection, peer } = await withRawPeer('accepting');
    peer.send({ kind: 'tcp.query', id: 5n, data: Buffer.from('01020304', 'hex') });
    peer.send({ kind: 'tcp.query', id: 6n, data: encode(answer) }); // a value is not a question
    await eventually('both refusals', () => peer.packets.length === 3);
    const refusals = peer.packets.slice(1) as Tl<'tcp.queryError'>[];
    assert.deepEqual(
      refusals.map(({ kind, id, code }) => [kind, id, code]),
      [
        ['tcp.queryError', 5n, 0],
        ['tcp.queryError', 6n, 0],
      ],
    );
    assert.equal(endOf(connection), undefined);
  });

  it("time out one by one, and a late answer is nobody's", async () => {
    const clock = new FakeClock();
    const { connection, peer } = await withRawPeer('connecting', { clock });
    const short = codeOf(connection.query(question, { timeoutMs: 1_000 }));
    const long = connection.query(question, { timeoutMs: 5_000 });
    await turn();
    clock.advance(1_000);
    assert.equal(await short, 'TRANSPORT_TIMEOUT');
    const [first, second] = peer.packets.slice(1) as Tl<'tcp.query'>[];
    peer.send({ kind: 'tcp.queryAnswer', id: first!.id, data: encode(answer) });
    peer.send({ kind: 'tcp.queryError', id: 99n, code: 1, message: 'unknown' });
    peer.send({ kind: 'tcp.queryAnswer', id: second!.id, data: encode(answer) });
    assert.deepEqual(await long, answer);
    assert.equal(endOf(connection), undefined);
  });

  it('fail at once when the connection is lost, with the reason', async () => {
    const { connection, peer } = await withRawPeer('connecting');
    const open = [1, 2, 3].map(() => codeOf(connection.query(question, { timeoutMs: 300_000 })));
    await turn();
    peer.socket.destroy();
    assert.deepEqual(await Promise.all(open), ['TRANSPORT_CLOSED', 'TRANSPORT_CLOSED', 'TRANSPORT_CLOSED']);
    assert.equal(await codeOf(connection.query(question, { timeoutMs: 1 })), 'TRANSPORT_CLOSED');
  });

  it("end with the caller's signal and leave no timer behind", async () => {
    const clock = new FakeClock();
    const { connection } = await withRawPeer('connecting', { clock });
    const timers = clock.pending;
    const stop = new AbortController();
    const query = connection.query(question, { timeoutMs: 1_000, signal: stop.signal });
    stop.abort(new Error('enough'));
    await assert.rejects(query, /enough/);
    await assert.rejects(connection.query(question, { timeoutMs: 1_000, signal: stop.signal }), /enough/);
    assert.equal(clock.pending, timers);
  });

  it('are bounded on the asking side', async () => {
    const { connection } = await withRawPeer('connecting');
    const open = Array.from({ length: MAX_OPEN_QUERIES }, () =>
      codeOf(connection.query(question, { timeoutMs: 1_000 })),
    );
    assert.equal(await codeOf(connection.query(question, { timeoutMs: 1_000 })), 'TRANSPORT_LIMIT');
    connection.close();
    assert.ok((await Promise.all(open)).every((code) => code === 'TRANSPORT_CLOSED'));
  });

  it('are bounded on the answering side: the one too many is refused with 651', async () => {
    const { peer } = await withRawPeer('accepting', { handlers: () => recorder(() => new Promise(() => {})).handlers });
    for (let id = 0n; id <= 256n; id++) peer.send({ kind: 'tcp.query', id, data: encode(question) });
    await eventually('a refusal', () => peer.packets.length === 2);
    const { kind, id, code } = peer.packets[1] as Tl<'tcp.queryError'>;
    assert.deepEqual([kind, id, code], ['tcp.queryError', 256n, 651]);
  });

  it('with a malformed answer fail alone', async () => {
    const { connection, peer } = await withRawPeer('connecting');
    const query = codeOf(connection.query(question, { timeoutMs: 1_000 }));
    await turn();
    peer.send({ kind: 'tcp.queryAnswer', id: (peer.packets[1] as Tl<'tcp.query'>).id, data: Buffer.alloc(3) });
    assert.equal(await query, 'TRANSPORT_PROTOCOL');
    assert.equal(endOf(connection), undefined);
  });
});

describe('sending', () => {
  it('keeps the order over thousands of messages of all sizes', async () => {
    const { messages, handlers } = recorder();
    const [{ connection }] = await connectedPair({}, { handlers: () => handlers });
    const sizes = Array.from({ length: 2_000 }, (_, i) => (i * 7919) % (i % 100 === 0 ? 600_000 : 3_000));
    for (const [i, size] of sizes.entries()) {
      if (!connection.send(part(size, i & 0xff))) await connection.drained();
    }
    await eventually('all messages', () => messages.length === sizes.length);
    for (const [i, message] of messages.entries()) {
      const { data } = message as Tl<'bombyx.answerPart'>;
      assert.equal(data.length, sizes[i]);
      if (data.length > 0) assert.equal(data[0], i & 0xff);
    }
  });

  it('writes a lone message at once, and makes one write of many in one tick', async () => {
    const [{ connection, socket }] = await connectedPair();
    let writes = 0;
    const { write } = socket;
    socket.write = (...args: unknown[]) => {
      writes++;
      return Reflect.apply(write, socket, args);
    };
    for (let i = 0; i < 100; i++) connection.send(part(100));
    assert.equal(writes, 1, 'the first one does not wait');
    await eventually('the others are out', () => connection.bufferedBytes === 0);
    assert.equal(writes, 2, 'the others go together');
    for (let i = 0; i < 100; i++) connection.send(part(100));
    assert.equal(writes, 2, 'what has company waits for it');
    await turn();
    assert.equal(writes, 3);
  });

  it('fails the sender of a message that fits no packet, and the connection goes on', async () => {
    const { messages, handlers } = recorder();
    const [{ connection }] = await connectedPair({}, { handlers: () => handlers });
    assert.throws(() => connection.send(part(2 ** 24)), { code: 'TRANSPORT_TOO_LARGE' });
    const query = connection.query(
      { kind: 'client.authorizeWithProxyShort', data: Buffer.alloc(2 ** 24) },
      { timeoutMs: 1 },
    );
    assert.equal(await codeOf(query), 'TRANSPORT_TOO_LARGE');
    connection.send(part(2 ** 24 - 100));
    await eventually('the message that fits', () => messages.length === 1);
  });

  it('tells the sender to wait when the reader does not read, and again when it may go on', async () => {
    const [a, b] = await connectedPair();
    b.socket.pause();
    let sent = 0;
    while (a.connection.send(part(10_000))) sent++;
    assert.ok(a.connection.bufferedBytes >= HIGH_WATER_BYTES && sent < 40, `${sent} messages`);
    let drained = false;
    const wait = a.connection.drained().then(() => {
      drained = true;
    });
    for (let i = 0; i < 20; i++) await turn();
    assert.equal(drained, false);
    b.socket.resume();
    await wait;
    assert.ok(a.connection.bufferedBytes < LOW_WATER_BYTES);
  });

  it('gives up a connection whose sender never waits, before memory grows without bound', async () => {
    const [a, b] = await connectedPair();
    b.socket.pause();
    const waiting = codeOf(a.connection.drained().then(() => a.connection.drained()));
    let sent = 0;
    while (!a.connection.signal.aborted && sent < 100) {
      a.connection.send(part(2 ** 20));
      sent++;
    }
    assert.equal(endOf(a.connection), 'TRANSPORT_LIMIT');
    assert.ok(sent * 2 ** 20 <= MAX_BUFFERED_BYTES + 2 ** 20);
    assert.equal(a.connection.send(part(1)), false);
    assert.equal(await waiting, 'TRANSPORT_LIMIT');
  });

  it('rejects who waits for room when the connection ends', async () => {
    const [a, b] = await connectedPair();
    b.socket.pause();
    while (a.connection.send(part(10_000)));
    const waiting = codeOf(a.connection.drained());
    a.connection.close();
    assert.equal(await waiting, 'TRANSPORT_CLOSED');
  });

  it('writes what was sent before close, then ends', async () => {
    const { messages, handlers } = recorder();
    const [a, b] = await connectedPair({}, { handlers: () => handlers });
    for (let i = 0; i < 50; i++) a.connection.send(part(20_000));
    a.connection.close('done');
    await eventually('the end', () => b.connection.signal.aborted);
    assert.equal(messages.length, 50);
  });

  it('closes in the end even when the peer takes nothing', async () => {
    const clock = new FakeClock();
    const [a, b] = await connectedPair({ clock });
    b.socket.pause();
    while (a.connection.send(part(10_000)));
    a.connection.close();
    assert.equal(a.socket.destroyed, false);
    clock.advance(2_000);
    assert.equal(a.socket.destroyed, true);
    assert.equal(clock.pending, 0);
  });
});

describe('receiving', () => {
  it('pauses while a handler is at work, keeps the order, and slows the sender down', async () => {
    const seen: number[] = [];
    let release: (() => void) | undefined;
    const handlers = {
      ...recorder().handlers,
      onMessage(message: TlObject) {
        seen.push((message as Tl<'bombyx.answerPart'>).data[0] as number);
        return new Promise<void>((resolve) => {
          release = resolve;
        });
      },
    };
    const [a, b] = await connectedPair({}, { handlers: () => handlers });
    let sent = 0;
    const sendUntilFull = () => {
      while (sent < 250 && a.connection.send(part(10_000, sent++)));
    };
    sendUntilFull();
    for (let i = 0; i < 20; i++) await turn();
    sendUntilFull();
    assert.deepEqual(seen, [0]);
    assert.ok(b.socket.isPaused());
    assert.ok(sent < 250, 'the sender was told to wait');
    for (let n = 1; n < sent; n++) {
      await eventually('the next message', () => seen.length === n && release !== undefined);
      const go = release as () => void;
      release = undefined;
      go();
    }
    await eventually('all messages', () => seen.length === sent);
    assert.deepEqual(
      seen,
      Array.from({ length: sent }, (_, i) => i),
    );
  });

  it('hands over what came before the peer closed, even while a handler is at work, but fails queries at once', async () => {
    const seen: number[] = [];
    let release = () => {};
    const onMessage = (message: TlObject) => {
      seen.push((message as Tl<'bombyx.answerPart'>).data.length);
      return new Promise<void>((resolve) => {
        release = resolve;
      });
    };
    const handlers = () => ({ ...recorder().handlers, onMessage });
    const { connection, peer } = await withRawPeer('connecting', { handlers, ends: await tcpPair() });
    const query = codeOf(connection.query(question, { timeoutMs: 1_000 }));
    peer.socket.end(Buffer.concat([1, 2, 3].map((size) => peer.writer.packet(part(size)))));
    assert.equal(await query, 'TRANSPORT_CLOSED');
    for (const count of [1, 2, 3]) {
      await eventually('the next message', () => seen.length === count);
      assert.equal(endOf(connection), undefined);
      assert.equal(connection.send(part(1)), false); // goes nowhere, harms nobody
      assert.equal(await codeOf(connection.drained()), 'TRANSPORT_CLOSED');
      assert.equal(await codeOf(connection.query(question, { timeoutMs: 1_000 })), 'TRANSPORT_CLOSED');
      release();
      await turn();
    }
    assert.deepEqual(seen, [1, 2, 3]);
    await eventually('the end', () => endOf(connection) === 'TRANSPORT_CLOSED');
  });

  it('ends the connection when a handler throws or rejects, and nothing reaches the process', async () => {
    for (const onMessage of [
      () => {
        throw new Error('broken');
      },
      () => Promise.reject(new Error('broken')),
    ]) {
      const [a, b] = await connectedPair({}, { handlers: () => ({ ...recorder().handlers, onMessage }) });
      a.connection.send(part(1));
      await eventually('the end', () => endOf(b.connection) === 'TRANSPORT_CLOSED');
      await eventually('the other end', () => endOf(a.connection) === 'TRANSPORT_CLOSED');
    }
  });

  it('stops reading a peer that asks and asks and never reads an answer', async () => {
    const big = {
      kind: 'http.response',
      http_version: 'HTTP/1.1',
      status_code: 200,
      reason: '',
      headers: [],
      payload: Buffer.alloc(100_000),
    } as const;
    const { connection, peer } = await withRawPeer('accepting', { handlers: () => recorder(async () => big).handlers });
    peer.socket.pause();
    let flowing = true;
    for (let id = 0n; id < 2_000n && flowing; id++) {
      peer.socket.write(peer.writer.query(id, question));
      await turn();
      flowing = connection.bufferedBytes < 4 * 1024 * 1024;
    }
    for (let i = 0; i < 50; i++) {
      peer.socket.write(peer.writer.query(10_000n + BigInt(i), question));
      await turn();
    }
    assert.ok(connection.bufferedBytes < 6 * 1024 * 1024, `${connection.bufferedBytes} bytes`);
    assert.equal(endOf(connection), undefined);
  });

  it('answers no flood of pings that nobody reads', async () => {
    const { connection, peer } = await withRawPeer('accepting');
    peer.socket.pause();
    for (let i = 0; i < 30_000; i++) peer.send({ kind: 'tcp.ping', id: BigInt(i) });
    for (let i = 0; i < 50; i++) await turn();
    assert.ok(connection.bufferedBytes < HIGH_WATER_BYTES + 100, `${connection.bufferedBytes} bytes`);
  });
});
