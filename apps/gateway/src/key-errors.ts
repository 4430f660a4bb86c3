import { BombyxError } from '@bombyx/base';

export type KeyErrorCode =
  | 'KEY_FILE' // the file cannot be opened, read or written
  | 'KEY_IN_USE' // another gateway keeps the accounts in this file
  | 'KEY_NAME' // a name that cannot be one, or is taken
  | 'KEY_UNKNOWN' // no key has this name or prefix
  | 'KEY_LIMIT'; // there are as many keys as there may be

/** What goes wrong with the file of API keys. Callers of the API never see it. */
export class KeyError extends BombyxError<KeyErrorCode> {}
