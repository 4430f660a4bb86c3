export { assertNever, BombyxError } from './errors.ts';
export type { Clock, LogFields, Logger, Random } from './ports.ts';
export { silentLogger, systemClock } from './ports.ts';
export { RandomPool } from './random-pool.ts';
export { Rate, type RateArray } from './rates.ts';
export { Scope } from './scope.ts';
export type { Branded, NanoTon, Tokens } from './units.ts';
export { MAX_LONG, nanoTon, tokens } from './units.ts';
