/** Which chain this is. An endpoint that speaks for another one is refused, whatever its name promises. */

export interface TonNetwork {
  readonly name: string;
  /** Base64 of the root hash of the zerostate: the `init` of `getMasterchainInfo`. */
  readonly zerostate: string;
  /** `global_id` in every block header. */
  readonly globalId: number;
}

/** Source: `validator.zero_state` of the global configuration files that ton.org publishes. */
export const MAINNET: TonNetwork = {
  name: 'mainnet',
  zerostate: 'F6OpKZKqvqeFp6CQmFomXNMfMj2EnaUSOXN+Mh+wVWk=',
  globalId: -239,
};

export const TESTNET: TonNetwork = {
  name: 'testnet',
  zerostate: 'gj+B8wb/AmlPk1z1AhVI484rhrUpgSr2oSFIh56VoSg=',
  globalId: -3,
};
