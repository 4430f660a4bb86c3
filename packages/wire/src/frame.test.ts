import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { anyObject } from '../testing/arbitraries.ts';
import { loadVectors, type Refused } from '../testing/vectors.ts';
import { decode, decodeOf, encode, FrameCutter, FrameWriter, MAX_PAYLOAD, WireError } from './index.ts';

interface Accepted {
  readonly name: string;
  readonly hex: string;
  readonly payloads: readonly string[];
}
const { accepted, refused } = loadVectors<{ accepted: Accepted[]; refused: Refused[] }>('frames');

/** What a cutter makes of a stream cut at `cuts`: payloads, then the code of the error that ended it. */
function outcome(stream: Buffer, cuts: readonly number[]): { payloads: string[]; code: string | undefined } {
  const cutter = new FrameCutter();
  const payloads: string[] = [];
  try {
    const edges = [0, ...cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b), stream.length];
    for (let i = 1; i < edges.length; i++) {
      cutter.cut(Buffer.from(stream.subarray(edges[i - 1], edges[i])), (it) => payloads.push(it.toString('hex')));
    }
    cutter.end();
    return { payloads, code: undefined };
  } catch (error) {
    assert.ok(error instanceof WireError, String(error));
    return { payloads, code: error.code };
  }
}

for (const { name, hex, payloads } of accepted) {
  it(`cuts ${name}`, () => {
    const stream = Buffer.from(hex, 'hex');
    assert.deepEqual(outcome(stream, []), { payloads, code: undefined });
    const writer = new FrameWriter();
    assert.deepEqual(Buffer.concat(payloads.map((it) => writer.frame(Buffer.from(it, 'hex')))), stream);
  });
}

for (const { name, hex, code } of refused) {
  it(`refuses ${name}`, () => {
    assert.equal(outcome(Buffer.from(hex, 'hex'), []).code, code);
  });
}

it('finds the same payloads and the same flaw whatever the chunks are', () => {
  const payload = fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 40 }), fc.constant(new Uint8Array(70_000)));
  const flaw = fc.constantFrom('', '00', '0000000000000000', '0400000000000000deadbeef', '040000', 'ffffffffffffffff');
  const cuts = fc.array(fc.nat(), { maxLength: 12 });
  const property = fc.property(fc.array(payload, { maxLength: 6 }), flaw, cuts, (payloads, tail, at) => {
    const writer = new FrameWriter();
    const stream = Buffer.concat([...payloads.map((it) => writer.frame(it)), Buffer.from(tail, 'hex')]);
    const whole = outcome(stream, []);
    assert.deepEqual(
      whole.payloads.slice(0, payloads.length),
      payloads.map((it) => Buffer.from(it).toString('hex')),
    );
    assert.deepEqual(outcome(stream, at), whole);
    assert.equal(whole.code === undefined, tail === '' || (tail.length === 24 && payloads.length === 0));
  });
  fc.assert(property, { numRuns: 100 });
});

it('cuts a stream that comes byte by byte', () => {
  const { hex, payloads } = accepted[0]!;
  const stream = Buffer.from(hex, 'hex');
  assert.deepEqual(outcome(stream, [...stream.keys()]), { payloads, code: undefined });
});

it('takes a payload of exactly 2^24 bytes, in pieces', () => {
  const frame = new FrameWriter().frame(Buffer.alloc(MAX_PAYLOAD, 1));
  const cutter = new FrameCutter();
  const payloads: Buffer[] = [];
  for (let at = 0; at < frame.length; at += 60_000) payloads.push(...cutter.push(frame.subarray(at, at + 60_000)));
  cutter.end();
  assert.equal(payloads.length, 1);
  assert.ok(payloads[0]!.equals(frame.subarray(8)));
});

it('keeps no more room than has come for a frame that announces much', () => {
  const header = Buffer.from('0000000100000000', 'hex');
  const before = process.memoryUsage().arrayBuffers;
  const cutters = Array.from({ length: 200 }, () => new FrameCutter());
  for (const cutter of cutters) assert.deepEqual(cutter.push(Buffer.concat([header, Buffer.alloc(100)])), []);
  const each = (process.memoryUsage().arrayBuffers - before) / cutters.length;
  assert.ok(each < 200_000, `${each} bytes a connection`);
});

it('does not let a small payload keep the chunk it came in', () => {
  const writer = new FrameWriter();
  const small = writer.frame(Buffer.alloc(16));
  const large = writer.frame(Buffer.alloc(50_000));
  const chunk = Buffer.concat([small, large]);
  const payloads = new FrameCutter().push(chunk);
  assert.deepEqual(
    payloads.map((it) => it.buffer === chunk.buffer),
    [false, true],
  );
});

it('hands over what came before the flaw, then throws', () => {
  const stream = Buffer.from('0400000000000000deadbeef0400000005000000', 'hex');
  const payloads: Buffer[] = [];
  const cutter = new FrameCutter();
  assert.throws(() => cutter.cut(stream, (it) => payloads.push(it)), { code: 'WIRE_SEQNO' });
  assert.equal(payloads.length, 1);
});

it('ends the connection when sequence numbers are used up, on both sides', () => {
  const last = { firstSeqno: 0x7fff_ffff };
  const writer = new FrameWriter(last);
  const cutter = new FrameCutter(last);
  const frame = writer.transport({ kind: 'tcp.ping', id: 1n });
  assert.equal(cutter.push(frame).length, 1);
  assert.throws(() => writer.transport({ kind: 'tcp.ping', id: 1n }), { code: 'WIRE_SEQNO' });
  for (const wrapped of [0x8000_0000, 0]) {
    frame.writeUInt32LE(wrapped, 4);
    assert.throws(() => cutter.push(frame), { code: 'WIRE_SEQNO' });
  }
});

it('refuses to make a frame that a peer would refuse, and uses no number for it', () => {
  const writer = new FrameWriter();
  const tooLarge = { code: 'WIRE_FRAME_SIZE' };
  assert.throws(() => writer.frame(Buffer.alloc(3)), tooLarge);
  assert.throws(() => writer.frame(Buffer.alloc(MAX_PAYLOAD + 1)), tooLarge);
  assert.throws(() => writer.packet({ kind: 'client.refund', data: Buffer.alloc(MAX_PAYLOAD) }), tooLarge);
  assert.throws(() => writer.packet({ kind: 'tcp.ping', id: 2n ** 63n }), RangeError);
  assert.equal(writer.frame(Buffer.alloc(4)).readInt32LE(4), 0);
});

it('writes messages into frames as if they had been encoded by themselves', () => {
  const property = fc.property(anyObject, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (message, id) => {
    const fast = new FrameWriter();
    const plain = new FrameWriter();
    const data = encode(message);
    assert.deepEqual(fast.packet(message), plain.frame(encode({ kind: 'tcp.packet', data })));
    assert.deepEqual(fast.query(id, message as never), plain.frame(encode({ kind: 'tcp.query', id, data })));
    assert.deepEqual(fast.answer(id, message), plain.frame(encode({ kind: 'tcp.queryAnswer', id, data })));
    const [payload] = new FrameCutter({ firstSeqno: 3 }).push(fast.packet(message));
    assert.deepEqual(decode(decodeOf('tcp.packet', payload!).data), message);
  });
  fc.assert(property, { numRuns: 300 });
});
