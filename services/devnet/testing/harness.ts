/** Chains for tests, and wallets of `@ton/ton` on them. */
import { randomBytes } from 'node:crypto';
import { type Clock, silentLogger, systemClock } from '@bombyx/base';
import {
  type Address,
  beginCell,
  type Cell,
  contractAddress,
  external,
  type MessageRelaxed,
  SendMode,
  type StateInit,
  storeMessage,
} from '@ton/core';
import { type KeyPair, keyPairFromSeed } from '@ton/crypto';
import { WalletContractV4 } from '@ton/ton';
import { type DevnetConfig, Faucet, Ledger, Machine, parseDevnetConfig, Store } from '../src/index.ts';

export const TON = 1_000_000_000n;

/** One executor for a test file: it keeps nothing between calls. */
let machine: Promise<Machine> | undefined;
export function sharedMachine(): Promise<Machine> {
  machine ??= Machine.create();
  return machine;
}

/** A ledger whose blocks are made by hand; in memory unless given a store. */
export async function openLedger(over: { store?: Store; clock?: Clock } = {}): Promise<Ledger> {
  const { store = new Store(':memory:'), clock = systemClock } = over;
  const deps = { clock, log: silentLogger, machine: await sharedMachine(), store, seed: () => randomBytes(32) };
  return new Ledger({ blockMs: 0 }, deps);
}

/** A faucet without a bound that a test would meet. */
export function openFaucet(ledger: Ledger): Faucet {
  return new Faucet({ maxAmount: 1_000_000n * TON }, { ledger });
}

/**
 * A contract that sends what it gets to itself, again and again, until the fees have eaten it: SETCP 0, MYADDR,
 * 24 PUSHINT NEWC 6 STU (a bouncing internal message), STSLICE, 111 STZEROES, ENDC, 64 PUSHINT, SENDRAWMSG.
 */
export function selfSender(): StateInit & { readonly address: Address } {
  const code = beginCell().storeBuffer(Buffer.from('FF00F8288018C8CB05CE806FCF40C98040FB00', 'hex')).endCell();
  const init = { code, data: beginCell().storeBuffer(randomBytes(8)).endCell() };
  return { ...init, address: contractAddress(0, init) };
}

export function testConfig(over: Readonly<Record<string, unknown>> = {}): DevnetConfig {
  return parseDevnetConfig({ http_port: 0, block_ms: 20, ...over });
}

export interface TestWallet {
  readonly keys: KeyPair;
  readonly contract: WalletContractV4;
  /** A signed external message that sends these; with `deploy` it brings the code. */
  order(seqno: number, messages: MessageRelaxed[], deploy?: boolean): Cell;
}

export function testWallet(seed: Uint8Array = randomBytes(32)): TestWallet {
  const keys = keyPairFromSeed(Buffer.from(seed));
  const contract = WalletContractV4.create({ workchain: 0, publicKey: keys.publicKey });
  return {
    keys,
    contract,
    order(seqno, messages, deploy = seqno === 0) {
      const sendMode = SendMode.PAY_GAS_SEPARATELY;
      const timeout = 0xffff_ffff; // tests move time
      const body = contract.createTransfer({ seqno, secretKey: keys.secretKey, messages, sendMode, timeout });
      const message = external({ to: contract.address, body, ...(deploy ? { init: contract.init } : {}) });
      return beginCell().store(storeMessage(message)).endCell();
    },
  };
}
