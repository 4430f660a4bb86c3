/** Entry of the model thread: runs jobs one token each in turn and listens in between. */
import { parentPort, workerData } from 'node:worker_threads';
import { EngineError } from './errors.ts';
import { embed, generate } from './generate.ts';
import { parseGguf } from './gguf.ts';
import { Llama } from './llama.ts';
import type { FromModel, ToModel } from './messages.ts';
import { Tokenizer } from './tokenizer.ts';

const port = parentPort;
if (!port) throw new TypeError('model-worker.ts runs as a worker thread only');
const say = (message: FromModel) => port.postMessage(message);

try {
  const file = parseGguf(workerData as Uint8Array);
  serve(new Llama(file), new Tokenizer(file));
  say({ kind: 'ready' });
} catch (error) {
  if (!(error instanceof EngineError)) throw error;
  say({ kind: 'refused', code: error.code, message: error.message });
}

function serve(model: Llama, tokenizer: Tokenizer): void {
  const jobs = new Map<number, Iterator<void>>();
  let tokens = 0;
  let turning = false;

  /** One token of every job, then back to the event loop, where an abort may wait. */
  const turn = () => {
    for (const [id, job] of jobs) {
      if (job.next().done) {
        jobs.delete(id);
        say({ kind: 'done', id });
      } else tokens++;
    }
    turning = jobs.size > 0;
    if (turning) setImmediate(turn);
  };

  const start = (id: number, job: Iterator<void>) => {
    jobs.set(id, job);
    if (!turning) setImmediate(turn);
    turning = true;
  };

  port?.on('message', (message: ToModel) => {
    const { id } = message;
    switch (message.kind) {
      case 'generate': {
        const text = (choice: number, text: string) => say({ kind: 'text', id, choice, text });
        const finish = (choice: number, reason: 'stop' | 'length', tokens: number) =>
          say({ kind: 'finish', id, choice, reason, tokens });
        return start(id, generate(model, tokenizer, message.request, { text, finish }));
      }
      case 'embed':
        return start(
          id,
          embed(model, message.inputs, (index, vector) => say({ kind: 'vector', id, index, vector })),
        );
      case 'abort':
        jobs.delete(id);
        return;
      case 'count':
        return say({ kind: 'counted', id, tokens });
    }
  });
}
