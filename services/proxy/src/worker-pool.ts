/** Worker connections that passed their handshake, grouped by the model they serve. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '@bombyx/base';
import type { Connection } from '@bombyx/transport';
import type { Party } from './parties.ts';
import { type ServedBy, servedBy } from './proofs.ts';
import { FairQueue } from './queue.ts';
import type { WorkerView } from './select.ts';
import { Track } from './track.ts';
import type { Work } from './work.ts';

/** How long a success rate is good for before it is worked out anew. */
const FRESH_MS = 100;

/** One ready worker connection. */
export class WorkerLink implements WorkerView {
  readonly id: string;
  readonly seed = randomBytes(4).readUInt32LE();
  readonly connection: Connection;
  readonly party: Party;
  readonly model: Model;
  /** Full model text, `name@commit:hash`. */
  readonly modelText: string;
  readonly version: number;
  readonly limit: number;
  readonly track: Track;
  /** Requests it works on for us, by the key of our id. */
  readonly works = new Map<string, Work>();
  /** Requests we gave up that a worker without cancel still works on: key → monotonic ms until when at most. */
  readonly ghosts = new Map<string, number>();
  coefficient: number;
  enabled: boolean;
  success = 1;
  firstByteMs: number | undefined;
  #freshUntilMs = 0;
  #shown: { readonly peer: Connection['peer']; readonly servedBy: ServedBy } | undefined;

  constructor(options: {
    connection: Connection;
    party: Party;
    model: Model;
    modelText: string;
    version: number;
    limit: number;
    coefficient: number;
    enabled: boolean;
    clock: Clock;
  }) {
    this.id = options.connection.id;
    this.track = new Track(options);
    this.connection = options.connection;
    this.party = options.party;
    this.model = options.model;
    this.modelText = options.modelText;
    this.version = options.version;
    this.limit = options.limit;
    this.coefficient = options.coefficient;
    this.enabled = options.enabled;
  }

  get running(): number {
    return this.works.size + this.ghosts.size;
  }

  get ramp(): number {
    return this.track.ramp;
  }

  /** What clients are told about it: as it was judged last. */
  get servedBy(): ServedBy {
    const { peer } = this.connection;
    if (this.#shown?.peer !== peer) this.#shown = { peer, servedBy: servedBy(peer, this.modelText) };
    return this.#shown.servedBy;
  }

  /** Brings what depends on time up to date before a selection. */
  refresh(nowMs: number): void {
    if (nowMs < this.#freshUntilMs) return;
    this.#freshUntilMs = nowMs + FRESH_MS;
    this.success = this.track.success(nowMs);
    this.firstByteMs = this.track.firstByteMs(nowMs);
    for (const [key, untilMs] of this.ghosts) if (untilMs <= nowMs) this.ghosts.delete(key);
  }

  finished(ok: boolean, nowMs: number, tookMs: number): void {
    this.track.finished(ok, nowMs, this.limit, tookMs);
    this.#freshUntilMs = 0;
  }
}

/** Everything about one base model name. */
export interface Model {
  readonly name: string;
  readonly links: WorkerLink[];
  readonly queue: FairQueue<Work>;
}

export class WorkerPool {
  readonly #limits: { readonly models: number; readonly queuePerModel: number };
  readonly #models = new Map<string, Model>();

  constructor(limits: { readonly models: number; readonly queuePerModel: number }) {
    this.#limits = limits;
  }

  /** Base name: what clients ask for. */
  static baseName(modelText: string): string {
    const at = modelText.indexOf('@');
    return at < 0 ? modelText : modelText.slice(0, at);
  }

  /** @returns undefined for a model no worker served lately */
  model(name: string): Model | undefined {
    return this.#models.get(name);
  }

  models(): Iterable<Model> {
    return this.#models.values();
  }

  *links(): Generator<WorkerLink> {
    for (const { links } of this.#models.values()) yield* links;
  }

  /** The model of that name, made when it is new; the longest abandoned one makes room. */
  claim(name: string): Model {
    const known = this.#models.get(name);
    if (known) return known;
    if (this.#models.size >= this.#limits.models) {
      for (const [other, { links, queue }] of this.#models) {
        if (links.length === 0 && queue.size === 0) {
          this.#models.delete(other);
          break;
        }
      }
    }
    const model = { name, links: [], queue: new FairQueue<Work>(this.#limits.queuePerModel) };
    this.#models.set(name, model);
    return model;
  }

  add(link: WorkerLink): void {
    if (!this.#models.has(link.model.name)) this.#models.set(link.model.name, link.model); // evicted meanwhile
    link.model.links.push(link);
  }

  remove(link: WorkerLink): void {
    const { links } = link.model;
    const index = links.indexOf(link);
    if (index >= 0) links.splice(index, 1);
  }
}
