/** The client's money: its wallet, one keeper for each account at a proxy, and what the owner may order. */
import { createHash } from 'node:crypto';
import { type Clock, type Logger, type NanoTon, type Random, Scope, wait } from '@bombyx/base';
import {
  type Address,
  type Chain,
  formatAddress,
  operatingWallet,
  privateKeyFromSeed,
  publicKeyBytes,
  publicKeyFromBytes,
  type RootConfig,
  type RootSource,
} from '@bombyx/ton';
import type { ClientConfig } from '../config.ts';
import { ClientError } from '../errors.ts';
import { PaymentBook } from '../payments.ts';
import { Secrets } from '../secret.ts';
import { UsageAudit } from '../usage-audit.ts';
import { Keeper, type Terms } from './keeper.ts';
import { type AccountRecord, MoneyMemory, type TopUpOrder } from './memory.ts';
import { ClientPurse } from './purse.ts';
import { Registrar } from './registration.ts';

const ROUND_MS = { from: 10_000, upTo: 20_000 };
/** How often the chain is looked at while something is under way there; blocks take five seconds. */
const POLL_MS = 3_000;
/** Where the owner sets no limit, so many first stakes may be topped up on one day. */
const STAKES_PER_DAY = 10n;
/** Part of a stake whose use is explained at once, see `AuditMemory.stride`. */
const STRIDES_PER_STAKE = 64n;
const SECRET_BYTES = 32;
/** How a handshake names an account. */
export interface AccountKeys {
  readonly contract: Address;
  readonly proxy: Address;
  /** 32 bytes. */
  readonly proxyPublicKey: Buffer;
  /** Of the root that the addresses were computed from. */
  readonly paramsVersion: number;
}

export interface MoneyDeps {
  readonly chain: Chain;
  readonly root: RootSource;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: Random;
}

export class Money implements AsyncDisposable {
  readonly purse: ClientPurse;
  readonly secrets: Secrets;
  readonly topUpPerDay: bigint;
  readonly #config: ClientConfig;
  readonly #deps: MoneyDeps;
  readonly #scope = new Scope();
  /** Aborts first: everything that waits for the chain ends. */
  readonly #stop = new AbortController();
  readonly #memory: MoneyMemory;
  readonly #keepers = new Map<string, Keeper>();
  readonly #registrar: Registrar;
  #syncedAtSec = 0;
  #round: Promise<void>;

  /** `chain` and `root` stay the caller's. @throws {ClientError} `CLIENT_CONFIG` */
  constructor(config: ClientConfig, deps: MoneyDeps) {
    this.#config = config;
    this.#deps = deps;
    if (config.data_dir === '') {
      throw new ClientError('CLIENT_CONFIG', 'with TON "data_dir" is needed: payments must be remembered over a crash');
    }
    this.#memory = this.#scope.use(new MoneyMemory(config.data_dir));
    this.#scope.defer(() => this.#explainAll());
    const secret = this.#memory.secret(() => deps.random.bytes(SECRET_BYTES));
    this.secrets = new Secrets(config.secret_string, secret);
    const privateKey = privateKeyFromSeed(config.node_wallet_key);
    const party = { publicKey: publicKeyBytes(privateKey), owner: config.owner_address };
    const wallet = operatingWallet(party, config.wallet_code);
    const options = { ...wallet, privateKey, testnet: config.is_testnet, pollMs: POLL_MS, stake: this.#stake };
    this.purse = this.#scope.use(new ClientPurse(options, deps));
    this.topUpPerDay = config.top_up_per_day_ton ?? STAKES_PER_DAY * this.#stake;
    const orders = this.#memory.orders();
    for (const record of this.#memory.accounts()) {
      this.#keep(
        record,
        orders.find(({ contract }) => contract.equals(record.contract)),
      );
    }
    const { signal } = this.#stop;
    this.#registrar = new Registrar({ ...deps, purse: this.purse, terms: (keeper) => this.#terms(keeper), signal });
    this.#round = this.#work();
  }

  get keepers(): readonly Keeper[] {
    return [...this.#keepers.values()];
  }

  /** Unix seconds at which everything was last read from the chain; 0 before. */
  get syncedAtSec(): number {
    return this.#syncedAtSec;
  }

  /** NanoTON that count against today's limit. */
  get toppedUpToday(): bigint {
    return this.#memory.toppedUp(new Date(this.#deps.clock.nowMs()).toISOString().slice(0, 10));
  }

  /** A sentence for a caller whose request cannot be paid for, and for the owner; undefined when nothing is lacking. */
  get lack(): string | undefined {
    return this.purse.lack ?? this.keepers.find(({ shortage }) => shortage !== undefined)?.shortage;
  }

  /** The keeper of an account, from now on. @throws {ClientError} `CLIENT_MONEY` */
  keeperOf({ contract, proxy, proxyPublicKey, paramsVersion }: AccountKeys): Keeper {
    const known = this.#keepers.get(contract.toRawString());
    if (known) return known;
    const fresh = { outdatedSinceSec: 0, explained: undefined, fault: undefined };
    const record: AccountRecord = { contract, proxy, proxyPublicKey, paramsVersion, ...fresh };
    this.#memory.keep(record);
    return this.#keep(record);
  }

  /**
   * The proxy wants to see on the chain that we own our contract: deploys it if need be, makes it fit, and sends the nonce.
   * @param nonce as it came over the wire, 64 bits, signed
   * @param signal of the handshake: it stops waiting, not what is under way
   * @throws {ClientError} `CLIENT_BALANCE`, `CLIENT_NOT_READY`, `CLIENT_MONEY`; {ChainError}
   */
  async register(keys: AccountKeys, nonce: bigint, signal: AbortSignal): Promise<void> {
    const keeper = this.keeperOf(keys);
    await raced(this.#registrar.register(keeper, BigInt.asUintN(64, nonce), signal), signal);
  }

  /** Looks at the wallet. @returns the chain's time, unix seconds @throws {ChainError} */
  async look(): Promise<number> {
    await this.purse.look(this.#stop.signal);
    return this.#deps.chain.nowSec(this.#stop.signal);
  }

  /** Stops at once. What was handed in may still land; the next life finds it on the chain. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new DOMException('the client closes', 'AbortError'));
    await this.purse[Symbol.asyncDispose]();
    await this.#round;
    await Promise.all(this.keepers.map((keeper) => keeper.idle()));
    await this.#scope[Symbol.asyncDispose]();
  }

  async #work(): Promise<void> {
    const { clock, log, random, root } = this.#deps;
    const { signal } = this.#stop;
    let trouble: string | undefined;
    while (!signal.aborted) {
      try {
        const nowSec = await this.look();
        if (root.failure === undefined) for (const keeper of this.keepers) await this.#attend(keeper, nowSec);
        this.#syncedAtSec = nowSec;
        if (trouble !== undefined) log.info('the chain can be asked again');
        trouble = undefined;
      } catch (error) {
        if (signal.aborted) return;
        const said = error instanceof Error ? error.message : String(error);
        if (said !== trouble) log.warn('payments wait for the chain', { cause: said });
        trouble = said;
      }
      const share = (random.bytes(1)[0] ?? 0) / 256;
      await wait(clock, ROUND_MS.from + share * (ROUND_MS.upTo - ROUND_MS.from), signal).catch(() => undefined);
    }
  }

  async #attend(keeper: Keeper, nowSec: number): Promise<void> {
    if ((await keeper.attend(this.#terms(keeper), nowSec)) !== 'forget') return;
    const { contract, paramsVersion } = keeper.record;
    this.purse.settled(keeper);
    if (paramsVersion >= this.#deps.root.current.paramsVersion) return; // asked for again at each handshake
    this.#deps.log.info('an account is closed', { proxy: keeper.proxyText });
    this.#memory.forget(contract);
    this.#keepers.delete(contract.toRawString());
  }

  #terms({ proxyText }: Keeper): Terms {
    const { paramsVersion } = this.#deps.root.current;
    const secretHash = createHash('sha256').update(this.secrets.of(proxyText)).digest();
    return { paramsVersion, stake: this.#stake, secretHash };
  }

  /** What the owner wants, but never less than the network. */
  get #stake(): NanoTon {
    const { minClientStake } = this.#deps.root.current;
    const wanted = this.#config.stake_ton;
    return wanted !== undefined && wanted > minClientStake ? wanted : minClientStake;
  }

  #keep(record: AccountRecord, order?: TopUpOrder): Keeper {
    const { clock, chain, log, random, root } = this.#deps;
    const testnet = this.#config.is_testnet;
    const proxyText = formatAddress(record.proxy, { testnet });
    const audit = new UsageAudit({
      explained: record.explained,
      stride: strideOf(root.current, this.#stake),
      write: (explained) => this.#memory.explain(record.contract, explained),
      exceeded: (excess) => keeper.blame(excess),
    });
    const book = new PaymentBook(record.contract, publicKeyFromBytes(record.proxyPublicKey));
    const queryId = () => Buffer.from(random.bytes(8)).readBigUInt64BE();
    const { purse, topUpPerDay } = this;
    const { signal } = this.#stop;
    const deps = { chain, purse, memory: this.#memory, clock, log, queryId, signal, topUpPerDay, pollMs: POLL_MS };
    const keeper: Keeper = new Keeper(record, { book, audit, proxyText }, deps, order);
    this.#keepers.set(record.contract.toRawString(), keeper);
    return keeper;
  }

  #explainAll(): void {
    for (const { audit } of this.keepers) audit.close();
  }
}

function strideOf({ pricePerToken }: RootConfig, stake: bigint): bigint {
  return pricePerToken === 0n ? 1_000_000_000n : stake / pricePerToken / STRIDES_PER_STAKE;
}

/** What `work` gives, or the reason of `signal`, whichever comes first. */
async function raced<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let leave: () => void = () => {};
  const gone = new Promise<never>((_, reject) => {
    leave = () => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
  });
  try {
    return await Promise.race([work, gone]);
  } finally {
    signal.removeEventListener('abort', leave);
    gone.catch(() => undefined);
    work.catch(() => undefined);
  }
}
