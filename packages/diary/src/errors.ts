import { BombyxError } from '@bombyx/base';

export type DiaryErrorCode =
  | 'DIARY_FILE' // the file cannot be opened or read
  | 'DIARY_DAY'; // a text that is no day

export class DiaryError extends BombyxError<DiaryErrorCode> {}
