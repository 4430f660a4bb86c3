import type { Clock } from '@bombyx/base';

/** What a wheel turns: something with a next moment at which it wants to be looked at, on the monotonic clock. */
export interface Timed {
  /** Monotonic ms of the next look; `Infinity` = never. May move later without telling the wheel. */
  readonly dueAtMs: number;
}

/**
 * One timer for all requests. Items sit in slots of `slotMs`; a look that comes too early (because the item's moment
 * moved on meanwhile) puts the item back, so that activity on a stream costs one assignment and no timer call.
 * The timer runs only while there are items.
 */
export class Wheel<T extends Timed> {
  readonly #slots: Set<T>[];
  readonly #slotMs: number;
  readonly #clock: Clock;
  readonly #due: (item: T, nowMs: number) => void;
  readonly #slotOf = new Map<T, number>();
  #tick: number;
  #cancel: (() => void) | undefined;

  constructor(
    options: { slotMs: number; slots: number },
    due: (item: T, nowMs: number) => void,
    deps: { clock: Clock },
  ) {
    this.#slotMs = options.slotMs;
    this.#slots = Array.from({ length: options.slots }, () => new Set<T>());
    this.#clock = deps.clock;
    this.#due = due;
    this.#tick = Math.floor(deps.clock.monotonicMs() / options.slotMs);
  }

  get size(): number {
    return this.#slotOf.size;
  }

  /** Adds an item, or moves it after its moment came closer. */
  set(item: T): void {
    if (this.#slotOf.size === 0) this.#tick = Math.floor(this.#clock.monotonicMs() / this.#slotMs);
    const held = this.#slotOf.get(item);
    const slot = this.#slotFor(item.dueAtMs);
    if (held === slot) return;
    if (held !== undefined) this.#slots[held]!.delete(item);
    this.#slots[slot]!.add(item);
    this.#slotOf.set(item, slot);
    this.#start();
  }

  has(item: T): boolean {
    return this.#slotOf.has(item);
  }

  delete(item: T): void {
    const slot = this.#slotOf.get(item);
    if (slot === undefined) return;
    this.#slots[slot]!.delete(item);
    this.#slotOf.delete(item);
  }

  /** Forgets all items and stops the timer. */
  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    for (const slot of this.#slots) slot.clear();
    this.#slotOf.clear();
  }

  #slotFor(atMs: number): number {
    const ticks = Math.ceil(atMs / this.#slotMs) - this.#tick;
    const ahead = Math.min(Math.max(1, ticks), this.#slots.length - 1);
    return (this.#tick + ahead) % this.#slots.length;
  }

  #start(): void {
    this.#cancel ??= this.#clock.after(this.#slotMs, () => {
      this.#cancel = undefined;
      this.#turn();
      if (this.#slotOf.size > 0) this.#start();
    });
  }

  #turn(): void {
    const nowMs = this.#clock.monotonicMs();
    const until = Math.floor(nowMs / this.#slotMs);
    // A process that slept for more than a round has looked at every slot after one round.
    this.#tick = Math.max(this.#tick, until - this.#slots.length);
    while (this.#tick < until) {
      this.#tick += 1;
      const slot = this.#slots[this.#tick % this.#slots.length]!;
      if (slot.size === 0) continue;
      for (const item of [...slot]) {
        if (!slot.delete(item)) continue;
        this.#slotOf.delete(item);
        if (item.dueAtMs <= nowMs) this.#due(item, nowMs);
        else this.set(item);
      }
    }
  }
}
