/** What the root contract says: who takes part, at which price, with which contract code. */
import type { NanoTon } from '@bombyx/base';
import type { Address, Cell } from '@ton/core';
import type { ProxyEndpoints } from './proxy-address.ts';

export interface RegisteredProxy extends ProxyEndpoints {
  readonly seqno: number;
}

/** Price of a kind of token in ten-thousandths; 10000 = 1.0. */
export interface PriceMultipliers {
  readonly prompt: number;
  readonly cached: number;
  readonly completion: number;
  readonly reasoning: number;
}

/** Keys that may speak for the network, kept by roots with layout 4. */
export interface KeyRegistry {
  /** Expired ones are still listed until the contract drops them. */
  readonly keys: readonly RegisteredKey[];
  /** 32 bytes, Ed25519: adds keys without the owner. */
  readonly managerKey: Buffer;
  /** Where the key manager listens, as the owner wrote it. */
  readonly managerAddress: string;
}

export interface RegisteredKey {
  /** 32 bytes. */
  readonly key: Buffer;
  readonly type: number;
  readonly expiresAtSec: number;
}

/** State of the root contract. Source of the fields: its two cells, lists and parameters. */
export interface RootConfig {
  readonly ownerAddress: Address;
  /** Image hashes, 32 bytes each. */
  readonly proxyHashes: readonly Buffer[];
  readonly workerHashes: readonly Buffer[];
  /** SHA-256 of the full model text, 32 bytes each. */
  readonly modelHashes: readonly Buffer[];
  readonly registeredProxies: readonly RegisteredProxy[];
  readonly lastProxySeqno: number;
  /** Rises with every change; `min_config_version` of the wire speaks of this one. */
  readonly version: number;
  /** Layout of the parameter cell, 0…4: part of every contract address. */
  readonly structVersion: number;
  /** Rises with prices, delays, stakes and codes; moves every contract to a new address. */
  readonly paramsVersion: number;
  readonly uniqueId: number;
  readonly isTest: boolean;
  /** Per adjusted token. */
  readonly pricePerToken: NanoTon;
  readonly workerFeePerToken: NanoTon;
  readonly multipliers: PriceMultipliers;
  readonly proxyDelayBeforeCloseSec: number;
  readonly clientDelayBeforeCloseSec: number;
  readonly minProxyStake: NanoTon;
  readonly minClientStake: NanoTon;
  readonly proxyCode: Cell;
  readonly workerCode: Cell;
  readonly clientCode: Cell;
  /** Only with layout 4. */
  readonly keyRegistry?: KeyRegistry;
}
