/**
 * The parameter cell that every contract holds.
 *
 *   params = layout:u8 params_version:u32 unique_id:u32 is_test:u1 price:coins worker_fee:coins
 *            prompt:u32 cached:u32 completion:u32 reasoning:u32 proxy_delay:u32 client_delay:u32
 *            min_proxy_stake:coins min_client_stake:coins proxy_code:?^ worker_code:?^ client_code:?^
 *
 * Layouts 3 and 4 have all fields; 2 lacks prompt and completion, 1 all multipliers, 0 also the smallest stakes.
 */
import { type NanoTon, nanoTon } from '@bombyx/base';
import { beginCell, type Cell, type Slice } from '@ton/core';
import type { RootConfig } from '../root-config.ts';
import { readAll } from './data.ts';
import { ContractError } from './errors.ts';

/** The only layout that our contracts accept. */
export const PARAMS_LAYOUT = 3;

const MAX_LAYOUT = 4;
const DEFAULT_STAKE = nanoTon(1_000_000_000n);

/** Contract codes as far as the holder has them: the root all, the proxy two, client and worker none. */
export interface ParamCodes {
  readonly proxyCode?: Cell | null;
  readonly workerCode?: Cell | null;
  readonly clientCode?: Cell | null;
}

/** Prices, delays and stakes; a {@link RootConfig} is one. */
export type Params = Pick<
  RootConfig,
  | 'structVersion'
  | 'paramsVersion'
  | 'uniqueId'
  | 'isTest'
  | 'pricePerToken'
  | 'workerFeePerToken'
  | 'multipliers'
  | 'proxyDelayBeforeCloseSec'
  | 'clientDelayBeforeCloseSec'
  | 'minProxyStake'
  | 'minClientStake'
>;

/** In the layout that `structVersion` names. */
export function paramsCell(params: Params, codes: ParamCodes): Cell {
  const { structVersion: layout, multipliers } = params;
  const cell = beginCell()
    .storeUint(layout, 8)
    .storeUint(params.paramsVersion, 32)
    .storeUint(params.uniqueId, 32)
    .storeBit(params.isTest)
    .storeCoins(params.pricePerToken)
    .storeCoins(params.workerFeePerToken);
  if (layout >= 3) cell.storeUint(multipliers.prompt, 32);
  if (layout >= 2) cell.storeUint(multipliers.cached, 32);
  if (layout >= 3) cell.storeUint(multipliers.completion, 32);
  if (layout >= 2) cell.storeUint(multipliers.reasoning, 32);
  cell.storeUint(params.proxyDelayBeforeCloseSec, 32).storeUint(params.clientDelayBeforeCloseSec, 32);
  if (layout >= 1) cell.storeCoins(params.minProxyStake).storeCoins(params.minClientStake);
  return cell
    .storeMaybeRef(codes.proxyCode ?? null)
    .storeMaybeRef(codes.workerCode ?? null)
    .storeMaybeRef(codes.clientCode ?? null)
    .endCell();
}

/** Inverse of {@link paramsCell}. @throws {ContractError} `CONTRACT_DATA` */
export function readParams(cell: Cell): Params & Required<ParamCodes> {
  return readAll('parameters', cell, (slice) => {
    const structVersion = slice.loadUint(8);
    if (structVersion > MAX_LAYOUT) {
      throw new ContractError('CONTRACT_DATA', `parameters of layout ${structVersion}`, { layout: structVersion });
    }
    const paramsVersion = slice.loadUint(32);
    const uniqueId = slice.loadUint(32);
    const isTest = slice.loadBit();
    const pricePerToken = loadNanoTon(slice);
    const workerFeePerToken = loadNanoTon(slice);
    const multiplier = (since: number): number => (structVersion >= since ? slice.loadUint(32) : 10_000);
    const [prompt, cached, completion, reasoning] = [multiplier(3), multiplier(2), multiplier(3), multiplier(2)];
    return {
      structVersion,
      paramsVersion,
      uniqueId,
      isTest,
      pricePerToken,
      workerFeePerToken,
      multipliers: { prompt, cached, completion, reasoning },
      proxyDelayBeforeCloseSec: slice.loadUint(32),
      clientDelayBeforeCloseSec: slice.loadUint(32),
      minProxyStake: structVersion >= 1 ? loadNanoTon(slice) : DEFAULT_STAKE,
      minClientStake: structVersion >= 1 ? loadNanoTon(slice) : DEFAULT_STAKE,
      proxyCode: slice.loadMaybeRef(),
      workerCode: slice.loadMaybeRef(),
      clientCode: slice.loadMaybeRef(),
    };
  });
}

/** @throws {RangeError} for an amount above 2^63-1, which no node can read */
export function loadNanoTon(slice: Slice): NanoTon {
  return nanoTon(slice.loadCoins());
}
