export { exampleFile, parseRouterFile } from './config.ts';
export type { Door } from './door.ts';
export { RouterError, type RouterErrorCode } from './errors.ts';
export { judgeBy } from './judge.ts';
export {
  checkPlan,
  DEFAULT_MAX_POW_DIFFICULTY,
  DEFAULT_POW_DIFFICULTY,
  type PortPlan,
  type PortType,
  type RouterPlan,
} from './plan.ts';
export { type Router, type RouterDeps, startRouter } from './router.ts';
export { readFixedPort, readHexList, readOldPort, readPolicy, readSocksPort, type Tell } from './words.ts';
