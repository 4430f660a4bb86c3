/** A session with everything behind it real but the connection: for tests of single requests. */
import { silentLogger, systemClock } from '@bombyx/base';
import { parseAddress } from '@bombyx/ton';
import { decodeOf, type Tl, type TlObject } from '@bombyx/wire';
import type { EarningsDiary } from '../src/api.ts';
import { Coefficients } from '../src/coefficient.ts';
import { PaymentMemory } from '../src/memory.ts';
import { Runner } from '../src/runner.ts';
import { Session } from '../src/session.ts';
import { Stats } from '../src/stats.ts';
import { Upstream } from '../src/upstream.ts';
import { type Answer, type Backend, startBackend } from './backend.ts';
import { FakeConnection, honest, OWNER, ProxyParty, type Replies, ROOT_ADDRESS, recordedRoot } from './fake-proxy.ts';

export interface RigOptions {
  readonly version?: number | undefined;
  readonly maxActive?: number;
  readonly origin?: string;
  readonly model?: string;
  readonly replies?: Replies;
  readonly party?: ProxyParty;
  readonly memory?: PaymentMemory;
  readonly diary?: EarningsDiary;
}

/** Everything the proxy saw of one answer. */
export interface Received {
  readonly head: Tl<'http.response'> | undefined;
  readonly body: string;
  readonly parts: number;
  readonly error: { readonly code: number; readonly reason: string; readonly message: string } | undefined;
  readonly tokens: readonly number[] | undefined;
}

export class Rig implements AsyncDisposable {
  root = recordedRoot();
  readonly stats = new Stats(systemClock);
  readonly coefficients = new Coefficients(1_000, systemClock);
  readonly party: ProxyParty;
  readonly backend: Backend;
  readonly upstream: Upstream;
  readonly runner: Runner;
  readonly connection: FakeConnection;
  readonly session: Session;
  readonly memory: PaymentMemory;
  disabled = false;

  static async start(answer: Answer, options: RigOptions = {}): Promise<Rig> {
    const memory = options.memory ?? (await PaymentMemory.open('', { clock: systemClock, log: silentLogger }));
    const rig = new Rig(await startBackend(answer), memory, options);
    return rig;
  }

  /** A rig whose handshake is done. */
  static async ready(answer: Answer, options: RigOptions = {}): Promise<Rig> {
    const rig = await Rig.start(answer, options);
    await rig.session.open();
    return rig;
  }

  private constructor(backend: Backend, memory: PaymentMemory, options: RigOptions) {
    const version = 'version' in options ? options.version : 3;
    const { maxActive = 10, origin = backend.origin, model = 'm' } = options;
    this.backend = backend;
    this.memory = memory;
    this.party = options.party ?? new ProxyParty(this.root);
    this.connection = new FakeConnection(options.replies ?? honest(this.party, version));
    this.upstream = new Upstream({ origin, connections: maxActive });
    const common = { clock: systemClock, log: silentLogger };
    this.runner = new Runner({ maxActive }, { upstream: this.upstream, stats: this.stats, ...common });
    this.session = new Session(this.connection, {
      ...common,
      root: () => this.root,
      memory,
      isDisabled: () => this.disabled,
      coefficients: this.coefficients,
      runner: this.runner,
      diary: options.diary,
      rules: { model, refusedPaths: [] },
      identity: {
        owner: parseAddress(OWNER),
        rootAddress: parseAddress(ROOT_ADDRESS),
        model: `${model}@c:h`,
        isTest: true,
        isTestnet: false,
        proxyCount: 1,
        maxActiveRequests: maxActive,
        checkProxyHashes: false,
        timeoutMs: 5_000,
      },
    });
  }

  /** Sends a request and waits for the end of its answer. */
  async run(message: TlObject & { request_id: Buffer }): Promise<Received> {
    this.session.onMessage(message);
    await this.connection.until(() => this.ended(message.request_id));
    return this.received(message.request_id);
  }

  ended(id: Buffer): boolean {
    return this.connection.sent.some((one) => isOf(one, id) && isLast(one));
  }

  received(id: Buffer): Received {
    let head: Tl<'http.response'> | undefined;
    let body = '';
    let parts = 0;
    let error: Received['error'];
    let tokens: Received['tokens'];
    for (const one of this.connection.sent) {
      if (!isOf(one, id)) continue;
      parts += 1;
      switch (one.kind) {
        case 'bombyx.answerHead':
        case 'proxy.queryAnswerEx':
        case 'proxy.queryAnswer':
          if (head !== undefined) throw new Error('two heads');
          head = decodeOf('http.response', one.answer);
          body += head.payload.toString('latin1');
          break;
        case 'bombyx.answerPart':
          body += one.data.toString('latin1');
          break;
        case 'proxy.queryAnswerPartEx':
        case 'proxy.queryAnswerPart':
          body += one.answer.toString('latin1');
          break;
        case 'bombyx.answerError':
          error = { code: one.error_code, reason: one.reason, message: one.message };
          break;
        case 'proxy.queryAnswerErrorEx':
        case 'proxy.queryAnswerPartError':
          error = { code: one.error_code, reason: '', message: one.error };
          break;
        default:
          throw new Error(`unexpected ${one.kind}`);
      }
      const used =
        'final_info' in one ? one.final_info?.tokens_used : 'tokens_used' in one ? one.tokens_used : undefined;
      if (isLast(one) && used !== undefined) {
        tokens = [
          used.prompt_tokens_used,
          used.cached_tokens_used,
          used.completion_tokens_used,
          used.reasoning_tokens_used,
          used.total_tokens_used,
        ].map(Number);
      }
    }
    return { head, body, parts, error, tokens };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.connection.close();
    await this.upstream[Symbol.asyncDispose]();
    await this.backend[Symbol.asyncDispose]();
  }
}

function isOf(message: TlObject, id: Buffer): message is TlObject & { request_id: Buffer } {
  return 'request_id' in message && Buffer.isBuffer(message.request_id) && message.request_id.equals(id);
}

function isLast(message: TlObject): boolean {
  if ('final_info' in message && message.final_info !== undefined) return true;
  if ('is_completed' in message) return message.is_completed === true;
  return message.kind === 'proxy.queryAnswerPartError';
}
