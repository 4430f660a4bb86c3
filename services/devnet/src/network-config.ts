/**
 * Configuration of the network: the one of the main network as `@ton/sandbox` ships it, so that gas, forwarding and
 * storage cost what they cost there, under a global id of our own.
 */
import { beginCell, Cell, Dictionary } from '@ton/core';
import { defaultConfig } from '@ton/sandbox';

/** Parameter 19. Main network -239, test network -3. */
export const GLOBAL_ID = -17_494;

/** Workchains that exist here: the masterchain and the basechain, as in parameter 12. */
export const WORKCHAINS: readonly number[] = [-1, 0];

/** Validator sets and the like, 110 of 114 kB: no get method of an account looks at them, and each call reads them all. */
const LARGE = [-999, -90, -71, 32, 34, 36, 44, 71, 72, 79];

export interface NetworkConfig {
  /** Dictionary of all parameters. */
  readonly cell: Cell;
  /** Base64 of {@link cell}: what transactions run under. */
  readonly full: string;
  /** Base64 without the large parameters: what get methods run under, in half the time. */
  readonly forGetters: string;
  /** Parameter 8; from 12 on a message has flags where it had a fee for instant hypercube routing. */
  readonly version: number;
}

export function readNetworkConfig(): NetworkConfig {
  const all = Dictionary.loadDirect(
    Dictionary.Keys.Int(32),
    Dictionary.Values.Cell(),
    Cell.fromBase64(defaultConfig as string), // declared as its own text, 150 kB long
  );
  all.set(19, beginCell().storeInt(GLOBAL_ID, 32).endCell());
  const cell = beginCell().storeDictDirect(all).endCell();
  const version = all.get(8)?.beginParse().skip(8).loadUint(32) ?? 0;
  for (const index of LARGE) all.delete(index);
  return {
    cell,
    full: cell.toBoc().toString('base64'),
    forGetters: beginCell().storeDictDirect(all).endCell().toBoc().toString('base64'),
    version,
  };
}

/** One parameter, undefined when it is not set. */
export function configParameter(config: Cell, index: number): Cell | undefined {
  return Dictionary.loadDirect(Dictionary.Keys.Int(32), Dictionary.Values.Cell(), config).get(index);
}
