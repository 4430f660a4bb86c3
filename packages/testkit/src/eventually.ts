import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for something that real sockets or threads bring about. Fails after `timeoutMs`, saying what did not happen. */
export async function eventually(what: string, check: () => boolean, timeoutMs = 10_000): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (!check()) {
    if (performance.now() > endMs) assert.fail(`never happened: ${what}`);
    await sleep(2);
  }
}
