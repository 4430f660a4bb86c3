import { BombyxError } from '@bombyx/base';

export type MoneyErrorCode =
  /** The passphrase does not open the key file. */
  | 'MONEY_PASSPHRASE'
  /** The key file is missing, damaged, of a newer version, or there already. */
  | 'MONEY_KEY_FILE'
  /** Not 24 words that make a key. */
  | 'MONEY_MNEMONIC'
  /** The address cannot be meant: malformed, of another network, or one that nothing can be sent to. */
  | 'MONEY_ADDRESS'
  /** Too few coins. `detail`: balance and needed, nanoTON. */
  | 'MONEY_BALANCE'
  /** The chain took the order and the message was not sent, or had not the effect it was sent for. */
  | 'MONEY_NOT_DONE'
  /** The person said no. */
  | 'MONEY_DECLINED'
  /** What is asked of the root contract makes no sense, or is not this wallet's to ask. */
  | 'MONEY_ROOT';

/** Something about keys, coins or the root contract, in one sentence for the person who asked. */
export class MoneyError extends BombyxError<MoneyErrorCode> {}
