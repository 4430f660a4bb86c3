/**
 * What can happen to the money of a proxy, as facts that are written down before they count. The books are a fold over
 * these facts: whoever has the facts has the books.
 */

/** A proxy contract and the terms it was made under. A change of parameters makes a new one. */
export interface Terms {
  readonly paramsVersion: number;
  /** NanoTON a client pays for an adjusted token. */
  readonly pricePerToken: bigint;
  /** NanoTON of it that the worker gets; the rest is the proxy's. */
  readonly workerFeePerToken: bigint;
  readonly proxyDelaySec: number;
  readonly clientDelaySec: number;
}

export type ContractState = 'running' | 'closing' | 'closed';

/** A client contract as the chain showed it last. Amounts in nanoTON. */
export interface ClientContract {
  readonly state: ContractState;
  readonly balance: bigint;
  readonly stake: bigint;
  /** Adjusted tokens charged on chain so far. */
  readonly used: bigint;
  /** SHA-256 of the connection secret, hex; zeros = none. */
  readonly secretHash: string;
}

/** A worker contract as the chain showed it last. */
export interface WorkerContract {
  readonly state: ContractState;
  /** Adjusted tokens paid on chain so far. */
  readonly paid: bigint;
}

export interface ChargedTokens {
  readonly prompt: bigint;
  readonly cached: bigint;
  readonly completion: bigint;
  readonly reasoning: bigint;
  /** What is billed. */
  readonly total: bigint;
}

/** How far the end of an old proxy contract has come. */
export type RetirePhase = 'closing' | 'refunding' | 'paying' | 'waiting' | 'closed';

/** `instance`: address of the proxy contract; `client`, `worker`: owner addresses; hashes in hex; times in Unix ms. */
export type LedgerEvent =
  /** A process took the books over. The session tells two that run from the same books apart. */
  | { readonly type: 'started'; readonly session: string; readonly atMs: number }
  /** This proxy contract is served from now on; the one before is retired. */
  | { readonly type: 'opened'; readonly instance: string; readonly terms: Terms }
  | {
      readonly type: 'charged';
      readonly instance: string;
      /** 32 bytes, unique for ever. */
      readonly id: string;
      readonly client: string;
      readonly worker: string;
      readonly tokens: ChargedTokens;
      readonly atMs: number;
    }
  | {
      readonly type: 'client-seen';
      readonly instance: string;
      readonly client: string;
      readonly contract: ClientContract;
    }
  | {
      readonly type: 'worker-seen';
      readonly instance: string;
      readonly worker: string;
      readonly contract: WorkerContract;
    }
  /** All transactions of the proxy contract up to this one were taken over. */
  | { readonly type: 'read'; readonly instance: string; readonly lt: bigint; readonly hash: string }
  /** State `number` is about to be shown to the chain: all records up to this one. */
  | { readonly type: 'committing'; readonly number: number; readonly session: string }
  /** The chain has it. */
  | { readonly type: 'committed'; readonly number: number; readonly session: string }
  | {
      readonly type: 'retiring';
      readonly instance: string;
      readonly phase: RetirePhase;
      /** Unix seconds from which the contract may be closed for good; 0 while unknown. */
      readonly closeAtSec: number;
    }
  /** A small setting: the switched-off mark, names of models. */
  | { readonly type: 'noted'; readonly name: string; readonly value: string };

/** Facts as text: JSON in which a whole number of any size is a string that ends in `n`. */
export function writeEvents(events: readonly unknown[]): string {
  return JSON.stringify(events, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
}

/**
 * Inverse of {@link writeEvents}. For text whose origin was proved (it was sealed with our key): its shape is believed.
 * @throws {SyntaxError} for text that is not JSON
 */
export function readEvents<T = LedgerEvent>(text: string): readonly T[] {
  return JSON.parse(text, (_, value: unknown) =>
    typeof value === 'string' && /^-?\d{1,40}n$/.test(value) ? BigInt(value.slice(0, -1)) : value,
  ) as readonly T[];
}
