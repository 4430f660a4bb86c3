import { BombyxError } from '@bombyx/base';

/**
 * - `WIRE_TRUNCATED` the bytes end inside a value, or announce more than there are
 * - `WIRE_TRAILING` bytes are left over behind a complete object
 * - `WIRE_UNKNOWN_TAG` no object, or none allowed at this place, has this id
 * - `WIRE_BAD_VALUE` a value outside its type: text that is not UTF-8, a second encoding of the same value, NaN
 * - `WIRE_FRAME_SIZE` a frame outside 4..2^24 bytes (also thrown on sending: the message does not fit into a frame)
 * - `WIRE_SEQNO` a sequence number skipped or repeated, or all 2^31 used up
 * - `WIRE_POW_UNSOLVED` no nonce in the range searched solves the puzzle
 */
export type WireErrorCode =
  | 'WIRE_TRUNCATED'
  | 'WIRE_TRAILING'
  | 'WIRE_UNKNOWN_TAG'
  | 'WIRE_BAD_VALUE'
  | 'WIRE_FRAME_SIZE'
  | 'WIRE_SEQNO'
  | 'WIRE_POW_UNSOLVED';

/** The peer broke the wire format. Not retried: the connection is closed. */
export class WireError extends BombyxError<WireErrorCode> {}
