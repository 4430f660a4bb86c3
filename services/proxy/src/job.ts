/**
 * The life of one request inside the proxy, as a pure step function: no clock, no I/O. The dispatcher holds what the
 * request carries (bytes, peers, money) and does what the actions say; this file decides in which order.
 *
 * The tests hold these for every sequence of events: `release` happens exactly once, when the job closes; `charge` at
 * most once; nothing happens after the close; no answer byte goes to the client after `finish` or `fail`.
 */
import { assertNever } from '@bombyx/base';
import type { Failure } from './errors.ts';

export type Job =
  /** Waits for a worker. */
  | { readonly state: 'queued' }
  /** With a worker that has not answered yet; it can still go to another one. */
  | { readonly state: 'waiting' }
  /** The client has the head. */
  | { readonly state: 'streaming' }
  /** Stopped by us; the worker may still report what it had counted. */
  | { readonly state: 'stopping'; readonly because: Failure }
  /** The charge is on its way to the disk; the end of the answer is held back. */
  | { readonly state: 'settling'; readonly because: Failure | undefined }
  | { readonly state: 'closed' };

export type JobEvent =
  | { readonly type: 'assigned' }
  /** First answer of the worker; `last` when it is the whole answer. */
  | { readonly type: 'head'; readonly last: boolean }
  | { readonly type: 'part'; readonly last: boolean }
  | { readonly type: 'worker-error'; readonly because: Failure; readonly retryable: boolean }
  | { readonly type: 'worker-lost'; readonly because: Failure }
  /** The worker broke the protocol within this request. */
  | { readonly type: 'worker-broke'; readonly because: Failure }
  | { readonly type: 'client-gone'; readonly because: Failure }
  /** A limit of time or memory was passed, or the proxy closes. */
  | { readonly type: 'expired'; readonly because: Failure }
  /** No (other) worker takes it. */
  | { readonly type: 'refused'; readonly because: Failure }
  /** A stopped worker did not report in time. */
  | { readonly type: 'count-missing' }
  | { readonly type: 'charged' }
  | { readonly type: 'charge-failed'; readonly because: Failure };

export type Action =
  /** Pass the worker's bytes on. */
  | 'relay'
  /** Look for another worker. */
  | 'retry'
  /** Tell the worker to stop. */
  | 'cancel'
  /** Make the count durable, the worker's or ours; answer with `charged` or `charge-failed`. */
  | 'charge'
  /** Send the held end of the answer. */
  | 'finish'
  /** Tell the client about the failure, with what was billed. */
  | 'fail'
  /** Give back reservation, place and memory. */
  | 'release';

export interface Step {
  readonly job: Job;
  readonly actions: readonly Action[];
  /** What `fail` reports. */
  readonly because: Failure | undefined;
}

const none: readonly Action[] = [];
const closed: Job = { state: 'closed' };
const streaming: Job = { state: 'streaming' };
const settling: Job = { state: 'settling', because: undefined };
const waiting: Job = { state: 'waiting' };
/** How every job starts. */
export const queued: Job = { state: 'queued' };

const to = (job: Job, actions: readonly Action[], because?: Failure): Step => ({ job, actions, because });
const relayed: Step = to(streaming, ['relay']);
const complete: Step = to(settling, ['charge']);
const assigned: Step = to(waiting, none);
const finished: Step = to(closed, ['finish', 'release']);
/** Charged for what was delivered, then failed. */
const settled = (because: Failure): Step => to({ state: 'settling', because }, ['charge']);
const failed = (because: Failure): Step => to(closed, ['fail', 'release'], because);
const stopped = (because: Failure): Step => to(closed, ['cancel', 'fail', 'release'], because);

/** An event that a state does not expect changes nothing: late and repeated messages are ordinary on a network. */
export function step(job: Job, event: JobEvent): Step {
  switch (job.state) {
    case 'queued':
      return whileQueued(job, event);
    case 'waiting':
      return whileWaiting(job, event);
    case 'streaming':
      return whileStreaming(job, event);
    case 'stopping':
      return whileStopping(job, event);
    case 'settling':
      if (event.type === 'charged') return job.because ? failed(job.because) : finished;
      if (event.type === 'charge-failed') return failed(event.because);
      return to(job, none);
    case 'closed':
      return to(job, none);
    default:
      return assertNever(job);
  }
}

function whileQueued(job: Job, event: JobEvent): Step {
  switch (event.type) {
    case 'assigned':
      return assigned;
    case 'client-gone':
    case 'expired':
    case 'refused':
      return failed(event.because);
    default:
      return to(job, none);
  }
}

/** Nothing was delivered yet, so nothing is billed and another worker may be tried. */
function whileWaiting(job: Job, event: JobEvent): Step {
  switch (event.type) {
    case 'head':
      return event.last ? complete : relayed;
    case 'part':
      return to(job, none); // the dispatcher reports it as worker-broke
    case 'worker-lost':
      return to(queued, ['retry'], event.because);
    case 'worker-error':
      return event.retryable ? to(queued, ['retry'], event.because) : failed(event.because);
    case 'worker-broke':
    case 'client-gone':
    case 'expired':
      return stopped(event.because);
    default:
      return to(job, none);
  }
}

function whileStreaming(job: Job, event: JobEvent): Step {
  switch (event.type) {
    case 'part':
      return event.last ? complete : relayed;
    case 'worker-error':
      return settled(event.because);
    case 'client-gone':
    case 'expired':
      return to({ state: 'stopping', because: event.because }, ['cancel']);
    case 'worker-lost':
      return settled(event.because);
    case 'worker-broke':
      return stopped(event.because);
    default:
      return to(job, none);
  }
}

/**
 * The client gets no more bytes and pays for what it has, as the worker still counts it, or as we did. Only a worker that
 * breaks the protocol is paid nothing.
 */
function whileStopping(job: Extract<Job, { state: 'stopping' }>, event: JobEvent): Step {
  switch (event.type) {
    case 'part':
      return event.last ? settled(job.because) : to(job, none);
    case 'worker-error':
    case 'worker-lost':
    case 'count-missing':
      return settled(job.because);
    case 'worker-broke':
      return failed(job.because);
    default:
      return to(job, none);
  }
}
