import { BombyxError } from '@bombyx/base';

/** `JSON_MALFORMED`: not UTF-8, not one object, or not JSON. `JSON_TOO_DEEP`, `JSON_TOO_WIDE`: beyond the bounds. */
export type JsonErrorCode = 'JSON_MALFORMED' | 'JSON_TOO_DEEP' | 'JSON_TOO_WIDE';
/** A body that cannot be read. The message names a byte position and never quotes the text. */
export class JsonError extends BombyxError<JsonErrorCode> {}
