/** What client and proxy settle before the first request. Source: client.md §4. */
import {
  type Address,
  clientContractAddress,
  formatAddress,
  parseAddress,
  proxyContractAddress,
  type RootConfig,
  TonError,
} from '@bombyx/ton';
import { type Connection, QueryError } from '@bombyx/transport';
import type { Tl, TlFunction, TlObject } from '@bombyx/wire';
import { ClientError } from './errors.ts';
import type { AccountKeys } from './money/money.ts';
import type { PaymentClaim } from './payments.ts';
import { refusal } from './refusal.ts';
import type { Secrets } from './secret.ts';

/** Versions this client speaks; 3 and 4 exist between Bombyx parts only, a C++ proxy answers 2. */
const MIN_PROTO_VERSION = 1;
const MAX_PROTO_VERSION = 4;

/** Who we are and what we compare with; the same for every proxy. */
export interface Introduction {
  /** Operating wallet: owner of the client contracts. */
  readonly wallet: Address;
  readonly root: RootConfig;
  readonly rootAddress: Address;
  readonly testnet: boolean;
  readonly checkProxyHashes: boolean;
  readonly secrets: Secrets;
  readonly timeouts: { readonly connectMs: number; readonly authorizeMs: number };
  /** Shows the proxy on the chain that our contract is ours. Absent without TON, where nothing has to be shown. */
  readonly register?: (account: AccountKeys, nonce: bigint, signal: AbortSignal) => Promise<void>;
}

/** What a handshake leads to. */
export interface Agreement {
  /** 0…3; 0 where the proxy named none. */
  readonly protoVersion: number;
  /** Text forms with the network's testnet bit, non-bounceable. */
  readonly proxyContract: string;
  readonly clientContract: string;
  readonly proxyPublicKey: Buffer;
  readonly keys: AccountKeys;
  /** In order of arrival. */
  readonly claims: readonly PaymentClaim[];
}

/**
 * Connects to a proxy and authenticates: with the short form if the proxy holds the hash of a secret of ours, else with
 * the long one, which the proxy may leave unanswered until a transaction is seen.
 * @throws {ClientError} `CLIENT_HANDSHAKE` for a proxy that does not fit (with what to look at), `CLIENT_NOT_READY` when
 *   it refuses; errors of the connection as they are
 */
export async function handshake(connection: Connection, intro: Introduction, signal: AbortSignal): Promise<Agreement> {
  if (intro.checkProxyHashes && !intro.root.proxyHashes.some((hash) => hash.equals(connection.peer.imageHash))) {
    throw misfit('the image of the proxy is not in the root contract', {
      imageHash: connection.peer.imageHash.toString('hex'),
    });
  }
  const hello = await ask(connection, connectToProxy(intro), intro.timeouts.connectMs, signal);
  if (hello.kind !== 'client.connectedToProxy') throw misfit(`the proxy introduces itself with ${hello.kind}`);
  const agreement = judge(hello, intro);
  const secret = secretFor(hello.auth, agreement.proxyContract, intro.secrets);
  const answer =
    secret === undefined
      ? await authorizeLong(connection, intro, agreement.keys, hello.auth.nonce, signal)
      : await ask(
          connection,
          { kind: 'client.authorizeWithProxyShort', data: secret },
          intro.timeouts.authorizeMs,
          signal,
        );
  if (answer.kind === 'client.authorizationWithProxyFailed') throw refused(answer.error_code, answer.error);
  if (answer.kind !== 'client.authorizationWithProxySuccess') throw misfit(`the proxy authorizes with ${answer.kind}`);
  const first: PaymentClaim = { signed_payment: hello.signed_payment };
  const second = {
    signed_payment: answer.signed_payment,
    dbTokens: answer.tokens_committed_to_db,
    maxTokens: answer.max_tokens,
  };
  return { ...agreement, claims: [first, second] };
}

/** The proxy answers when it sees the nonce on the chain; a registration that fails ends the wait. */
async function authorizeLong(
  connection: Connection,
  { register, timeouts }: Introduction,
  keys: AccountKeys,
  nonce: bigint,
  signal: AbortSignal,
): Promise<TlObject> {
  const giveUp = new AbortController();
  const either = AbortSignal.any([signal, giveUp.signal]);
  const answer = ask(connection, { kind: 'client.authorizeWithProxyLong' }, timeouts.authorizeMs, either);
  answer.catch(() => undefined); // awaited below, maybe after the registration has failed
  try {
    await Promise.race([answer, register?.(keys, nonce, either)].filter((one) => one !== undefined));
    return await answer;
  } finally {
    giveUp.abort();
  }
}

function connectToProxy({ wallet, root, testnet }: Introduction): Tl<'client.connectToProxy'> {
  return {
    kind: 'client.connectToProxy',
    params: {
      kind: 'client.params',
      flags: 3,
      client_owner_address: formatAddress(wallet, { testnet }),
      is_test: root.isTest,
      min_proto_version: MIN_PROTO_VERSION,
      max_proto_version: MAX_PROTO_VERSION,
    },
    min_config_version: root.version,
  };
}

/** Recomputes both contract addresses: a proxy that names others would have us pay into the wrong contract. */
function judge(
  { params, client_sc_address }: Tl<'client.connectedToProxy'>,
  intro: Introduction,
): Omit<Agreement, 'claims'> {
  const { root, rootAddress, testnet, wallet } = intro;
  if (params.is_test === undefined) throw misfit('the proxy is too old: it does not say whether it is a test');
  if (params.is_test !== root.isTest) throw misfit('proxy and client differ in is_test');
  const protoVersion = params.proto_version ?? 0;
  if (protoVersion < 0 || protoVersion > MAX_PROTO_VERSION)
    throw misfit(`the proxy chose protocol version ${protoVersion}`);
  const publicKey = Buffer.from(params.proxy_public_key);
  const proxy = proxyContractAddress(root, { owner: ownerOf(params.proxy_owner_address), publicKey, rootAddress });
  const client = clientContractAddress(root, { owner: wallet, proxy, publicKey });
  const proxyContract = formatAddress(proxy, { testnet });
  const clientContract = formatAddress(client, { testnet });
  if (params.proxy_sc_address !== proxyContract) {
    throw misfit('the proxy contract is not the one of its key, owner and root contract', { expected: proxyContract });
  }
  if (client_sc_address !== clientContract) {
    throw misfit('the client contract is not the one of our wallet at this proxy', { expected: clientContract });
  }
  const keys = { contract: client, proxy, proxyPublicKey: publicKey, paramsVersion: root.paramsVersion };
  return { protoVersion, proxyContract, clientContract, proxyPublicKey: publicKey, keys };
}

function ownerOf(text: string): Address {
  try {
    return parseAddress(text);
  } catch (cause) {
    throw cause instanceof TonError ? misfit('the address of the proxy owner does not parse', {}, cause) : cause;
  }
}

function secretFor(
  auth: Tl<'client.connectedToProxy'>['auth'],
  proxyContract: string,
  secrets: Secrets,
): Buffer | undefined {
  return auth.kind === 'client.proxyConnectionAuthShort'
    ? secrets.answering(auth.secret_hash, proxyContract)
    : undefined;
}

async function ask(connection: Connection, fn: TlFunction, timeoutMs: number, signal: AbortSignal): Promise<TlObject> {
  try {
    return await connection.query(fn, { timeoutMs, signal });
  } catch (error) {
    throw error instanceof QueryError ? refused(error.code, error.message) : error;
  }
}

function refused(cocoonCode: number, text: string): ClientError {
  return new ClientError('CLIENT_NOT_READY', `the proxy refuses: ${refusal(cocoonCode, text).message}`, { cocoonCode });
}

function misfit(message: string, detail: ClientError['detail'] = {}, cause?: unknown): ClientError {
  return new ClientError('CLIENT_HANDSHAKE', message, cause === undefined ? { detail } : { detail, cause });
}
