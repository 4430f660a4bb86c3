import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for a condition that no event tells. @throws {Error} that names it when it does not come within `timeoutMs` */
export async function until(what: string, holds: () => boolean, timeoutMs = 10_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await sleep(5);
  }
}
