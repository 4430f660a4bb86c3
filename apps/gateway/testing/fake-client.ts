import type {
  AnswerSink,
  Client,
  ClientRequest,
  ClientSnapshot,
  FinalInfo,
  ManagementActions,
  ModelInfo,
  ProxyProof,
  RunningRequest,
} from '@bombyx/client';
import { ClientError } from '@bombyx/client';

/** One request as the gateway sent it, and what it did with the answer. */
export interface FakeRun {
  readonly request: ClientRequest;
  readonly sink: AnswerSink;
  readonly id: string;
  consumed: number;
  cancelled: boolean;
  /** Called on every grant. */
  onConsumed: (bytes: number) => void;
  onCancel: () => void;
  /** Tells the payer what it costs, in nanoTON; the end of the answer does, too. Only the first call counts. */
  bill: (nanoTon: bigint | undefined) => void;
}

/** What plays the rest of the network: answers a request through its sink, or leaves it waiting. */
export type Backend = (run: FakeRun) => unknown;

/** nanoTON a token. */
export const PRICE = 2n;
export const TOKENS: FinalInfo['tokens'] = { prompt: 34n, cached: 0n, completion: 9n, reasoning: 0n, total: 43n };

/** A client without a network. Keeps the promise that a sink is never called from inside `run`. */
export class FakeClient implements Client {
  readonly runs: FakeRun[] = [];
  models_: ModelInfo[] = [
    { id: 'Qwen/Qwen3-8B', workers: [{ coefficient: 1000, runningRequests: 0, maxRunningRequests: 60 }] },
  ];
  ready = true;
  management: ManagementActions | undefined;
  /** What {@link snapshot} says, besides what it always does. */
  more: Partial<ClientSnapshot> = {};
  backend: Backend;

  constructor(backend: Backend) {
    this.backend = backend;
  }

  /** The latest request. */
  get last(): FakeRun {
    return this.runs.at(-1) as FakeRun;
  }

  run(request: ClientRequest, sink: AnswerSink): RunningRequest {
    const settle = request.payer?.hold(this.mostCost(request));
    let billed = false;
    const bill: FakeRun['bill'] = (nanoTon) => {
      if (!billed) settle?.(nanoTon);
      billed = true;
    };
    const run: FakeRun = {
      request,
      sink: {
        head: (status, reason, headers) => sink.head(status, reason, headers),
        part: (bytes) => sink.part(bytes),
        end(final) {
          bill(final.tokens.total * PRICE);
          sink.end(final);
        },
        error(error) {
          bill(0n);
          sink.error(error);
        },
      },
      bill,
      id: (this.runs.length + 1).toString(16).padStart(64, '0'),
      consumed: 0,
      cancelled: false,
      onConsumed() {},
      onCancel() {},
    };
    this.runs.push(run);
    setImmediate(() => {
      if (run.cancelled) return;
      if (request.payer && !settle)
        sink.error(new ClientError('CLIENT_BALANCE', 'the payer does not pay for another try'));
      else this.backend(run);
    });
    return {
      id: run.id,
      consumed(bytes) {
        run.consumed += bytes;
        run.onConsumed(bytes);
      },
      cancel() {
        run.cancelled = true;
        run.onCancel();
      },
    };
  }

  mostCost({ body, maxTokens }: ClientRequest): bigint {
    return PRICE * BigInt(body.length + maxTokens);
  }

  async models(): Promise<ModelInfo[]> {
    return this.models_;
  }

  /** What {@link proofs} tells, whatever is asked for. */
  proofs_: ProxyProof[] = [];

  async proofs(): Promise<ProxyProof[]> {
    return this.proofs_;
  }

  snapshot(): ClientSnapshot {
    return { ...SNAPSHOT, ...this.more };
  }

  async whenReady(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}

const RATES = [1, 0, 0, 0, 0, 0, 0];

const SNAPSHOT: ClientSnapshot = {
  status: {
    wallet_balance: 0,
    ton_last_synced_at: 1_795_357_675,
    enabled: true,
    problem: null,
    git_commit: '',
    git_commit_data: '',
  },
  stats: { queries: RATES, success: RATES, failed: RATES, bytes_received: RATES, bytes_sent: RATES, time: RATES },
  wallet: { address: 'UQ<script>', balance: 0, seqno: 7, pending_transactions_cnt: 0, active_transactions_cnt: 0 },
  localconf: { root_address: 'EQ', owner_address: 'UQ', check_proxy_hash: false },
  root_contract_config: { version: 3, proxy_hashes: ['3EBA'], registered_proxies: [] },
  proxy_connections: [
    {
      address: '[127.0.0.1:11002]',
      is_ready: true,
      proxy_sc_address: 'UQ',
      proto_version: 3,
      attestation: 'fake_tdx',
      running: 0,
      recent_failures: 0,
      last_error: '',
    },
  ],
  proxies: [],
  requests: { running: 0, retried: 0, errors: {} },
  usage_checks: { checked: 0, disagreements: 0, latest: [] },
};
