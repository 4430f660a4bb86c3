/** What a public server does not have: what this chain is, its faucet, its clock, its books. */
import { int } from '@bombyx/config';
import { z } from 'zod';
import { ApiError } from './api-error.ts';
import { zeroState } from './block-id.ts';
import type { Faucet, FaucetReport } from './faucet.ts';
import type { Ledger } from './ledger.ts';
import { method } from './method.ts';
import { GLOBAL_ID } from './network-config.ts';
import { address, long } from './parameters.ts';
import type { Audit } from './records.ts';
import { friendly } from './transaction-json.ts';

export interface OperatorContext {
  readonly ledger: Ledger;
  readonly faucet: Faucet;
  readonly timeTravel: boolean;
}

/** By `METHOD /path`; each gives what is answered as `result`. */
export function operatorRoutes({ ledger, faucet, timeTravel }: OperatorContext) {
  const pay = method(z.object({ address, amount: long }), async ({ address, amount }) => {
    const message = await faucet.give(address, amount);
    return { address: friendly(address), amount: String(amount), message: message.toString('base64') };
  });
  const move = method(z.object({ advance_sec: int(0, 0x7fff_ffff) }), async ({ advance_sec }) => {
    await ledger.advance(advance_sec);
    return { now: ledger.head.utime };
  });
  return {
    'GET /': () => about(ledger, timeTravel),
    'GET /health': () => {
      if (ledger.problem !== undefined) throw new ApiError(503, `blocks cannot be written: ${ledger.problem}`);
      return { seqno: ledger.head.seqno, waiting: ledger.waiting };
    },
    'GET /audit': () => auditJson(ledger.records.audit()),
    'GET /faucet': () => faucetJson(faucet.report()),
    'POST /faucet': (body: unknown) => pay(body, ledger),
    'POST /time': (body: unknown) => {
      if (!timeTravel) throw new ApiError(403, 'set allow_time_travel to move the time of this chain');
      return move(body, ledger);
    },
  } satisfies Readonly<Record<string, (body: unknown) => unknown>>;
}

function about(ledger: Ledger, timeTravel: boolean): object {
  return {
    what: 'a TON chain inside one process, for development: its coins are worth nothing',
    api: '/api/v2/jsonRPC',
    is_test: true,
    global_id: GLOBAL_ID,
    init: zeroState(ledger),
    seqno: ledger.head.seqno,
    now: ledger.head.utime,
    time_travel: timeTravel,
  };
}

/** Amounts are text: nanoTON outgrow a JSON number. */
function auditJson({ supply, balances, fees, inTransit, difference }: Audit): object {
  return {
    supply: String(supply),
    balances: String(balances),
    fees: String(fees),
    in_transit: String(inTransit),
    difference: String(difference),
  };
}

function faucetJson({ address, balance, given, payments, maxAmount }: FaucetReport): object {
  return {
    address: friendly(address),
    balance: String(balance),
    given: String(given),
    payments,
    max_amount: String(maxAmount),
  };
}
