/** What people type when they send coins: an address that must be meant for this network, and an exact amount. */
import { AmountError, formatTon, type NanoTon, nanoTon, parseTon } from '@bombyx/base';
import { type Address, formatAddress, parseAddress, TonError } from '@bombyx/ton';
import { CliError } from '../usage.ts';
import { MoneyError } from './errors.ts';

export interface Recipient {
  readonly address: Address;
  /** The address says that coins come back when nobody takes them. */
  readonly bounceable: boolean;
}

/** First byte of the 48-character form. Source: the address format of TON (bounceable 0x11, not 0x51, for tests 0x80). */
const Tag = { bounceable: 0x11, testOnly: 0x80 } as const;
/** The workchains that exist. */
const WORKCHAINS: readonly number[] = [-1, 0];

/**
 * Reads an address and refuses one that was made for another network: coins sent there are lost.
 * @param testnet whether the network is any but the main one. The form `workchain:hex` says nothing about it
 * @throws {MoneyError} `MONEY_ADDRESS`
 */
export function readRecipient(text: string, testnet: boolean): Recipient {
  const address = parsed(text);
  if (!WORKCHAINS.includes(address.workChain)) {
    throw new MoneyError('MONEY_ADDRESS', `there is no workchain ${address.workChain}: check the address`);
  }
  if (text.includes(':')) return { address, bounceable: true };
  const tag = Buffer.from(text, 'base64').readUInt8();
  const testOnly = (tag & Tag.testOnly) !== 0;
  if (testOnly !== testnet) {
    const [its, ours] = testOnly ? ['test', 'main'] : ['main', 'test'];
    const fix = testOnly ? 'ask for the address on the main network, or say --network testnet' : otherForm(address);
    const message = `this is an address of the ${its} network, and coins go out on the ${ours} network: ${fix}`;
    throw new MoneyError('MONEY_ADDRESS', message);
  }
  return { address, bounceable: (tag & ~Tag.testOnly) === Tag.bounceable };
}

/** More than nothing. @throws {CliError} `CLI_USAGE` */
export function readAmount(text: string): NanoTon {
  const amount = readTon(text, 'the amount');
  if (amount === 0n) throw new CliError('CLI_USAGE', 'the amount is 0: there is nothing to send');
  return amount;
}

/** @param what begins the sentence, such as `--min-client-stake`. @throws {CliError} `CLI_USAGE` */
export function readTon(text: string, what: string): NanoTon {
  try {
    return parseTon(text);
  } catch (error) {
    if (!(error instanceof AmountError)) throw error;
    throw new CliError('CLI_USAGE', `${what}: ${error.message}`, {}, { cause: error });
  }
}

/** A price, counted in nanoTON. @throws {CliError} `CLI_USAGE` */
export function readNano(text: string, what: string): NanoTon {
  const amount = /^\d{1,19}$/.test(text) ? BigInt(text) : -1n;
  try {
    return nanoTon(amount);
  } catch (cause) {
    const message = `${what}: "${text.slice(0, 40)}" is no whole number of nanoTON below 2^63`;
    throw new CliError('CLI_USAGE', message, {}, { cause });
  }
}

/** `1.5 TON`. */
export function tonText(amount: bigint): string {
  return `${formatTon(amount)} TON`;
}

function otherForm(address: Address): string {
  const text = formatAddress(address, { testnet: true });
  return `if you mean the same account on the test network, write ${text}`;
}

function parsed(text: string): Address {
  try {
    return parseAddress(text);
  } catch (cause) {
    if (!(cause instanceof TonError)) throw cause;
    const message = `${cause.message}; an address has 48 characters, of which one may be mistyped, or is workchain:hex`;
    throw new MoneyError('MONEY_ADDRESS', message, {}, { cause });
  }
}
