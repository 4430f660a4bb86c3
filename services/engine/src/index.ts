export { type EngineOptions, parseEngineConfig } from './config.ts';
export { BUNDLED_MODEL, type Engine, type EngineDeps, type EngineStats, startEngine } from './engine.ts';
export { EngineError, type EngineErrorCode } from './errors.ts';
