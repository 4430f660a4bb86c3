/** Account addresses in text. The wire carries the 48-character, URL-safe, non-bounceable form. */
import { Address } from '@ton/core';
import { TonError } from './errors.ts';

const FRIENDLY = /^[A-Za-z0-9+/_-]{48}$/;
const RAW = /^(-?\d{1,3}):([0-9a-fA-F]{64})$/;

/**
 * Reads an address written as 48 characters of URL-safe or standard base64 (any bounceable and testnet bits; the
 * checksum is checked), or as `workchain:hex`.
 * @throws {TonError} `TON_ADDRESS`
 */
export function parseAddress(text: string): Address {
  const raw = RAW.exec(text);
  if (raw) {
    const workchain = Number(raw[1]);
    if (workchain < -128 || workchain > 127) throw refusal(text);
    return new Address(workchain, Buffer.from(raw[2] ?? '', 'hex'));
  }
  if (!FRIENDLY.test(text)) throw refusal(text);
  try {
    return Address.parseFriendly(text).address;
  } catch (cause) {
    throw refusal(text, cause);
  }
}

/**
 * The only form that C++ peers compare equal: 48 characters, URL-safe, non-bounceable, testnet bit as the node runs.
 * Also the key under which an account is kept: equal accounts give equal texts.
 */
export function formatAddress(address: Address, network: { readonly testnet: boolean }): string {
  return address.toString({ urlSafe: true, bounceable: false, testOnly: network.testnet });
}

function refusal(text: string, cause?: unknown): TonError {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return new TonError('TON_ADDRESS', `not an account address: '${shown}'`, {}, { cause });
}
