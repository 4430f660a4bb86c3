import type { Clock } from '@bombyx/base';
import { QueryError, TransportError } from '@bombyx/transport';
import type { TlFunction, TlObject } from '@bombyx/wire';
import type { ModelInfo } from './api.ts';
import { ClientError } from './errors.ts';
import { refusal } from './refusal.ts';
import type { Session } from './session.ts';

/** A list younger than this answers without asking. */
const CACHE_MS = 1_000;

export interface ModelsOptions {
  readonly timeoutMs: number;
}

export interface ModelsDeps {
  readonly clock: Clock;
  readonly sessions: () => readonly Session[];
  /** Why there are none, where somebody has to do something about it. */
  readonly refusal: () => ClientError | undefined;
}

/** Which models can be asked for now, over all ready proxies. */
export class Models {
  readonly #options: ModelsOptions;
  readonly #deps: ModelsDeps;
  #latest: { readonly atMs: number; readonly list: Promise<ModelInfo[]> } | undefined;

  constructor(options: ModelsOptions, deps: ModelsDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Callers at the same time share one question. @throws {ClientError} as `Client.models` */
  list(): Promise<ModelInfo[]> {
    const nowMs = this.#deps.clock.monotonicMs();
    if (this.#latest && nowMs - this.#latest.atMs <= CACHE_MS) return this.#latest.list;
    const latest = { atMs: nowMs, list: this.#ask() };
    this.#latest = latest;
    latest.list.catch(() => {
      if (this.#latest === latest) this.#latest = undefined; // an error is not kept
    });
    return latest.list;
  }

  async #ask(): Promise<ModelInfo[]> {
    const sessions = this.#deps.sessions();
    if (sessions.length === 0) {
      throw this.#deps.refusal() ?? new ClientError('CLIENT_NO_PROXY', 'no proxy is ready', { retryAfterMs: 1_000 });
    }
    const answers = await Promise.allSettled(sessions.map((session) => this.#askOne(session)));
    const lists = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
    const [first] = answers;
    if (lists.length === 0 && first?.status === 'rejected') throw asClientError(first.reason);
    return merge(lists);
  }

  async #askOne(session: Session): Promise<readonly ModelInfo[]> {
    const fn: TlFunction = { kind: session.protoVersion === 0 ? 'client.getWorkerTypes' : 'client.getWorkerTypesV2' };
    return readModels(await session.connection.query(fn, { timeoutMs: this.#options.timeoutMs }));
  }
}

/** @throws {ClientError} `CLIENT_PROTOCOL` for another kind of answer */
export function readModels(answer: TlObject): ModelInfo[] {
  switch (answer.kind) {
    case 'client.workerTypesV2':
      return answer.types.map(({ name, workers }) => ({
        id: name,
        workers: workers
          .filter((worker) => worker.coefficient >= 0 && worker.active_requests >= 0 && worker.max_active_requests >= 0)
          .map((worker) => ({
            coefficient: worker.coefficient,
            runningRequests: worker.active_requests,
            maxRunningRequests: worker.max_active_requests,
          })),
      }));
    case 'client.workerTypes': // version 0 knows counts and a lowest price only; its maximum is a sentinel
      return answer.types.map(({ name, active_workers, coefficient_min }) => ({
        id: name,
        workers:
          active_workers > 0 && coefficient_min >= 0
            ? [{ coefficient: coefficient_min, runningRequests: 0, maxRunningRequests: active_workers }]
            : [],
      }));
    default:
      throw new ClientError('CLIENT_PROTOCOL', `the proxy lists models with ${answer.kind}`);
  }
}

/** One list, sorted by name; the workers of a model at several proxies side by side, cheapest first. */
export function merge(lists: readonly (readonly ModelInfo[])[]): ModelInfo[] {
  const byName = new Map<string, ModelInfo['workers'][number][]>();
  for (const { id, workers } of lists.flat()) byName.set(id, [...(byName.get(id) ?? []), ...workers]);
  return [...byName]
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([id, workers]) => ({ id, workers: workers.sort((a, b) => a.coefficient - b.coefficient) }));
}

function asClientError(error: unknown): ClientError {
  if (error instanceof ClientError) return error;
  if (error instanceof QueryError) return refusal(error.code, error.message);
  if (error instanceof TransportError) {
    const code = error.code === 'TRANSPORT_TIMEOUT' ? 'CLIENT_TIMEOUT' : 'CLIENT_PROXY_LOST';
    return new ClientError(code, 'the proxy did not list its models', { cause: error });
  }
  throw error;
}
