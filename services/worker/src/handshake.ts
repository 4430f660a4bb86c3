/** The worker's half of the handshake, from a ready connection to a ready session. Source: worker.md §3. */
import {
  type Address,
  formatAddress,
  initAddress,
  parseAddress,
  proxyContractAddress,
  type RootConfig,
} from '@bombyx/ton';
import type { Connection } from '@bombyx/transport';
import type { Tl, TlFunction, TlName, TlObject } from '@bombyx/wire';
import { WorkerError } from './errors.ts';
import type { PaymentMemory } from './memory.ts';
import { birthOf } from './money/birth.ts';
import type { Account } from './payments.ts';

export const MIN_PROTO_VERSION = 1;
/** 3 is Bombyx's own; C++ proxies answer 2. */
export const MAX_PROTO_VERSION = 3;

/** What this worker says about itself, and what it measures proxies by. */
export interface WorkerIdentity {
  readonly owner: Address;
  readonly rootAddress: Address;
  /** Full text, `name@commit:hash`. */
  readonly model: string;
  readonly isTest: boolean;
  readonly isTestnet: boolean;
  readonly proxyCount: number;
  readonly maxActiveRequests: number;
  readonly checkProxyHashes: boolean;
  readonly timeoutMs: number;
}

export interface HandshakeDeps {
  readonly root: RootConfig;
  readonly memory: PaymentMemory;
  readonly coefficient: () => number;
  readonly isDisabled: () => boolean;
  /** Called right before the last query: from then on the proxy may send requests, even ahead of its answer. */
  readonly onCompleting: (agreed: Agreement) => void;
}

export interface Agreement {
  readonly version: number;
  readonly account: Account;
  readonly proxyContract: string;
  /** What the proxy was told with the last query. */
  readonly saidDisabled: boolean;
  /** Adjusted tokens the proxy stated before and knows no more; 0 for a proxy in order. */
  readonly lostTokens: bigint;
}

/** @throws {WorkerError} `WORKER_HANDSHAKE`, `WORKER_ADDRESS`, `WORKER_PAYMENT`; {QueryError} as the proxy sent it */
export async function handshake(
  connection: Connection,
  identity: WorkerIdentity,
  deps: HandshakeDeps,
): Promise<Agreement> {
  const { imageHash } = connection.peer;
  if (identity.checkProxyHashes && !deps.root.proxyHashes.some((allowed) => allowed.equals(imageHash))) {
    throw new WorkerError('WORKER_HANDSHAKE', 'invalid proxy hash', { hash: imageHash.toString('hex') });
  }
  const ask = async <Name extends TlName>(fn: TlFunction, kind: Name): Promise<Tl<Name>> =>
    expectKind(await connection.query(fn, { timeoutMs: identity.timeoutMs, signal: connection.signal }), kind);

  const connected = await ask(
    {
      kind: 'worker.connectToProxy',
      params: {
        kind: 'worker.params',
        flags: 3,
        worker_owner_address: formatAddress(identity.owner, { testnet: identity.isTestnet }),
        model: identity.model,
        coefficient: deps.coefficient(),
        is_test: identity.isTest,
        proxy_cnt: identity.proxyCount,
        max_active_requests: identity.maxActiveRequests,
        min_proto_version: MIN_PROTO_VERSION,
        max_proto_version: MAX_PROTO_VERSION,
      },
    },
    'worker.connectedToProxy',
  );
  const { version, account, proxyContract } = judgeProxy(connected, identity, deps);

  // Chain and disk totals cannot fall at an honest proxy. What it only stated can, when it was killed: a C++ proxy
  // never lets a worker in again that insists, so below version 3 we do not.
  const { signed, db, max } = account.totals;
  const compared = await ask(
    {
      kind: 'worker.compareBalanceWithProxy',
      tokens_committed_to_blockchain: signed,
      tokens_committed_to_db: db,
      max_tokens: version >= 3 ? max : db,
    },
    'worker.compareBalanceWithProxyResult',
  );
  account.demand(compared.signed_payment);
  if (compared.tokens_committed_to_db < db) {
    throw new WorkerError('WORKER_PAYMENT', 'tokens_committed_to_db is too low', {
      was: db,
      is: compared.tokens_committed_to_db,
    });
  }
  if (compared.error_code !== 0) {
    const extended = await ask(
      { kind: 'worker.extendedCompareBalanceWithProxy', tokens_committed_to_db: db, other: Buffer.alloc(0) },
      'worker.extendedCompareBalanceWithProxyResult',
    );
    if (extended.error_code !== 0) {
      throw new WorkerError('WORKER_PAYMENT', 'cannot reconcile payment information', { code: extended.error_code });
    }
  }
  account.offerTotals(compared.tokens_committed_to_db, 0n);
  const lostTokens = compared.max_tokens < max ? account.forgetUncommitted(compared.max_tokens) : 0n;
  account.offerTotals(0n, compared.max_tokens);

  const agreed = { version, account, proxyContract, saidDisabled: deps.isDisabled(), lostTokens };
  deps.onCompleting(agreed);
  await ask(
    { kind: 'worker.proxyHandshakeComplete', is_disabled: agreed.saidDisabled },
    'worker.proxyHandshakeCompleted',
  );
  return agreed;
}

function judgeProxy(
  { params, worker_sc_address }: Tl<'worker.connectedToProxy'>,
  identity: WorkerIdentity,
  { root, memory }: HandshakeDeps,
): Pick<Agreement, 'version' | 'account' | 'proxyContract'> {
  if ((params.flags & 3) === 0) throw new WorkerError('WORKER_HANDSHAKE', 'proxy is too old');
  if (params.flags & 1 && params.is_test !== identity.isTest) {
    throw new WorkerError('WORKER_HANDSHAKE', 'test mode mismatch');
  }
  const version = params.proto_version ?? 0;
  if (version < 0 || version > MAX_PROTO_VERSION) {
    throw new WorkerError('WORKER_HANDSHAKE', 'cannot choose common protocol version', { version });
  }
  const publicKey = Buffer.from(params.proxy_public_key);
  const proxyOwner = parseAddress(params.proxy_owner_address);
  const proxyContract = proxyContractAddress(root, { owner: proxyOwner, publicKey, rootAddress: identity.rootAddress });
  const birth = birthOf(root, { owner: identity.owner, proxy: proxyContract, publicKey });
  const workerContract = initAddress(birth);
  judgeAddress('PROXY SC ADDRESS IS UNEXPECTED', params.proxy_sc_address, proxyContract);
  judgeAddress('WORKER SC ADDRESS IS UNEXPECTED', worker_sc_address, workerContract);
  const account = memory.account({ proxyPublicKey: publicKey, proxyContract, workerContract, birth });
  return { version, account, proxyContract: formatAddress(proxyContract, { testnet: identity.isTestnet }) };
}

function judgeAddress(failure: string, claimed: string, computed: Address): void {
  if (parseAddress(claimed).equals(computed)) return;
  const expected = computed.toRawString();
  throw new WorkerError('WORKER_ADDRESS', `${failure}: other owner, key, root or parameters`, { expected });
}

function expectKind<Name extends TlName>(value: TlObject, kind: Name): Tl<Name> {
  if (value.kind === kind) return value as Tl<Name>; // `kind` is what tells the constructors apart
  throw new WorkerError('WORKER_HANDSHAKE', `expected ${kind}, the proxy answered ${value.kind}`);
}
