import type { Clock, Logger } from '@bombyx/base';
import type { Endpoint } from '@bombyx/ton';
import { ClientError } from './errors.ts';
import { selectProxy } from './select.ts';
import type { Session } from './session.ts';
import { Target, type TargetDeps } from './target.ts';

export interface PoolOptions {
  /** Client addresses of the registered proxies. */
  readonly endpoints: readonly Endpoint[];
  /** How many to stay connected to; more than there are means all. */
  readonly connections: number;
  readonly giveUpAfterMs: number;
}

export interface PoolDeps extends Omit<TargetDeps, 'changed'> {
  readonly clock: Clock;
  readonly log: Logger;
  /** In [0, 1). */
  readonly random: () => number;
}

const LOOK_PERIOD_MS = 1_000;

/** The proxies this client stays connected to, picked at random; one that is not ready for long makes room for another. */
export class Pool implements AsyncDisposable {
  readonly #options: PoolOptions;
  readonly #deps: PoolDeps;
  readonly #targets = new Map<string, Target>();
  readonly #waiting = new Set<() => void>();
  #endpoints: ReadonlyMap<string, Endpoint>;
  #stop: () => void = () => {};
  #closed = false;

  constructor(options: PoolOptions, deps: PoolDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#endpoints = byId(options.endpoints);
    this.#look();
  }

  /** In order of creation. */
  get targets(): readonly Target[] {
    return [...this.#targets.values()];
  }

  get ready(): boolean {
    return this.sessions().some(({ refusal }) => refusal === undefined);
  }

  /** Why none takes requests, where one is connected, or would be if it proved more. */
  get refusal(): ClientError | undefined {
    return this.ready ? undefined : (this.sessions()[0]?.refusal ?? this.unproven);
  }

  /** No proxy is connected, and one is not because of what it proves. */
  get unproven(): ClientError | undefined {
    if (this.sessions().length > 0) return undefined;
    for (const { id, unproven: cause } of this.targets) {
      if (cause === undefined) continue;
      const message = `nothing is sent, because no proxy proves what it must: proxy ${id}: ${cause.message}`;
      return new ClientError('CLIENT_UNPROVEN', message, { cause });
    }
    return undefined;
  }

  /** A proxy is ready, or one is being connected to. */
  get expected(): boolean {
    return this.#targets.size > 0 && !this.#closed;
  }

  sessions(): Session[] {
    return this.targets.flatMap(({ session }) => session ?? []);
  }

  /** The proxy for a request, see {@link selectProxy}. */
  choose(model: string, tried: ReadonlySet<string>): Target | undefined {
    const candidates: ReturnType<Target['candidate']>[] = [];
    for (const target of this.#targets.values()) candidates.push(target.candidate(model));
    const chosen = selectProxy(candidates, tried, this.#deps.random());
    return chosen && this.#targets.get(chosen.id);
  }

  /** @throws the signal's reason; {ClientError} `CLIENT_CLOSED` when the pool closes first */
  whenReady(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = () => {
        if (!this.ready && !this.#closed && !signal?.aborted) return;
        this.#waiting.delete(settle);
        signal?.removeEventListener('abort', settle);
        if (this.ready) resolve();
        else reject(signal?.aborted ? signal.reason : new ClientError('CLIENT_CLOSED', 'the client is closed'));
      };
      this.#waiting.add(settle);
      signal?.addEventListener('abort', settle, { once: true });
      settle();
    });
  }

  /** The registered proxies are others now. Those that went are left. */
  register(endpoints: readonly Endpoint[]): void {
    this.#endpoints = byId(endpoints);
    for (const target of this.targets) {
      if (this.#endpoints.has(target.id)) continue;
      this.#deps.log.info('proxy is not registered any more', { proxy: target.id });
      this.#targets.delete(target.id);
      void target.close();
    }
    if (!this.#closed) this.#fill();
  }

  /** What a session refuses may have changed. */
  wake(): void {
    this.#changed();
  }

  /** All connections begin anew. */
  reconnect(reason: string): void {
    for (const target of this.targets) target.reconnect(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#stop();
    await Promise.allSettled(this.targets.map((target) => target.close()));
    this.#changed();
  }

  /** Drops at most one target per look, as the C++ client does, and fills up with random others. */
  #look(): void {
    if (this.#closed) return;
    const late = this.targets.find((target) => target.notReadyForMs() > this.#options.giveUpAfterMs);
    if (late !== undefined && this.#spare(late.id).length > 0) {
      this.#deps.log.warn('proxy given up', { proxy: late.id, reason: late.lastError });
      this.#targets.delete(late.id);
      void late.close();
      this.#add(late.id);
    }
    this.#fill();
    this.#stop = this.#deps.clock.after(LOOK_PERIOD_MS * (1 + this.#deps.random()), () => this.#look());
  }

  #fill(): void {
    while (this.#targets.size < this.#options.connections && this.#spare().length > 0) this.#add();
  }

  #spare(except?: string): Endpoint[] {
    return [...this.#endpoints].flatMap(([id, endpoint]) => (this.#targets.has(id) || id === except ? [] : endpoint));
  }

  #add(except?: string): void {
    const spare = this.#spare(except);
    const endpoint = spare[Math.floor(this.#deps.random() * spare.length)];
    if (endpoint === undefined) return;
    const target = new Target(endpoint, { ...this.#deps, changed: () => this.#changed() });
    this.#targets.set(target.id, target);
  }

  #changed(): void {
    for (const settle of [...this.#waiting]) settle();
  }
}

function byId(endpoints: readonly Endpoint[]): ReadonlyMap<string, Endpoint> {
  return new Map(endpoints.map((endpoint) => [`${endpoint.host}:${endpoint.port}`, endpoint]));
}
