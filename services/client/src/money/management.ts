/** What the owner orders at one proxy: judged by the contract as it is now, and sent. */
import { formatTon } from '@bombyx/base';
import { type Address, type ClientData, parseAddress, TonError } from '@bombyx/ton';
import type { ManagementActions } from '../api.ts';
import { ClientError } from '../errors.ts';
import type { Deed } from './client-contract.ts';
import type { Keeper } from './keeper.ts';
import type { Money } from './money.ts';
import { wholeTokens } from './plan.ts';

type Order = (keeper: Keeper, contract: ClientData, nowSec: number) => Deed;

/** @param trusted called when a proxy may be used again */
export function managementOf(money: Money, trusted: () => void): ManagementActions {
  const ordered = (order: Order) => (proxy: string) => carryOut(money, proxy, order);
  return {
    charge: ordered(charge),
    topup: ordered(topUp),
    withdraw: ordered(withdraw),
    close: ordered(close),
    async trust(proxy) {
      const keeper = find(money, proxy);
      if (keeper.fault === undefined) throw refusal('this proxy is trusted already');
      keeper.trust();
      trusted();
    },
  };
}

async function carryOut(money: Money, proxy: string, order: Order): Promise<void> {
  const keeper = find(money, proxy);
  if (keeper.underWay) throw refusal('request is already running');
  const nowSec = await money.look();
  const contract = await keeper.look();
  if (contract === undefined) throw refusal('there is no contract with this proxy yet');
  if (contract.state === 'closed') throw refusal('our contract with this proxy is closed');
  await keeper.start(order(keeper, contract, nowSec));
}

function charge({ book }: Keeper, { tokens }: ClientData): Deed {
  const payment = book.signedPayment;
  if (payment === undefined || book.signedTokens <= tokens) throw refusal('nothing to charge');
  return { kind: 'charge', payment };
}

function topUp(_keeper: Keeper, contract: ClientData): Deed {
  mustBeOpen(contract);
  const amount = wholeTokens(contract.stake, contract.params.pricePerToken);
  if (amount === 0n) throw refusal('tokens cost nothing there');
  return { kind: 'top-up', amount };
}

function withdraw(_keeper: Keeper, contract: ClientData): Deed {
  mustBeOpen(contract);
  const { balance, stake } = contract;
  if (balance > stake) return { kind: 'withdraw' };
  const has = `the balance is ${formatTon(balance)} TON, and the stake of ${formatTon(stake)} TON stays`;
  throw refusal(`nothing to withdraw: ${has}; close gives all of it back`);
}

function close(_keeper: Keeper, { state, unlockAtSec }: ClientData, nowSec: number): Deed {
  if (state !== 'closing' || unlockAtSec < nowSec) return { kind: 'ask-refund' };
  const when = new Date(unlockAtSec * 1_000).toISOString();
  throw refusal(`our contract there is closing: what is left can be taken after ${when}`);
}

function mustBeOpen({ state }: ClientData): void {
  if (state !== 'normal') throw refusal(`our contract there is ${state}`);
}

/** The newest, where older ones at the same proxy are being wound up. */
function find(money: Money, proxy: string): Keeper {
  const address = read(proxy);
  const keeper = money.keepers.findLast(({ record }) => record.proxy.equals(address));
  if (keeper === undefined) throw refusal('proxy not found');
  return keeper;
}

function read(proxy: string): Address {
  try {
    return parseAddress(proxy);
  } catch (cause) {
    if (cause instanceof TonError) throw refusal('proxy not found');
    throw cause;
  }
}

function refusal(text: string): ClientError {
  return new ClientError('CLIENT_MONEY', text);
}
