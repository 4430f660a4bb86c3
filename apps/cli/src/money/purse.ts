/**
 * A wallet that a person holds, and what it pays. It is our operating wallet contract with nobody as its owner: only the
 * key moves its coins. With an owner, that account may take them back or block the key, as with the wallet of a node.
 */
import { type KeyObject, randomBytes } from 'node:crypto';
import { type Clock, type Logger, type NanoTon, nanoTon } from '@bombyx/base';
import {
  Address,
  type Cell,
  type Chain,
  type ChainAccount,
  type ContractInit,
  initAddress,
  MIN_WALLET_BALANCE,
  privateKeyFromSeed,
  publicKeyBytes,
  readContractCode,
  readWalletState,
  WalletError,
  WalletSender,
  walletBirthData,
  walletRequest,
} from '@bombyx/ton';
import { internal } from '@ton/core';
import { CliError } from '../usage.ts';
import { MoneyError } from './errors.ts';
import { tonText } from './recipient.ts';

/** No key leads to this account, so nobody speaks as the owner. The address is part of that of the wallet. */
export const NOBODY = new Address(0, Buffer.alloc(32));

/** Most that sending one message costs, and is kept back for it; it really is about a third. NanoTON. */
export const SEND_FEE = 20_000_000n;

/** With an order to collect, nanoTON; comes back with the rest. */
export const ORDER_COINS = nanoTon(100_000_000n);

/** Send modes of TON: fees on top of the value; all that the wallet has. */
const Mode = { feesApart: 1, everything: 128 } as const;

/** Where a wallet is, and what puts it there. */
export interface WalletPlace {
  readonly address: Address;
  readonly init: ContractInit;
}

/** A wallet and the key to it. */
export interface Purse extends WalletPlace {
  readonly privateKey: KeyObject;
}

export interface Transfer {
  readonly to: Address;
  readonly amount: NanoTon | 'everything';
  /** Coins come back when the receiver does not take them. */
  readonly bounce: boolean;
  readonly body?: Cell;
  /** Deploys the receiver. */
  readonly init?: ContractInit;
}

export interface PurseDeps {
  readonly chain: Chain;
  readonly clock: Clock;
  readonly log: Logger;
  /** How often the chain is looked at while something is outstanding. */
  readonly pollMs: number;
}

/** @param party.publicKey 32 bytes */
export function walletPlace(party: { readonly publicKey: Uint8Array; readonly owner: Address }): WalletPlace {
  const init = { code: readContractCode('wallet'), data: walletBirthData(party) };
  return { address: initAddress(init), init };
}

/** @param seed 32 bytes */
export function purseOf(seed: Uint8Array, owner: Address = NOBODY): Purse {
  const privateKey = privateKeyFromSeed(seed);
  return { ...walletPlace({ publicKey: publicKeyBytes(privateKey), owner }), privateKey };
}

/**
 * Whether `balance` suffices, before anything is signed.
 * @param addressText of the wallet, as people write it
 * @throws {MoneyError} `MONEY_BALANCE`, which says how much to send where
 */
export function checkBalance(balance: bigint, amount: NanoTon | 'everything', addressText: string): void {
  const cost = amount === 'everything' ? 0n : amount + SEND_FEE;
  const needed = cost > MIN_WALLET_BALANCE ? cost : MIN_WALLET_BALANCE;
  if (balance >= needed) return;
  const least =
    needed === MIN_WALLET_BALANCE ? `, as the contract pays nothing out of less than ${tonText(needed)}` : '';
  const message = `the wallet has ${tonText(balance)} and needs ${tonText(needed)}${least}: send ${tonText(needed - balance)} or more to ${addressText}`;
  throw new MoneyError('MONEY_BALANCE', message, { balance, needed });
}

/**
 * What an owner tells the wallet of his node: send everything you have to me. Its text command `w` does the same for
 * other kinds of owners, whose wallets take texts; one like this would send the coins back.
 * @param node where the wallet would be that the key of the node makes: one that never sent anything comes to stand so
 * @throws {MoneyError} `MONEY_ADDRESS` when it does not belong to him
 */
export function collectOrder(
  owner: Address,
  { data, address }: ChainAccount,
  node?: WalletPlace,
): Pick<Transfer, 'body' | 'init'> {
  const message = internal({ to: owner, value: 0n, bounce: false });
  const body = walletRequest.send({ queryId: randomBytes(8).readBigUInt64BE(), mode: Mode.everything, message });
  if (data !== undefined && ownerOf(data)?.equals(owner)) return { body };
  if (data === undefined && node?.address.equals(address)) return { body, init: node.init };
  const what =
    data === undefined
      ? `nothing stands at ${address.toRawString()} yet: name the configuration of its node with --ton FILE`
      : `what stands at ${address.toRawString()} is not the wallet of a node that this wallet owns`;
  throw new MoneyError('MONEY_ADDRESS', what);
}

function ownerOf(data: Cell): Address | undefined {
  try {
    return readWalletState(data).owner;
  } catch (error) {
    if (error instanceof WalletError) return undefined;
    throw error;
  }
}

/**
 * Signs, hands in, and waits until it has landed and the message is out.
 * @returns the nanoTON that it carries
 * @throws {MoneyError} `MONEY_NOT_DONE` when the wallet skipped the message
 * @throws {WalletError} when it has not landed and never will
 * @throws {CliError} `CLI_STOPPED`: it may still land
 */
export async function pay(
  { address, init, privateKey }: Purse,
  { to, amount, bounce, body, init: deployed }: Transfer,
  { chain, clock, log, pollMs }: PurseDeps,
  signal: AbortSignal,
): Promise<bigint> {
  await using sender = new WalletSender({ address, init, privateKey, pollMs }, { chain, clock, log });
  const message = internal({
    to,
    value: amount === 'everything' ? 0n : amount,
    bounce,
    ...(body ? { body } : {}),
    ...(deployed ? { init: deployed } : {}),
  });
  const mode = amount === 'everything' ? Mode.everything : Mode.feesApart;
  const { transaction } = await sender.send({ mode, message }, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
    const sentence = 'stopped while the message was under way: it may still land; "bombyx wallet balance" tells';
    throw new CliError('CLI_STOPPED', sentence, {}, { cause: error });
  });
  const [sent] = transaction.transaction.outMessages.values();
  if (sent?.info.type === 'internal') return sent.info.value.coins;
  const sentence =
    'the wallet took the order and could not send the message: its coins went meanwhile, or the receiver cannot be';
  throw new MoneyError('MONEY_NOT_DONE', sentence);
}
