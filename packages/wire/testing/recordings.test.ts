import assert from 'node:assert/strict';
import { it } from 'node:test';
import {
  checkPow,
  cutPeerInfo,
  decode,
  decodePeerInfo,
  decodePowChallenge,
  decodePowResponse,
  encode,
  encodePeerInfo,
  encodePowChallenge,
  encodePowResponse,
  FrameCutter,
  FrameWriter,
} from '../src/index.ts';
import { loadRecordings, loadStreams } from './vectors.ts';

/**
 * `ours` in the form of `recorded`, which shows binary data as the object inside it where there is one. On the way every
 * object inside is decoded, compared and encoded again.
 */
function inFormOf(recorded: unknown, ours: unknown): unknown {
  if (typeof ours === 'bigint') return ours.toString();
  if (Buffer.isBuffer(ours)) {
    if (typeof recorded === 'object') return inFormOf(recorded, decodeAndBack(ours));
    if (typeof recorded === 'string' && recorded.startsWith('0x')) return `0x${ours.toString('hex')}`;
    return ours.toString(ours.toString('hex') === recorded ? 'hex' : 'utf8');
  }
  if (Array.isArray(ours)) return ours.map((item, i) => inFormOf((recorded as unknown[])[i], item));
  if (typeof ours !== 'object' || ours === null) return ours;
  const { kind, ...fields } = ours as Record<string, unknown>;
  const same = (name: string) => (recorded as Record<string, unknown>)[name];
  return {
    '@': kind,
    ...Object.fromEntries(Object.entries(fields).map(([name, it]) => [name, inFormOf(same(name), it)])),
  };
}

function decodeAndBack(bytes: Buffer) {
  const value = decode(bytes);
  assert.deepEqual(encode(value), bytes);
  return value;
}

for (const link of ['rpc-worker', 'rpc-client', 'socks-worker', 'socks-client']) {
  for (const [name, units] of loadRecordings(link)) {
    it(`reads every frame of ${name} as the recorder did, and writes it back`, () => {
      const writers = { 'a>b': new FrameWriter(), 'b>a': new FrameWriter() };
      const cutters = { 'a>b': new FrameCutter(), 'b>a': new FrameCutter() };
      const frames = units.filter(({ kind }) => kind === 'frame');
      assert.ok(frames.length > 0);
      for (const { dir, bytes, decoded } of frames) {
        const [payload, ...more] = cutters[dir].push(bytes);
        assert.ok(payload !== undefined && more.length === 0);
        assert.deepEqual(inFormOf(decoded, decodeAndBack(payload)), decoded);
        assert.deepEqual(writers[dir].frame(payload), bytes);
      }
    });

    it(`makes the frames of ${name} from the messages inside them`, () => {
      const writers = { 'a>b': new FrameWriter(), 'b>a': new FrameWriter() };
      for (const { dir, bytes } of units.filter(({ kind }) => kind === 'frame')) {
        assert.deepEqual(frameOf(writers[dir], bytes.subarray(8)), bytes);
      }
    });

    it(`reads the peer info of ${name} and writes it back`, () => {
      const infos = units.filter(({ kind }) => kind === 'AttestedPeerInfo');
      assert.equal(infos.length, 1);
      for (const { bytes, decoded } of infos) {
        const info = decodePeerInfo(bytes);
        assert.deepEqual(encodePeerInfo(info), bytes);
        assert.deepEqual(
          {
            has_attestation: info.attestation !== undefined,
            collateral_root_hash: info.collateralRootHash.toString('hex'),
            public_key: info.publicKey.toString('hex'),
            source_ip: info.sourceAddress,
            source_port: info.sourcePort,
            destination_ip: info.destinationAddress,
            destination_port: info.destinationPort,
            trailing: 0,
          },
          decoded,
        );
      }
    });
  }
}

function frameOf(writer: FrameWriter, payload: Buffer): Buffer {
  const packet = decode(payload);
  switch (packet.kind) {
    case 'tcp.packet':
      return writer.packet(decode(packet.data));
    case 'tcp.query': {
      const fn = decode(packet.data);
      return writer.query(packet.id, fn as Parameters<FrameWriter['query']>[1]);
    }
    case 'tcp.queryAnswer':
      return writer.answer(packet.id, decode(packet.data));
    default:
      return writer.transport(packet as Parameters<FrameWriter['transport']>[0]);
  }
}

for (const link of ['rpc-worker', 'rpc-client']) {
  for (const { name, chunks } of loadStreams(link)) {
    it(`cuts the raw bytes of ${name} in the chunks in which they came`, () => {
      const stream = Buffer.concat(chunks);
      // the router speaks before the side that opened the connection does
      const start = name.endsWith('a>b') ? cutPeerInfo(stream)!.size : 0;
      const cutter = new FrameCutter();
      const writer = new FrameWriter();
      const payloads: Buffer[] = [];
      let skip = start;
      for (const chunk of chunks) {
        const skipped = Math.min(skip, chunk.length);
        skip -= skipped;
        cutter.cut(chunk.subarray(skipped), (payload) => payloads.push(payload));
      }
      cutter.end();
      const frames = payloads.map((payload) => writer.frame(encode(decode(payload))));
      assert.deepEqual(Buffer.concat([stream.subarray(0, start), ...frames]), stream);
    });
  }
}

for (const link of ['tls-worker', 'tls-client']) {
  for (const [name, units] of loadRecordings(link)) {
    it(`finds that the puzzle of ${name} was solved`, () => {
      const [challengeBytes, responseBytes] = ['pow.challenge', 'pow.response'].map(
        (wanted) => units.find(({ kind }) => kind === wanted)!.bytes,
      );
      const challenge = decodePowChallenge(challengeBytes!);
      const { nonce } = decodePowResponse(responseBytes!);
      assert.equal(challenge.difficulty, 20);
      assert.ok(checkPow(challenge.salt, nonce, challenge.difficulty));
      assert.deepEqual(encodePowChallenge(challenge), challengeBytes);
      assert.deepEqual(encodePowResponse({ nonce }), responseBytes);
    });
  }
}
