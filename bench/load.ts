/**
 * Load generator: `c` keep-alive connections over bare sockets, each sends its next request when the last answer is
 * complete. Run as a process of its own with one JSON argument; prints one JSON result.
 */
import { connect, type Socket } from 'node:net';

export interface LoadOptions {
  readonly port: number;
  readonly connections: number;
  readonly warmupMs: number;
  readonly durationMs: number;
  readonly body: string;
  /** Sent with every request, to every target. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface LoadResult {
  readonly perSecond: number;
  readonly requests: number;
  readonly errors: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Milliseconds to the first byte of the body. */
  readonly firstByteP50: number;
}

const options = JSON.parse(process.argv[2] ?? '') as LoadOptions;
const extra = Object.entries(options.headers).map(([name, value]) => `${name}: ${value}\r\n`);
const payload = Buffer.from(
  `POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAuthorization: Bearer none\r\n${extra.join('')}Content-Length: ${Buffer.byteLength(options.body)}\r\n\r\n${options.body}`,
);
const total: number[] = [];
const firstByte: number[] = [];
let errors = 0;
let measuring = false;
let stopped = false;
const endOfChunks = Buffer.from('\r\n0\r\n\r\n');

function run(): void {
  const socket: Socket = connect({ port: options.port, host: '127.0.0.1', noDelay: true });
  let startedAt = 0;
  let firstAt = 0;
  let headText = '';
  let inBody = false;
  let remaining = -1; // bytes of a Content-Length body; -1 for chunked
  let tail = Buffer.alloc(0);

  const send = () => {
    startedAt = performance.now();
    firstAt = 0;
    headText = '';
    inBody = false;
    remaining = -1;
    tail = Buffer.alloc(0);
    socket.write(payload);
  };
  const done = () => {
    const now = performance.now();
    if (measuring) {
      if (headText.startsWith('HTTP/1.1 200')) {
        total.push(now - startedAt);
        firstByte.push(firstAt - startedAt);
      } else errors += 1;
    }
    if (stopped) socket.destroy();
    else send();
  };
  socket.on('connect', send);
  socket.on('error', () => {
    errors += 1;
  });
  socket.on('close', () => {
    if (stopped) return;
    errors += 1;
    setTimeout(run, 10);
  });
  socket.on('data', (bytes: Buffer) => {
    let body = bytes;
    if (!inBody) {
      headText += bytes.toString('latin1');
      const end = headText.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = /content-length: *(\d+)/i.exec(headText.slice(0, end))?.[1];
      remaining = length === undefined ? -1 : Number(length);
      body = Buffer.from(headText.slice(end + 4), 'latin1');
      inBody = true;
    }
    if (firstAt === 0 && body.length > 0) firstAt = performance.now();
    if (remaining >= 0) {
      remaining -= body.length;
      if (remaining === 0) done();
    } else {
      tail = Buffer.concat([tail, body]).subarray(-endOfChunks.length);
      if (tail.equals(endOfChunks)) done();
    }
  });
}

for (let i = 0; i < options.connections; i++) run();
await new Promise((resolve) => setTimeout(resolve, options.warmupMs));
measuring = true;
const from = performance.now();
await new Promise((resolve) => setTimeout(resolve, options.durationMs));
measuring = false;
const seconds = (performance.now() - from) / 1000;
stopped = true;
const at = (values: number[], part: number) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? Number.NaN;
const result: LoadResult = {
  perSecond: total.length / seconds,
  requests: total.length,
  errors,
  p50: at(total, 0.5),
  p99: at(total, 0.99),
  firstByteP50: at(firstByte, 0.5),
};
console.log(JSON.stringify(result));
process.exit(0);
