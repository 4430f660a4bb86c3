import { BombyxError } from '@bombyx/base';

export type TonErrorCode =
  | 'TON_ADDRESS'
  | 'TON_BOC'
  | 'TON_KEY'
  | 'TON_PAYMENT_FORM'
  | 'TON_PAYMENT_KIND'
  | 'TON_PAYMENT_RECEIVER'
  | 'TON_PAYMENT_SIGNATURE'
  | 'TON_PROXY_ADDRESS'
  | 'TON_ROOT_CONFIG';

/** Something from outside (a peer, a file, the configuration) is not what TON or COCOON allow. */
export class TonError extends BombyxError<TonErrorCode> {}
