/** A caller that stops reading a large stream: does any process grow? */
import { connect } from 'node:net';
import { type Running, usageOf } from './processes.ts';

const PAUSE_MS = 4_000;

/** Reads a little, stops for some seconds, then reads all. @returns growth of resident memory a process, MiB */
export async function slowReader(
  port: number,
  bytes: number,
  watched: readonly Running[],
): Promise<{ process: string; 'growth while stopped MiB': number; 'growth at most MiB': number }[]> {
  const before = watched.map(({ pid }) => usageOf(pid).residentMiB);
  const most = [...before];
  const look = () =>
    watched.map(({ pid }, i) => {
      const now = usageOf(pid).residentMiB;
      most[i] = Math.max(most[i]!, now);
      return now;
    });
  const body = JSON.stringify({
    model: 'bench',
    max_tokens: 1_000_000,
    stream: true,
    messages: [{ role: 'user', content: `bench-bytes-${bytes}` }],
  });
  const socket = connect(port, '127.0.0.1');
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  let received = 0;
  let ended = false;
  let stopped: number[] | undefined;
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length;
    if (stopped === undefined && received > 1e6) {
      stopped = [];
      socket.pause();
      setTimeout(() => {
        stopped = look();
        socket.resume();
      }, PAUSE_MS);
    }
    if (chunk.includes('[DONE]')) ended = true;
  });
  const watch = setInterval(look, 100);
  const deadline = Date.now() + 300_000;
  while (!ended && !socket.destroyed && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 100));
  clearInterval(watch);
  socket.destroy();
  if (!ended) console.log(`the stream ended after ${received} of ${bytes} bytes`);
  return watched.map(({ name }, i) => ({
    process: name,
    'growth while stopped MiB': Math.round((stopped?.[i] ?? Number.NaN) - before[i]!),
    'growth at most MiB': Math.round(most[i]! - before[i]!),
  }));
}
