import { describeFaults, int, port } from '@bombyx/config';
import { z } from 'zod';
import { EngineError } from './errors.ts';

/** Options of `startEngine`. */
export interface EngineOptions {
  /** Default '127.0.0.1'. */
  readonly host?: string;
  /** 0, the default, takes a free one. */
  readonly port?: number;
  /** A GGUF file; default: the bundled model. */
  readonly modelPath?: string;
  /** Name in the API. Default 'bombyx-tiny'. */
  readonly modelName?: string;
  /** Requests that run at once, a token each in turn. Default 1. */
  readonly maxRunning?: number;
  /** Requests that wait; the next is answered 429. Default 16. */
  readonly maxQueue?: number;
}

const schema = z.strictObject({
  http_port: port,
  host: z.string().min(1).default('127.0.0.1'),
  model_path: z.string().min(1).optional(),
  model_name: z.string().min(1).max(256).default('bombyx-tiny'),
  max_running: int(1, 64).default(1),
  max_queue: int(0, 10_000).default(16),
});

/** Reads a parsed JSON configuration. @throws {EngineError} `ENGINE_CONFIG` that names every field at fault */
export function parseEngineConfig(json: unknown): Required<Omit<EngineOptions, 'modelPath'>> & EngineOptions {
  const parsed = schema.safeParse(json, { reportInput: true });
  if (!parsed.success) {
    throw new EngineError('ENGINE_CONFIG', `engine configuration: ${describeFaults(parsed.error)}`);
  }
  const { http_port, host, model_path, model_name, max_running, max_queue } = parsed.data;
  return {
    host,
    port: http_port,
    ...(model_path === undefined ? {} : { modelPath: model_path }),
    modelName: model_name,
    maxRunning: max_running,
    maxQueue: max_queue,
  };
}
