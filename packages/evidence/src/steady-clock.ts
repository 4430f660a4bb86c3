/**
 * A wall clock that cannot be stopped or set back to revive what has ended: in a confidential machine it is the host who
 * sets the clock, while the time that passes is counted by the processor. Source: attestation.md, Hazard 19.
 */
import type { Clock } from '@bombyx/base';

/** The two drift apart over the life of a process, and the wall is corrected: that much is believed. */
const TOLERANCE_MS = 300_000;

/** @returns `clock`, whose wall never falls further behind the furthest it was, and what passed since, than five minutes */
export function steadyClock(clock: Clock): Clock {
  let aheadMs = Number.NEGATIVE_INFINITY;
  return {
    nowMs() {
      const [wallMs, passedMs] = [clock.nowMs(), clock.monotonicMs()];
      aheadMs = Math.max(aheadMs, wallMs - passedMs);
      return Math.max(wallMs, passedMs + aheadMs - TOLERANCE_MS);
    },
    monotonicMs: () => clock.monotonicMs(),
    after: (delayMs, task) => clock.after(delayMs, task),
  };
}
