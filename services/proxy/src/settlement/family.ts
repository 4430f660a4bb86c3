/**
 * A proxy contract and the contracts of its clients and workers: addresses, and what deploys them. All follow from the
 * parameters under which the proxy contract was made, so those are kept with its books: the root forgets them.
 */
import {
  type AccountParty,
  type Address,
  type ContractInit,
  clientBirthData,
  formatAddress,
  initAddress,
  type ParamCodes,
  type Params,
  paramsCell,
  parseAddress,
  proxyBirthData,
  type RootConfig,
  readCell,
  readParams,
  workerBirthData,
  writeCell,
} from '@bombyx/ton';
import { ProxyError } from '../errors.ts';

export type Party = 'client' | 'worker';

export interface FamilyOptions {
  readonly owner: Address;
  /** 32 bytes. */
  readonly publicKey: Buffer;
  readonly rootAddress: Address;
  readonly testnet: boolean;
}

export class Family {
  readonly proxy: Address;
  /** The address as the books name it. */
  readonly name: string;
  readonly #params: Params & ParamCodes;
  readonly #publicKey: Buffer;
  readonly #testnet: boolean;

  private constructor(proxy: Address, params: Params & ParamCodes, options: FamilyOptions) {
    this.proxy = proxy;
    this.name = formatAddress(proxy, options);
    this.#params = params;
    this.#publicKey = options.publicKey;
    this.#testnet = options.testnet;
  }

  /** The contracts under the parameters of a root, and what deploys the proxy contract. */
  static under(root: RootConfig, options: FamilyOptions): { readonly family: Family; readonly init: ContractInit } {
    const init = { code: root.proxyCode, data: proxyBirthData(root, options) };
    return { family: new Family(initAddress(init), root, options), init };
  }

  /** @param kept what {@link keep} gave @throws {ProxyError} `PROXY_STORE_DAMAGED` */
  static restore(name: string, kept: string | undefined, options: FamilyOptions): Family {
    try {
      const params = readParams(readCell(Buffer.from(kept ?? '', 'base64')));
      return new Family(parseAddress(name), params, options);
    } catch (cause) {
      const how = 'they were kept without TON: use another db_path, or the ton_api of the network they belong to';
      throw new ProxyError(
        'PROXY_STORE_DAMAGED',
        `the books lack the parameters of ${name}. Perhaps ${how}`,
        {},
        { cause },
      );
    }
  }

  /** The parameters as text. */
  keep(): string {
    return writeCell(paramsCell(this.#params, this.#params)).toString('base64');
  }

  /** What deploys the contract of a client or worker. */
  initOf(party: Party, owner: string): ContractInit {
    return this.#init(party, parseAddress(owner));
  }

  contractOf(party: Party, owner: string): Address {
    return initAddress(this.initOf(party, owner));
  }

  /** @returns the owner as the books name him, when `sender` is the contract that he would have */
  ownerOf(party: Party, owner: Address, sender: Address): string | undefined {
    if (!initAddress(this.#init(party, owner)).equals(sender)) return undefined;
    return formatAddress(owner, { testnet: this.#testnet });
  }

  #init(party: Party, owner: Address): ContractInit {
    const account: AccountParty = { owner, proxy: this.proxy, publicKey: this.#publicKey };
    const { clientCode, workerCode } = this.#params;
    if (!clientCode || !workerCode) throw new TypeError('parameters without codes');
    return party === 'client'
      ? { code: clientCode, data: clientBirthData(this.#params, account) }
      : { code: workerCode, data: workerBirthData(this.#params, account) };
  }
}
