/** The frame around tests that break something: after each of them nothing is left over and the next request succeeds. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach } from 'node:test';
import { ask, chat } from './ask.ts';
import type { Billed, Network } from './network.ts';

/** An answer "in time", on a machine that has much else to do. */
export const SOON_MS = 3_000;

/**
 * Registers the hooks of a suite.
 * @param use is handed the network
 * @returns tokens billed since the test began, when all is settled; a client owes exactly what a worker earned
 */
export function breakThings(start: () => Promise<Network>, use: (network: Network) => void): () => Promise<number> {
  let network: Network;
  let atStart: Billed;
  before(async () => {
    network = await start();
    use(network);
  });
  after(() => network?.[Symbol.asyncDispose]());
  beforeEach(() => {
    atStart = network.billed();
  });
  afterEach(async () => {
    await network.settled();
    await network.whenReady();
    const next = await ask(network, chat(''));
    assert.equal(next.status, 200, `the request after the fault: ${next.error?.message}`);
  });
  return async () => {
    await network.settled();
    const { used, earned } = network.billed();
    assert.equal(used, earned);
    return used - atStart.used;
  };
}

export async function timed<T>(work: Promise<T>): Promise<{ readonly result: T; readonly tookMs: number }> {
  const startedAt = performance.now();
  const result = await work;
  return { result, tookMs: performance.now() - startedAt };
}
