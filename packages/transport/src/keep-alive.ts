/** Timers of a ready connection: who pings, and when a side gives up. Source: wire.md §6.3. */
import type { Clock } from '@bombyx/base';
import { TransportError } from './errors.ts';
import {
  BUSY_PONG_INTERVAL_MS,
  PING_INTERVAL_MS,
  SILENCE_ACCEPTING_MS,
  SILENCE_CONNECTING_MS,
  WRITE_STALL_MS,
} from './limits.ts';

export interface KeepAliveActions {
  /** Connecting side, every 10 s whatever else flows: a C++ proxy drops who only listens for 60 s. */
  ping(): void;
  /** Accepting side, while it does not read and so cannot answer pings. */
  busyPong(): void;
  fail(error: TransportError): void;
  /** How long written bytes have been waiting for the peer, in ms. */
  stalledMs(nowMs: number): number;
}

/** One timer per connection; receiving only notes the time. */
export class KeepAlive {
  readonly #clock: Clock;
  readonly #connecting: boolean;
  readonly #actions: KeepAliveActions;
  readonly #silenceMs: number;
  #heardMs: number;
  #nextPingMs: number;
  #deaf = false;
  #cancelTimer: () => void = () => {};

  constructor(side: 'connecting' | 'accepting', clock: Clock, actions: KeepAliveActions) {
    this.#clock = clock;
    this.#connecting = side === 'connecting';
    this.#actions = actions;
    this.#silenceMs = this.#connecting ? SILENCE_CONNECTING_MS : SILENCE_ACCEPTING_MS;
    this.#heardMs = clock.monotonicMs();
    this.#nextPingMs = this.#connecting ? this.#heardMs + PING_INTERVAL_MS : Number.POSITIVE_INFINITY;
    this.#arm(this.#heardMs);
  }

  /** Bytes came in. */
  heard(): void {
    this.#heardMs = this.#clock.monotonicMs();
  }

  /** While we do not read, silence is our own doing and not the peer's. */
  set deaf(deaf: boolean) {
    this.#deaf = deaf;
    this.heard();
  }

  stop(): void {
    this.#cancelTimer();
  }

  #arm(nowMs: number): void {
    const due = Math.min(this.#nextPingMs, this.#heardMs + this.#silenceMs, nowMs + BUSY_PONG_INTERVAL_MS);
    this.#cancelTimer = this.#clock.after(Math.max(1, due - nowMs), () => this.#check());
  }

  #check(): void {
    const now = this.#clock.monotonicMs();
    if (this.#deaf) this.#heardMs = now;
    const failure = this.#verdict(now);
    if (failure !== undefined) {
      this.#actions.fail(failure);
      return;
    }
    const pingDue = now >= this.#nextPingMs;
    if (pingDue) this.#nextPingMs = now + PING_INTERVAL_MS;
    this.#arm(now); // before the actions, which may end the connection and this timer with it
    if (pingDue) this.#actions.ping();
    else if (this.#deaf && !this.#connecting) this.#actions.busyPong();
  }

  #verdict(now: number): TransportError | undefined {
    const silentMs = now - this.#heardMs;
    if (silentMs >= this.#silenceMs) {
      return new TransportError('TRANSPORT_TIMEOUT', `nothing was received for ${this.#silenceMs} ms`, { silentMs });
    }
    const stalledMs = this.#actions.stalledMs(now);
    if (stalledMs >= WRITE_STALL_MS) {
      return new TransportError('TRANSPORT_TIMEOUT', `the peer read nothing for ${WRITE_STALL_MS} ms`, { stalledMs });
    }
    return undefined;
  }
}
