/**
 * Messages per second and MB/s through the codec and the frame cutter, at the sizes a streamed answer really has, and
 * hashes per second of the puzzle's solver. Run it: `node packages/wire/src/wire.bench.ts`.
 */
import { Bench } from 'tinybench';
import { checkPow, decode, decodeOf, encode, FrameCutter, FrameWriter, solvePow, type Tl } from './index.ts';

const sizes = [64, 1_024, 65_536];
const id = Buffer.alloc(32, 7);

const part = (size: number): Tl<'bombyx.answerPart'> => ({
  kind: 'bombyx.answerPart',
  request_id: id,
  data: Buffer.alloc(size, 0x61),
  flags: 0,
});

/** A request as a gateway sends it: an HTTP envelope with some headers inside a message. */
const request = (size: number): Tl<'bombyx.runQuery'> => ({
  kind: 'bombyx.runQuery',
  request_id: id,
  model_name: 'Qwen/Qwen3-8B',
  query: encode({
    kind: 'http.request',
    method: 'POST',
    url: '/v1/chat/completions',
    http_version: 'HTTP/1.1',
    headers: ['content-type', 'content-length', 'accept', 'user-agent'].map((name) => ({
      kind: 'http.header',
      name,
      value: 'application/json',
    })),
    payload: Buffer.alloc(size, 0x61),
  }),
  max_coefficient: 4_000,
  max_tokens: 1_000,
  first_byte_timeout_ms: 10_000,
  idle_timeout_ms: 10_000,
  total_timeout_ms: 120_000,
  window: 1 << 18,
  min_config_version: 1,
  flags: 1,
  enable_debug: false,
});

export interface WireFigure {
  readonly name: string;
  readonly messagesPerSecond: number;
  readonly megabytesPerSecond: number;
}

/** @param timeMs how long each figure is measured */
export async function benchWire(timeMs = 300): Promise<WireFigure[]> {
  const bench = new Bench({ name: 'wire', time: timeMs, warmupTime: timeMs / 3 });
  const bytesPerRun = new Map<string, { readonly messages: number; readonly bytes: number }>();
  const add = (name: string, messages: number, bytes: number, run: () => void) => {
    bytesPerRun.set(name, { messages, bytes });
    bench.add(name, run);
  };
  for (const size of sizes) {
    const message = part(size);
    const bytes = encode(message);
    const writer = new FrameWriter();
    const frame = new FrameWriter().packet(message);
    add(`encode answerPart ${size} B`, 1, bytes.length, () => encode(message));
    add(`decode answerPart ${size} B`, 1, bytes.length, () => decode(bytes));
    add(`frame around answerPart ${size} B`, 1, frame.length, () => writer.packet(message));
    const asked = request(size);
    const askedBytes = encode(asked);
    add(`encode runQuery ${size} B`, 1, askedBytes.length, () => encode(asked));
    add(`decode runQuery ${size} B and the request in it`, 1, askedBytes.length, () =>
      decodeOf('http.request', decodeOf('bombyx.runQuery', askedBytes).query),
    );
    // a connection's reads: 64 KiB of frames in a chunk
    const count = Math.max(1, Math.floor(65_536 / frame.length));
    const many = new FrameWriter();
    const chunk = Buffer.concat(Array.from({ length: count }, () => many.packet(message)));
    add(`cut frames of answerPart ${size} B`, count, chunk.length, () => new FrameCutter().cut(chunk, () => {}));
    add(`cut and decode answerPart ${size} B`, count, chunk.length, () =>
      new FrameCutter().cut(chunk, (payload) => decode(decodeOf('tcp.packet', payload).data)),
    );
  }
  // a large part as TLS hands it over: in records, so that it has to be put together
  const large = new FrameWriter().packet(part(65_536));
  const records = Array.from({ length: Math.ceil(large.length / 16_384) }, (_, i) =>
    large.subarray(i * 16_384, (i + 1) * 16_384),
  );
  add('put a frame of 65536 B together from records of 16 KiB', 1, large.length, () => {
    const cutter = new FrameCutter();
    for (const record of records) cutter.cut(record, () => {});
  });
  const salt = Buffer.alloc(16, 1);
  let from = 0n;
  add('hashes of the puzzle', 10_000, 240_000, () => {
    from += 10_000n;
    try {
      solvePow(salt, 64, { minNonce: from, maxNonce: from + 9_999n });
    } catch {
      // nothing has 64 zero bits: the point is to try all
    }
  });
  add('hashes of the puzzle by node:crypto', 1, 24, () => checkPow(salt, 1n, 64));
  await bench.run();
  return bench.tasks.map(({ name, result }) => {
    const { messages, bytes } = bytesPerRun.get(name)!;
    const runsPerSecond = 'throughput' in result ? result.throughput.mean : 0;
    return {
      name,
      messagesPerSecond: Math.round(runsPerSecond * messages),
      megabytesPerSecond: Math.round((runsPerSecond * bytes) / 1e6),
    };
  });
}

if (import.meta.main) console.table(await benchWire());
