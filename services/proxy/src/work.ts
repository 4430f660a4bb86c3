/** What one request carries while the proxy has it; its order of life is in `job.ts`. */
import type { Tokens } from '@bombyx/base';
import { NO_TOKENS, type TokensUsed, type UsageScanner } from '@bombyx/ledger';
import type { Run } from './client-dialect.ts';
import type { ClientLink } from './client-link.ts';
import { type Failure, failure } from './errors.ts';
import { type Job, queued } from './job.ts';
import type { ServedBy } from './proofs.ts';
import type { Ask } from './select.ts';
import type { Timed } from './wheel.ts';
import type { WorkerFinal } from './worker-dialect.ts';
import type { Model, WorkerLink } from './worker-pool.ts';

/** The end of an answer, held back until its charge is durable. */
export interface HeldEnd {
  readonly kind: 'head' | 'part';
  readonly bytes: Buffer;
}

/** All times are monotonic ms unless named `…Sec` (Unix seconds). */
export class Work implements Timed, Ask {
  readonly client: ClientLink;
  readonly run: Run;
  readonly model: Model;
  /** Our id of the request, towards the worker and in the charge; the client's own never leaves this machine. */
  readonly id: Buffer;
  readonly key: string;
  readonly held: Tokens;
  readonly prefix: number | undefined;
  readonly arrivedMs: number;
  readonly startSec: number;
  readonly queueByMs: number;
  readonly firstByteByMs: number;
  readonly totalByMs: number;

  job: Job = queued;
  dueAtMs = 0;
  link: WorkerLink | undefined;
  /** Price of its worker when it got the request, thousandths. */
  coefficient = 0;
  attempts = 0;
  tried: Set<string> | undefined;
  lastFailure: Failure | undefined;
  assignedMs = 0;
  lastActivityMs = 0;
  stopByMs = Number.POSITIVE_INFINITY;
  headReceived = false;
  headSent = false;
  /** The worker has sent the end; nothing more comes from it. */
  workerDone = false;
  workerOk = true;
  /** The client said so, or is gone. */
  cancelled = false;
  /** Answer bytes the client still takes; unlimited for clients without flow control. */
  clientCredit: number;
  /** Answer bytes the worker may still send; unlimited for workers without flow control. */
  workerCredit = Number.POSITIVE_INFINITY;
  /** Received, and not yet sent on because the reader is slow. */
  readonly backlog: Buffer[] = [];
  backlogBytes = 0;
  receivedBytes = 0;
  deliveredBytes = 0;
  /** Has read the body bytes that went to the client before the end; made with the first of them. */
  scanner: UsageScanner | undefined;
  heldEnd: HeldEnd | undefined;
  /** The worker that answers, as it had proven itself when its answer began. */
  servedBy: ServedBy | undefined;
  final: WorkerFinal | undefined;
  billed: TokensUsed = NO_TOKENS;
  answerStartSec = 0;
  answerEndSec = 0;

  constructor(options: {
    client: ClientLink;
    run: Run;
    model: Model;
    id: Buffer;
    held: Tokens;
    prefix: number | undefined;
    nowMs: number;
    startSec: number;
    queueMs: number;
  }) {
    const { client, run, nowMs } = options;
    this.client = client;
    this.run = run;
    this.model = options.model;
    this.id = options.id;
    this.key = options.id.toString('latin1');
    this.held = options.held;
    this.prefix = options.prefix;
    this.arrivedMs = nowMs;
    this.startSec = options.startSec;
    this.queueByMs = nowMs + options.queueMs;
    this.firstByteByMs = nowMs + run.firstByteMs;
    this.totalByMs = nowMs + run.totalMs;
    this.clientCredit = run.window ?? Number.POSITIVE_INFINITY;
  }

  get maxCoefficient(): number {
    return this.run.maxCoefficient;
  }

  /** When somebody has to look at it next. */
  nextDueMs(): number {
    switch (this.job.state) {
      case 'queued':
        return Math.min(this.queueByMs, this.firstByteByMs, this.totalByMs);
      case 'waiting':
        return Math.min(this.firstByteByMs, this.totalByMs);
      case 'streaming':
        return this.workerMaySend ? Math.min(this.lastActivityMs + this.run.idleMs, this.totalByMs) : this.totalByMs;
      case 'stopping':
        return this.stopByMs;
      default:
        return Number.POSITIVE_INFINITY;
    }
  }

  /** Why it ends when that moment has passed. */
  overdue(nowMs: number): Failure {
    if (nowMs >= this.totalByMs) return failure('total_timeout', 'timeout in proxy: total time');
    if (this.job.state === 'streaming') return failure('idle_timeout', 'timeout in proxy: the worker went silent');
    if (nowMs >= this.firstByteByMs) return failure('first_byte_timeout', 'timeout in proxy: no first byte');
    const { name, links } = this.model;
    if (links.length === 0) return failure('no_worker', `no workers for model ${name}`);
    return failure('queue_timeout', `no ready workers for model ${name}`);
  }

  /** Whether silence is the worker's: it is neither done nor held back by a slow reader. */
  get workerMaySend(): boolean {
    return !this.workerDone && this.workerCredit > 0 && this.backlogBytes === 0;
  }
}
