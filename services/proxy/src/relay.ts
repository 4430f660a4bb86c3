/**
 * Answer bytes from worker to client with flow control per request. A client of version 3 grants bytes
 * (`bombyx.window`), and the proxy passes the grants on to the worker: nothing is buffered beyond what was granted. To
 * older clients the connection itself is the brake. A worker without flow control that outruns its reader is buffered
 * up to a bound; then the request fails.
 */
import { UsageScanner } from '@bombyx/ledger';
import { headMessage, partMessage } from './client-dialect.ts';
import type { ProxyLimits } from './limits.ts';
import type { Work } from './work.ts';

/** Parts are sent on in pieces of at most so much, so that ours fit into a packet when theirs did. */
const PIECE = 4 << 20;

export class Relay {
  readonly #limits: Pick<ProxyLimits, 'bufferPerRequest' | 'bufferTotal' | 'window'>;
  #buffered = 0;
  #sentBytes = 0;

  constructor(limits: Pick<ProxyLimits, 'bufferPerRequest' | 'bufferTotal' | 'window'>) {
    this.#limits = limits;
  }

  /** Bytes of all backlogs. */
  get bufferedBytes(): number {
    return this.#buffered;
  }

  /** Answer bytes sent to clients so far. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** What a worker may send at first. */
  firstWindow(work: Work): number {
    return Math.max(0, Math.min(work.clientCredit, this.#limits.window));
  }

  /** @param bytes boxed `http.response` @param payload its body, which counts as delivered with it */
  head(work: Work, bytes: Buffer, payload: Buffer): void {
    work.headSent = true;
    this.#count(work, payload);
    work.client.send(headMessage(work.client.version, work.run.id, bytes, undefined, work.servedBy));
  }

  /** Takes bytes of the worker for the client. @returns false when the reader is too slow for them */
  push(work: Work, bytes: Buffer): boolean {
    work.receivedBytes += bytes.length;
    if (work.backlog.length === 0 && !work.workerDone && bytes.length <= this.#room(work)) {
      if (bytes.length > 0) this.#send(work, bytes);
      return true;
    }
    work.backlog.push(bytes);
    work.backlogBytes += bytes.length;
    this.#buffered += bytes.length;
    return work.backlogBytes <= this.#limits.bufferPerRequest && this.#buffered <= this.#limits.bufferTotal;
  }

  /**
   * Sends on what the client takes. @returns true when only the end is left and it fits: then it is in `work.heldEnd`
   */
  pump(work: Work): boolean {
    const { backlog } = work;
    while (backlog.length > 0) {
      const chunk = backlog[0]!;
      const room = this.#room(work);
      if (work.workerDone && backlog.length === 1 && chunk.length <= room) {
        this.#take(work, chunk.length);
        work.heldEnd = { kind: 'part', bytes: chunk };
        return true;
      }
      if (room <= 0) return false;
      const piece = chunk.length <= room ? chunk : chunk.subarray(0, room);
      this.#take(work, piece.length);
      if (piece.length > 0) this.#send(work, piece);
    }
    return false;
  }

  /** Bytes the worker may be granted now; they count as granted. 0 when it is not worth a message. */
  grant(work: Work): number {
    const { window } = this.#limits;
    const wanted = work.run.window === undefined ? (work.client.blocked ? 0 : window) : work.clientCredit;
    const more = Math.min(wanted - work.backlogBytes, window) - work.workerCredit;
    if (more <= 0 || (more < window / 4 && work.workerCredit >= window / 4)) return 0;
    work.workerCredit += more;
    return more;
  }

  /** Counts the end of an answer that the caller sends itself. */
  ended(work: Work, bytes: number): void {
    work.deliveredBytes += bytes;
    this.#sentBytes += bytes;
  }

  /** Forgets what is left for a client that gets no more of it. */
  drop(work: Work): void {
    this.#buffered -= work.backlogBytes;
    work.backlog.length = 0;
    work.backlogBytes = 0;
  }

  /** Bytes that may be sent at once. */
  #room(work: Work): number {
    return work.client.blocked ? -1 : Math.min(work.clientCredit, PIECE);
  }

  #send(work: Work, bytes: Buffer): void {
    this.#count(work, bytes);
    work.client.send(partMessage(work.client.version, work.run.id, bytes, undefined));
  }

  /** Bytes that go to the client, read for what they would cost if the end never came. */
  #count(work: Work, bytes: Buffer): void {
    work.clientCredit -= bytes.length;
    this.ended(work, bytes.length);
    if (bytes.length === 0) return;
    work.scanner ??= new UsageScanner();
    work.scanner.push(bytes);
  }

  #take(work: Work, bytes: number): void {
    const chunk = work.backlog[0]!;
    if (bytes === chunk.length) work.backlog.shift();
    else work.backlog[0] = chunk.subarray(bytes);
    work.backlogBytes -= bytes;
    this.#buffered -= bytes;
  }
}
