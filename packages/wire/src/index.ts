export { MAX_VECTOR_ITEMS } from './codec.ts';
export { WireError, type WireErrorCode } from './errors.ts';
export { FrameCutter, type FrameOptions, FrameWriter, MAX_PAYLOAD } from './frame.ts';
export { decode, decodeFunction, decodeOf, encode, encodedSize } from './object.ts';
export {
  type Attestation,
  cutPeerInfo,
  decodePeerInfo,
  encodePeerInfo,
  imageHash,
  type PeerInfo,
} from './peer-info.ts';
export {
  checkPow,
  decodePowChallenge,
  decodePowResponse,
  encodePowChallenge,
  encodePowResponse,
  POW_CHALLENGE_SIZE,
  POW_RESPONSE_SIZE,
  type PowChallenge,
  type PowResponse,
  solvePow,
} from './pow.ts';
export type { Tl, TlAnswer, TlFunction, TlFunctionName, TlName, TlObject, TlOfType, TlTypeName } from './value.ts';
