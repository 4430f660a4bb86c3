/** A judging thread that does what the bytes it is shown say: answers, throws, hangs, dies, or eats memory. */
import { parentPort } from 'node:worker_threads';
import type { ThreadCall } from '../src/verifier/task.ts';

parentPort?.on('message', ({ id, task }: ThreadCall) => {
  switch (Buffer.from(task.shown.bytes).toString()) {
    case 'throw':
      parentPort?.postMessage({ id, fault: 'as told' });
      return;
    case 'die':
      process.exit(7);
      return;
    case 'hang':
      for (;;);
    case 'eat': {
      const eaten: number[][] = [];
      for (let i = 0; ; i++) eaten.push(new Array<number>(1_000_000).fill(i));
    }
    default:
      parentPort?.postMessage({ id, result: [] });
  }
});
