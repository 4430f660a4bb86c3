/**
 * The transaction executor of the C++ node, compiled to WebAssembly, without the sandbox around it: one message on one
 * account, state in, state out. Nothing is kept between calls.
 */
import { type Address, Cell, loadTransaction, parseTuple, type Transaction, type TupleItem } from '@ton/core';
import { Executor } from '@ton/sandbox';
import { type NetworkConfig, readNetworkConfig } from './network-config.ts';

/** Where and when a message runs. */
export interface Setting {
  /** Unix seconds of the block. */
  readonly utime: number;
  /** Logical time the transaction gets. */
  readonly lt: bigint;
  /** 32 bytes. */
  readonly randomSeed: Buffer;
  /** For fee estimates with a signature that is not there yet. */
  readonly ignoreSignature?: boolean;
}

export type Execution =
  | {
      readonly ok: true;
      readonly transaction: Transaction;
      /** Bag of cells of the account after it. */
      readonly state: Buffer;
    }
  | { readonly ok: false; readonly reason: string; readonly exitCode: number | undefined };

export interface GetterOutcome {
  readonly exitCode: number;
  readonly gasUsed: bigint;
  readonly stack: readonly TupleItem[];
}

export interface GetterCall {
  readonly address: Address;
  readonly code: Cell;
  readonly data: Cell;
  /** NanoTON. */
  readonly balance: bigint;
  readonly utime: number;
  readonly method: string | number;
  readonly stack: readonly TupleItem[];
}

/** What a get method may burn; the limit of public servers. */
const GETTER_GAS = 1_000_000n;
/** Exit code for a get method on an account that has no code. Source: tonlib, `smc_run_method`. */
export const NO_CODE = -13;

export class Machine {
  readonly config: NetworkConfig;
  #executor: Executor;

  private constructor(executor: Executor, config: NetworkConfig) {
    this.#executor = executor;
    this.config = config;
  }

  /** Takes 0.3 s: the WebAssembly module is compiled. */
  static async create(): Promise<Machine> {
    return new Machine(await Executor.create(), readNetworkConfig());
  }

  /**
   * Runs `message` on the account whose bag of cells is `state`. An external message that is not accepted, and bytes the
   * executor cannot make sense of, are a result.
   */
  async execute(state: Uint8Array, message: Cell, setting: Setting): Promise<Execution> {
    const run = async () => {
      const { result } = await this.#executor.runTransaction({
        config: this.config.full,
        libs: null,
        verbosity: 'short',
        shardAccount: Buffer.from(state.buffer, state.byteOffset, state.byteLength).toString('base64'),
        now: setting.utime,
        lt: setting.lt,
        randomSeed: setting.randomSeed,
        ignoreChksig: setting.ignoreSignature ?? false,
        debugEnabled: false,
        message,
      });
      if (!result.success) return { ok: false, reason: result.error, exitCode: result.vmResults?.vmExitCode } as const;
      const transaction = loadTransaction(Cell.fromBase64(result.transaction).beginParse());
      return { ok: true, transaction, state: Buffer.from(result.shardAccount, 'base64') } as const;
    };
    try {
      return await this.#guarded(run);
    } catch (error) {
      // the module trapped, or made what the decoder cannot read: one message must not stop the chain
      return { ok: false, reason: error instanceof Error ? error.message : String(error), exitCode: undefined };
    }
  }

  /** Runs a get method. A failure inside the machine is an exit code. @throws {Error} when the executor refuses to run */
  async get(call: GetterCall): Promise<GetterOutcome> {
    const { output } = await this.#guarded(() =>
      this.#executor.runGetMethod({
        code: call.code,
        data: call.data,
        methodId: typeof call.method === 'number' ? call.method : methodId(call.method),
        stack: [...call.stack],
        config: this.config.forGetters,
        verbosity: 'short',
        address: call.address,
        unixTime: call.utime,
        balance: call.balance,
        randomSeed: Buffer.alloc(32),
        gasLimit: GETTER_GAS,
        debugEnabled: false,
      }),
    );
    if (!output.success) throw new Error(output.error);
    return {
      exitCode: output.vm_exit_code,
      gasUsed: BigInt(output.gas_used),
      stack: parseTuple(Cell.fromBase64(output.stack)),
    };
  }

  /** A module that trapped is in no known state: the next message gets a fresh one. */
  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.#executor = await Executor.create();
      throw error;
    }
  }
}

/** Number of a get method: CRC-16/XMODEM of its name, with bit 16 set. */
export function methodId(name: string): number {
  let crc = 0;
  for (const byte of Buffer.from(name, 'utf8')) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc | 0x10000;
}
