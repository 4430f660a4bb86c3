import { BombyxError } from '@bombyx/base';

export type EngineErrorCode =
  | 'ENGINE_CONFIG' // a configuration field is wrong; the message names it
  | 'ENGINE_MODEL_FILE' // the model file cannot be read
  | 'ENGINE_MODEL_FORMAT' // the bytes are not a well-formed GGUF file
  | 'ENGINE_MODEL_UNSUPPORTED' // a well-formed GGUF file of a model that this engine does not run
  | 'ENGINE_STOPPED'; // the model thread ended, by close() or by a fault

/** What the engine throws on purpose. Errors of a single HTTP request are `ApiError`s and stay inside. */
export class EngineError extends BombyxError<EngineErrorCode> {}
