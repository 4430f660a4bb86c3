/** Thread of judge-pool.ts. */
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { nodeCrypto } from '@bombyx/attest/node';
import { Judge } from './steps.ts';
import type { ThreadCall, ThreadReply } from './task.ts';

/** A quarter of a core that everybody wants, all of one that nobody wants. */
const NICENESS = 5;

const judge = new Judge(nodeCrypto);

parentPort?.on('message', ({ id, task }: ThreadCall) => {
  let reply: ThreadReply;
  try {
    reply = { id, result: judge.perform(task) };
  } catch (error) {
    reply = { id, fault: error instanceof Error ? error.message : String(error) };
  }
  parentPort?.postMessage(reply);
});

stepBack();

/** Running requests come before strangers. Linux knows each thread by a number of its own; elsewhere all are equal. */
function stepBack(): void {
  try {
    const [, thread] = /\/task\/(\d+)$/.exec(readlinkSync('/proc/thread-self')) ?? [];
    if (thread !== undefined && Number(thread) !== process.pid) setPriority(Number(thread), NICENESS);
  } catch {
    // not this system, or not allowed: verdicts are made all the same
  }
}
