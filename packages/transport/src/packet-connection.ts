/** `tcp.*` packets over a byte stream: opening, messages, queries, keep-alive, back-pressure. Source: wire.md §6. */
import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { Duplex } from 'node:stream';
import { assertNever, type Clock, type Logger } from '@bombyx/base';
import {
  decode,
  decodeFunction,
  decodeOf,
  FrameCutter,
  FrameWriter,
  type TlFunction,
  type TlObject,
  type TlOfType,
  WireError,
} from '@bombyx/wire';
import type { Connection, ConnectionHandlers, PeerIdentity, QueryOptions } from './connection.ts';
import { asTransportError, QueryError, TransportError } from './errors.ts';
import { KeepAlive } from './keep-alive.ts';
import { HIGH_WATER_BYTES, LINGER_MS, MAX_INCOMING_QUERIES, STOP_READING_BYTES } from './limits.ts';
import { Outbox } from './outbox.ts';
import { OpenQueries } from './queries.ts';

type Packet = TlOfType<'tcp.Packet'>;

/** Longest text of a `tcp.queryError` we send, in characters. */
const MAX_ERROR_TEXT = 1024;

export interface PacketConnectionOptions {
  readonly side: 'connecting' | 'accepting';
  readonly peer: PeerIdentity;
  /** Called once both sides are ready, before the first message is handed over. */
  readonly handlersFor: (connection: Connection) => ConnectionHandlers;
  /** Proves this side again to a peer that asks for it. @throws {QueryError} */
  readonly prove?: ((nonce: Buffer) => Promise<Buffer>) | undefined;
}

export class PacketConnection implements Connection {
  readonly id = randomBytes(6).toString('hex');
  /** Replaced when the peer has proven itself again. */
  peer: PeerIdentity;
  /** Resolves when `tcp.connect` and `tcp.connected` were exchanged. @throws {TransportError} as `signal` */
  readonly opened: Promise<void>;
  readonly #socket: Duplex;
  readonly #options: PacketConnectionOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #ended = new AbortController();
  readonly #opening = Promise.withResolvers<void>();
  readonly #connectId = randomBytes(8).readBigInt64LE();
  readonly #cutter = new FrameCutter();
  readonly #writer = new FrameWriter();
  readonly #outbox: Outbox;
  readonly #queries: OpenQueries;
  readonly #keepAlive: KeepAlive;
  #handlers: ConnectionHandlers | undefined;
  /** As `signal.aborted`, which is two getters away: asked several times a message. */
  #over = false;
  /** Payloads that came while a handler was at work; reading is paused, so there is little more than one read of them. */
  #inbox: Buffer[] = [];
  #busy = false;
  /** The peer has closed; set while a handler is still at work on what it sent before. */
  #lastWords: TransportError | undefined;
  #reading = true;
  #incomingQueries = 0;

  constructor(socket: Duplex, options: PacketConnectionOptions, deps: { readonly clock: Clock; readonly log: Logger }) {
    this.peer = options.peer;
    this.#socket = socket;
    this.#options = options;
    this.#clock = deps.clock;
    this.#log = deps.log.child({ connection: this.id });
    this.opened = this.#opening.promise;
    this.opened.catch(() => {}); // told through `signal` as well; nobody has to listen here
    setMaxListeners(0, this.signal); // one per request that runs over the connection
    this.#outbox = new Outbox(socket, () => this.#clock.monotonicMs(), this.#adjustReading);
    this.#queries = new OpenQueries(this.#clock);
    this.#keepAlive = new KeepAlive(options.side, this.#clock, {
      ping: () => this.#handlers && this.#transport({ kind: 'tcp.ping', id: randomBytes(8).readBigInt64LE() }),
      busyPong: () => this.#pong(0n),
      fail: (error) => this.#end(error),
      stalledMs: (nowMs) => this.#outbox.stalledMs(nowMs),
    });
    socket.on('data', this.#receive);
    socket.on('error', (error) => this.#end(asTransportError(error, 'TRANSPORT_CLOSED', 'the connection broke')));
    socket.on('end', () => this.#endOfStream());
    socket.on('close', () => this.#endOfStream());
    if (options.side === 'connecting') this.#transport({ kind: 'tcp.connect', id: this.#connectId });
    socket.resume();
  }

  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  get bufferedBytes(): number {
    return this.#outbox.bufferedBytes;
  }

  send(message: TlObject): boolean {
    if (this.#over) return false;
    return this.#push(() => this.#writer.packet(message));
  }

  drained(): Promise<void> {
    return this.#outbox.drained();
  }

  query(fn: TlFunction, options: QueryOptions): Promise<TlObject> {
    if (this.#over || this.#lastWords) return Promise.reject(this.#lastWords ?? this.signal.reason);
    return this.#queries.ask(options, (id) => this.#push(() => this.#writer.query(id, fn)));
  }

  close(reason: string | TransportError = 'closed on this side'): void {
    const error = typeof reason === 'string' ? new TransportError('TRANSPORT_CLOSED', reason) : reason;
    this.#end(error, 'linger');
  }

  /** @throws {TransportError} `TRANSPORT_TOO_LARGE`; a full send buffer ends the connection instead */
  #push(makeFrame: () => Buffer): boolean {
    let frame: Buffer;
    try {
      frame = makeFrame();
    } catch (error) {
      if (!(error instanceof WireError)) throw error; // a mistake of ours, such as a field that contradicts its flags
      if (error.code === 'WIRE_FRAME_SIZE') {
        throw new TransportError('TRANSPORT_TOO_LARGE', error.message, error.detail, { cause: error });
      }
      this.#end(asTransportError(error, 'TRANSPORT_LIMIT', 'this connection can send no more'));
      return false;
    }
    try {
      return this.#outbox.push(frame);
    } catch (error) {
      this.#end(asTransportError(error, 'TRANSPORT_LIMIT', 'sending'));
      return false;
    }
  }

  #transport(packet: Packet): void {
    if (!this.#over) this.#push(() => this.#writer.transport(packet));
  }

  /** Where much is waiting to be read by the peer, that proves us alive, and one that floods us with pings gets none. */
  #pong(id: bigint): void {
    if (this.#outbox.bufferedBytes < HIGH_WATER_BYTES) this.#transport({ kind: 'tcp.pong', id });
  }

  #receive = (chunk: Buffer): void => {
    if (this.#over) return;
    this.#keepAlive.heard();
    try {
      this.#cutter.cut(chunk, this.#take);
    } catch (error) {
      this.#end(asTransportError(error, 'TRANSPORT_PROTOCOL', 'the peer broke the packet rules'));
    }
    this.#adjustReading();
  };

  #take = (payload: Buffer): void => {
    if (this.#busy) this.#inbox.push(payload);
    else if (!this.#over) this.#handle(payload);
  };

  /** A handler is done: what gathered meanwhile, then reading again. */
  #proceed = (): void => {
    this.#busy = false;
    const waiting = this.#inbox;
    this.#inbox = [];
    for (const payload of waiting) this.#take(payload);
    if (this.#lastWords && !this.#busy) this.#end(this.#lastWords);
    this.#adjustReading();
  };

  /** Reads unless a handler is at work, or this side answers a peer that leaves its answers lying. */
  #adjustReading = (): void => {
    const flooded = this.#options.side === 'accepting' && this.#outbox.bufferedBytes >= STOP_READING_BYTES;
    const reading = this.#over || !(this.#busy || flooded);
    if (reading === this.#reading) return;
    this.#reading = reading;
    this.#keepAlive.deaf = !reading;
    if (reading) this.#socket.resume();
    else this.#socket.pause();
  };

  #handle(payload: Buffer): void {
    try {
      const packet = decodeOf('tcp.Packet', payload);
      if (this.#handlers) this.#dispatch(packet, this.#handlers);
      else this.#open(packet);
    } catch (error) {
      this.#end(asTransportError(error, 'TRANSPORT_PROTOCOL', 'a packet could not be handled'));
    }
  }

  /** The first packet of each direction. The C++ connector does not compare the ids; a wrong one is a wrong peer. */
  #open(packet: Packet): void {
    const connecting = this.#options.side === 'connecting';
    if (packet.kind !== (connecting ? 'tcp.connected' : 'tcp.connect')) {
      throw new TransportError('TRANSPORT_PROTOCOL', `the connection opened with ${packet.kind}`);
    }
    if (connecting && packet.id !== this.#connectId) {
      throw new TransportError('TRANSPORT_PROTOCOL', 'tcp.connected with the id of another connection');
    }
    if (!connecting) this.#transport({ kind: 'tcp.connected', id: packet.id });
    try {
      this.#handlers = this.#options.handlersFor(this);
    } catch (error) {
      this.#fault(error);
      return;
    }
    this.#opening.resolve();
  }

  #dispatch(packet: Packet, handlers: ConnectionHandlers): void {
    switch (packet.kind) {
      case 'tcp.packet':
        this.#onMessage(packet.data, handlers);
        break;
      case 'tcp.query':
        void this.#onQuery(packet.id, packet.data, handlers);
        break;
      case 'tcp.queryAnswer':
        this.#onAnswer(packet.id, packet.data);
        break;
      case 'tcp.queryError':
        this.#queries.find(packet.id)?.reject(new QueryError(packet.code, packet.message));
        break;
      case 'tcp.ping':
        this.#pong(packet.id);
        break;
      case 'tcp.pong':
      case 'tcp.connect':
      case 'tcp.connected':
        break; // a pong was heard when its bytes came; the others are ignored once ready
      default:
        assertNever(packet);
    }
  }

  #onMessage(data: Buffer, handlers: ConnectionHandlers): void {
    let message: TlObject;
    try {
      message = decode(data);
    } catch (error) {
      if (!(error instanceof WireError) || error.code !== 'WIRE_UNKNOWN_TAG') throw error;
      this.#log.debug('dropped a message of unknown kind', error.detail as Record<string, string | number | bigint>);
      return;
    }
    let pending: void | Promise<void>;
    try {
      pending = handlers.onMessage(message);
    } catch (error) {
      this.#fault(error);
      return;
    }
    if (pending === undefined) return;
    this.#busy = true;
    pending.catch((error: unknown) => this.#fault(error)).finally(this.#proceed);
  }

  async #onQuery(id: bigint, data: Buffer, handlers: ConnectionHandlers): Promise<void> {
    if (this.#incomingQueries >= MAX_INCOMING_QUERIES) return this.#refuse(id, 651, 'too many open queries');
    this.#incomingQueries++;
    try {
      const result = await this.#answer(decodeFunction(data), handlers);
      if (!this.#over) this.#push(() => this.#writer.answer(id, result));
    } catch (error) {
      if (error instanceof QueryError) return this.#refuse(id, error.code, error.message);
      if (error instanceof WireError) return this.#refuse(id, 0, error.message);
      this.#log.error('a query handler failed', { reason: String(error) });
      this.#refuse(id, 0, 'internal error');
    } finally {
      this.#incomingQueries--;
    }
  }

  async #answer(fn: TlFunction, handlers: ConnectionHandlers): Promise<TlObject> {
    if (fn.kind !== 'bombyx.attest') return await handlers.onQuery(fn);
    if (this.#options.prove === undefined) throw new QueryError(621, 'this connection did not begin with evidence');
    return { kind: 'bombyx.evidence', bundle: await this.#options.prove(Buffer.from(fn.nonce)) };
  }

  #refuse(id: bigint, code: number, message: string): void {
    this.#transport({ kind: 'tcp.queryError', id, code, message: message.toWellFormed().slice(0, MAX_ERROR_TEXT) });
  }

  #onAnswer(id: bigint, data: Buffer): void {
    const query = this.#queries.find(id);
    if (query === undefined) return;
    try {
      query.resolve(decode(data));
    } catch (error) {
      query.reject(asTransportError(error, 'TRANSPORT_PROTOCOL', 'the answer is malformed'));
    }
  }

  /** A handler threw: our service is in an unknown state about this peer, so the peer has to start anew. */
  #fault(error: unknown): void {
    this.#log.error('a message handler failed', { reason: error instanceof Error ? error.message : String(error) });
    this.#end(asTransportError(error, 'TRANSPORT_CLOSED', 'a message handler failed'));
  }

  /**
   * C++ peers close without a TLS alert, so every end of stream looks the same; inside a frame it is worth a word. What
   * came before the end is still handed over, but nothing is waited for any more.
   */
  #endOfStream(): void {
    let error = new TransportError('TRANSPORT_CLOSED', 'the peer closed the connection');
    try {
      this.#cutter.end();
    } catch (cause) {
      error = asTransportError(cause, 'TRANSPORT_CLOSED', 'the peer closed the connection');
    }
    if (!this.#busy) {
      this.#end(error);
      return;
    }
    this.#lastWords ??= error;
    this.#keepAlive.stop();
    this.#queries.failAll(error);
    this.#outbox.end(error, () => {}); // the handler may be waiting for room
  }

  /** The one end of a connection: who waits is told, then the socket goes, with `linger` after what was sent is out. */
  #end(error: TransportError, mode: 'now' | 'linger' = 'now'): void {
    if (this.#over) return;
    this.#log.debug('connection ended', { code: error.code, reason: error.message });
    this.#keepAlive.stop();
    this.#inbox = [];
    this.#over = true;
    this.#ended.abort(error);
    this.#opening.reject(error);
    this.#queries.failAll(error);
    if (mode === 'now' || this.#socket.destroyed) {
      this.#outbox.end(error, () => {});
      this.#socket.destroy();
      return;
    }
    const cancelTimer = this.#clock.after(LINGER_MS, () => this.#socket.destroy());
    this.#socket.once('close', cancelTimer);
    this.#socket.resume(); // what still comes is read and dropped, or the kernel would answer with a reset
    this.#outbox.end(error, () => this.#socket.end());
  }
}
