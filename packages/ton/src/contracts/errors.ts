import { BombyxError } from '@bombyx/base';

export type ContractErrorCode =
  /** A cell or a stack is not what the contract keeps or answers: another contract, or another layout. */
  | 'CONTRACT_DATA'
  /** The built code of a contract is missing or is not the one that its hash promises. Build the contracts again. */
  | 'CONTRACT_CODE'
  /** The compiler refuses a source. */
  | 'CONTRACT_COMPILE';

/** A contract on the chain, or its code on disk, is not what it should be. */
export class ContractError extends BombyxError<ContractErrorCode> {}
