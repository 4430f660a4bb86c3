import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock, Logger } from '@bombyx/base';
import { Admission } from './admission.ts';
import type { EngineOptions } from './config.ts';
import { EngineError } from './errors.ts';
import { parseGguf } from './gguf.ts';
import { llamaShape } from './llama.ts';
import { ModelThread } from './model-thread.ts';
import { createHandler } from './server.ts';
import { Tokenizer } from './tokenizer.ts';

export interface EngineDeps {
  readonly clock: Clock;
  readonly log: Logger;
}

export interface EngineStats {
  readonly running: number;
  readonly waiting: number;
  /** Tokens that went through the network since the start, of prompts and of answers. */
  readonly tokens: number;
}

export interface Engine extends AsyncDisposable {
  readonly port: number;
  stats(): Promise<EngineStats>;
  /** Stops listening, aborts what runs, ends the model thread. Idempotent. */
  close(): Promise<void>;
}

/** The model that ships with the engine. */
export const BUNDLED_MODEL = new URL('../model/bombyx-tiny-q8.gguf', import.meta.url);
/** Longer than clients keep an idle connection, so that the client closes first and no request meets a closing socket. */
const KEEP_ALIVE_MS = 75_000;

/**
 * Serves a small model with OpenAI's HTTP API. Resolves once it listens.
 * @throws {EngineError} `ENGINE_MODEL_*` when the model cannot be used; the listener's error, such as EADDRINUSE
 */
export async function startEngine(options: EngineOptions, deps: EngineDeps): Promise<Engine> {
  const { host = '127.0.0.1', port = 0, modelName = 'bombyx-tiny', maxRunning = 1, maxQueue = 16 } = options;
  const bytes = await readModel(options.modelPath ?? BUNDLED_MODEL);
  const file = parseGguf(bytes);
  const shape = llamaShape(file);
  const tokenizer = new Tokenizer(file);
  const thread = await ModelThread.start(bytes);
  const admission = new Admission(maxRunning, maxQueue);
  const model = { name: modelName, contextLength: shape.contextLength, width: shape.width, tokenizer, thread };
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, createHandler({ model, admission }, deps));
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    await thread.close();
    throw error;
  }
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= (async () => {
      const closed = new Promise((done) => server.close(done));
      await thread.close(); // whoever still waits is told so
      server.closeIdleConnections();
      setImmediate(() => server.closeAllConnections());
      await closed;
    })();
    return closing;
  };
  const listening = (server.address() as AddressInfo).port; // a TCP server has this form of address
  deps.log.info('engine listens', { port: listening, model: modelName, context: shape.contextLength });
  return {
    port: listening,
    stats: async () => ({
      running: admission.running,
      waiting: admission.waiting,
      tokens: await thread.countTokens(),
    }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function readModel(path: string | URL): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new EngineError('ENGINE_MODEL_FILE', `cannot read the model file ${path}`, {}, { cause });
  }
}
