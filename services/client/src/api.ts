import type { AttestedPeer } from '@bombyx/attest';
import type { Clock, Logger, Random, RateArray } from '@bombyx/base';
import type { Chain, RootConfig } from '@bombyx/ton';
import type { CostDiary } from './bill.ts';
import type { ClientError } from './errors.ts';
import type { ClientSecurity } from './security.ts';
import type { Tier } from './tier.ts';

/** Header lines in order; names in any case, values without CR or LF. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

/** What one request may take, in milliseconds, each counted by the client itself. */
export interface RequestTimeouts {
  /** From the call of `run` to the head of the answer, tries at other proxies included. */
  readonly firstByteMs: number;
  /** Between two parts of the answer; does not run while the reader is the slow one, nor at proxies of C++ (version ≤ 2). */
  readonly idleMs: number;
  /** From the call of `run` to the end. */
  readonly totalMs: number;
}

/** One inference request as it came from the caller. */
export interface ClientRequest {
  /** Base model name, e.g. `Qwen/Qwen3-8B`. */
  readonly model: string;
  readonly method: string;
  /** `/v1/…`, query string included. */
  readonly path: string;
  /** The caller's headers. Only the few an inference server needs are sent on. */
  readonly headers: HeaderList;
  /** Sent on byte for byte; owned by the client until the request ends. */
  readonly body: Buffer;
  /** Tokens reserved at the proxy; 0…2^31−1, usually 1000. Also belongs into the JSON of the body. */
  readonly maxTokens: number;
  /** Highest price of a worker accepted, in thousandths; 0…2^31−1, usually 4000. */
  readonly maxCoefficient: number;
  readonly timeouts: RequestTimeouts;
  /** Asks proxy and worker for the debug texts of {@link FinalInfo}. */
  readonly enableDebug: boolean;
  /** Whoever pays for it, if somebody keeps an account; absent: it costs whatever it costs. */
  readonly payer?: Payer;
}

/** The account that one request is paid from. */
export interface Payer {
  /** Shown where costs are told apart. */
  readonly name: string;
  /**
   * A proxy is about to get the request, and may bill up to `most` nanoTON. Asked again for each further proxy.
   * @returns what hears the bill, exactly once and maybe long after the request is over: undefined if it will never be
   *   known. Nothing, when that much may not be spent: the request is not sent then
   */
  hold(most: bigint): ((bill: bigint | undefined) => void) | undefined;
}

/** Adjusted tokens of one request, as billed; `total` is the sum of the others. */
export interface TokensUsed {
  readonly prompt: bigint;
  readonly cached: bigint;
  readonly completion: bigint;
  readonly reasoning: bigint;
  readonly total: bigint;
}

/** Unix seconds with fraction. */
export interface HopTimes {
  readonly proxyStart: number;
  readonly proxyEnd: number;
  readonly workerStart: number;
  readonly workerEnd: number;
}

/** What the last packet of an answer says about the whole of it. */
export interface FinalInfo {
  readonly tokens: TokensUsed;
  /** JSON text as the worker wrote it, not checked. */
  readonly workerDebug?: string;
  /** JSON text as the proxy wrote it, not checked. */
  readonly proxyDebug?: string;
  readonly times?: HopTimes;
  readonly receipt?: Buffer;
  readonly evidence?: Buffer;
}

/**
 * Receives one answer, in order: head once, part any number of times, then exactly one of end or error
 * (an error may come at any time, also before the head). Never called from inside `run`, `consumed` or `cancel`.
 * Header names and values are checked; hop-by-hop headers are gone.
 */
export interface AnswerSink {
  head(status: number, reason: string, headers: HeaderList): void;
  /** @param bytes a view that stays valid; report it with {@link RunningRequest.consumed} once written on */
  part(bytes: Buffer): void;
  end(final: FinalInfo): void;
  error(error: ClientError): void;
}

export interface RunningRequest {
  /** Hex of the random id under which the first proxy knows this request. */
  readonly id: string;
  /** The reader took `bytes` more body bytes: lets the proxy send as many again. */
  consumed(bytes: number): void;
  /** The caller left: stops the request at the proxy too; the sink hears nothing more. Idempotent. */
  cancel(): void;
}

/** What a connected proxy has proven, and its workers to it, with all that is needed to check it again. */
export interface ProxyProof {
  /** `ip:port` */
  readonly address: string;
  readonly tier: Tier;
  readonly shown: ShownProof;
  /** What our verdict found; absent behind a router. */
  readonly verdict?: AttestedPeer;
  readonly workers: readonly WorkerProof[];
  /** Why the proxy does not tell of its workers; absent where it does. */
  readonly trouble?: string;
}

export interface WorkerProof {
  readonly tier: string;
  /** `name@commit:hash` or only a name. */
  readonly model: string;
  /** SHA-256 of the proof: what {@link EVIDENCE_HEADER} of answers names. */
  readonly evidence: Buffer;
  readonly shown: ShownProof;
}

/** A proof as it was judged. Byte strings are owned by the reader. */
export interface ShownProof {
  /** `fresh`: an encoded bundle, bound to one connection; `certificate`: DER. */
  readonly form: 'fresh' | 'certificate';
  readonly proof: Buffer;
  readonly publicKey: Buffer;
  readonly imageHash: Buffer;
  /** What the bundle is bound to, 32 bytes each; of the fresh form. */
  readonly nonce?: Buffer;
  readonly exporter?: Buffer;
  /** Name of the policy that admitted it, at the side that judged. */
  readonly policy: string;
  readonly judgedAtMs: number;
}

export interface ModelInfo {
  readonly id: string;
  readonly workers: readonly {
    /** Price in thousandths. */
    readonly coefficient: number;
    readonly runningRequests: number;
    readonly maxRunningRequests: number;
  }[];
}

/** Members of `/jsonstats` as the C++ client names them, and ours (`requests`, `usage_checks`). JSON-safe. */
export interface ClientSnapshot {
  readonly status: {
    readonly wallet_balance: number;
    readonly ton_last_synced_at: number;
    readonly enabled: boolean;
    /** Why no request can be answered, and what to do, where somebody has to do something. */
    readonly problem: string | null;
    readonly git_commit: string;
    readonly git_commit_data: string;
  };
  readonly stats: {
    readonly queries: RateArray;
    readonly success: RateArray;
    readonly failed: RateArray;
    readonly bytes_received: RateArray;
    readonly bytes_sent: RateArray;
    readonly time: RateArray;
  };
  readonly wallet: {
    readonly address: string;
    readonly balance: number;
    readonly seqno: number;
    readonly pending_transactions_cnt: number;
    readonly active_transactions_cnt: number;
  };
  readonly localconf: {
    readonly root_address: string;
    readonly owner_address: string;
    readonly check_proxy_hash: boolean;
  };
  readonly root_contract_config: Readonly<Record<string, unknown>>;
  readonly proxy_connections: readonly {
    readonly address: string;
    readonly is_ready: boolean;
    readonly proxy_sc_address: string;
    readonly proto_version: number;
    readonly attestation: string;
    readonly running: number;
    readonly recent_failures: number;
    /** Why it is not ready, as the last try ended; empty while it is. */
    readonly last_error: string;
  }[];
  readonly proxies: readonly {
    readonly proxy_sc_address: string;
    readonly proxy_public_key: string;
    readonly sc_address: string;
    readonly state: number;
    readonly tokens_used_proxy_committed_to_blockchain: number;
    readonly tokens_used_proxy_committed_to_db: number;
    readonly tokens_used_proxy_max: number;
    readonly tokens_charged: number;
    readonly tokens_payed: number;
    readonly tokens_signed: number;
    /** What is on the chain, nanoTON and Unix seconds; 0 without TON, and where there is no contract yet. */
    readonly balance: number;
    readonly stake: number;
    readonly unlock_at: number;
    /** Newest transaction of our contract, `LT:HASH`; empty before. */
    readonly last_transaction: string;
    /** What we are doing about it, and what came of the deed before. */
    readonly under_way: string;
    readonly last_deed: string;
    /** Why something that is due is not done; empty when all is well. */
    readonly trouble: string;
    /** Why nothing is paid in and asked for there any more; absent when all is well. */
    readonly fault?: AccountFault;
  }[];
  /** Absent without TON. NanoTON. */
  readonly money?: {
    /** How much to send where; empty when nothing is lacking. */
    readonly lack: string;
    readonly topped_up_today: number;
    readonly top_up_per_day: number;
  };
  /** How many requests run now and how often one was tried again at another proxy. */
  readonly requests: {
    readonly running: number;
    readonly retried: number;
    readonly errors: Readonly<Record<string, number>>;
  };
  /** Checks of what proxies claim to have used; every disagreement is counted, the latest few are listed. */
  readonly usage_checks: {
    readonly checked: number;
    readonly disagreements: number;
    readonly latest: readonly {
      readonly proxy_sc_address: string;
      readonly request_id: string;
      readonly failures: readonly string[];
    }[];
  };
}

/** The evidence of a disagreement: numbers and hashes only. */
export interface AccountFault {
  readonly at: number;
  readonly failures: readonly string[];
  readonly request_id: string;
  /** Adjusted tokens, decimal. */
  readonly claimed: string;
  readonly explained: string;
  /** SHA-256 of the newest signed payment, hex. */
  readonly signed_payment_hash: string;
}

/** What the owner may order at one proxy, named by the address of its contract. */
export interface ManagementActions {
  /** Each resolves once the message is on its way. @throws {BombyxError} with the reason, for the owner to read */
  charge(proxyContract: string): Promise<void>;
  topup(proxyContract: string): Promise<void>;
  withdraw(proxyContract: string): Promise<void>;
  close(proxyContract: string): Promise<void>;
  /** Forgives a fault: coins and requests go there again. */
  trust(proxyContract: string): Promise<void>;
}

export interface Client extends AsyncDisposable {
  /** Absent without TON. */
  readonly management: ManagementActions | undefined;

  /** Starts a request; whatever happens, also a request that cannot be sent, reaches `sink`. */
  run(request: ClientRequest, sink: AnswerSink): RunningRequest;
  /**
   * The most that one proxy may bill for `request`, in nanoTON, and a trifle more.
   * @throws {ClientError} `CLIENT_BAD_REQUEST` for one that cannot be sent
   */
  mostCost(request: ClientRequest): bigint;
  /**
   * Models of all ready proxies, merged by name and sorted; at most one second old.
   * @throws {ClientError} `CLIENT_NO_PROXY`; when all proxies fail the error of the first
   */
  models(): Promise<ModelInfo[]>;
  /**
   * Proofs of all ready proxies and of their workers, up to 16 each.
   * @param evidence SHA-256 of the one proof of a worker that is asked for
   */
  proofs(evidence?: Buffer): Promise<ProxyProof[]>;
  snapshot(): ClientSnapshot;
  /** At least one proxy takes requests now. */
  readonly ready: boolean;
  /** Resolves when {@link ready} first holds (at once if it does); rejects with the signal's reason, or with `CLIENT_CLOSED`. */
  whenReady(signal?: AbortSignal): Promise<void>;
}

export type ClientDeps = {
  readonly clock: Clock;
  readonly log: Logger;
  /** Hears of every request that was billed. */
  readonly diary?: CostDiary | undefined;
  /** Source of request ids and of the secret; the machine's by default. */
  readonly random?: Random;
  /** Needed for every attestation and policy but `none`, `any` and `fake_tdx`. */
  readonly security?: ClientSecurity | undefined;
} & (
  | {
      /** In the mode without TON the file of `--disable-ton`. */
      readonly root: RootConfig;
      readonly chain?: undefined;
    }
  | {
      /** With it the root contract is read, and paid for what is used. */
      readonly chain: Chain;
      readonly root?: undefined;
    }
);
