/** From the command line of `bombyx router` to a plan; every fault is told at once. */
import {
  checkPlan,
  DEFAULT_MAX_POW_DIFFICULTY,
  DEFAULT_POW_DIFFICULTY,
  parseRouterFile,
  RouterError,
  type RouterPlan,
  readFixedPort,
  readHexList,
  readOldPort,
  readPolicy,
  readSocksPort,
} from '@bombyx/router';
import { readConfig } from '../config-file.ts';
import { type Arguments, CliError } from '../usage.ts';

/** @throws {CliError} `CLI_USAGE`, or `CLI_CONFIG` where the file is to blame */
export function planOf(args: Arguments): RouterPlan {
  const faults: string[] = [];
  const tell = (fault: string) => void faults.push(fault);
  const file = args.text('config');
  const base = file === undefined ? undefined : readConfig(file, 'router configuration', parseRouterFile);
  const ports = [
    ...args.texts('socks5').map((text) => readSocksPort(text, tell)),
    ...args.texts('fwd').map((text) => readFixedPort('forward', text, tell)),
    ...args.texts('rev').map((text) => readFixedPort('reverse', text, tell)),
    ...args.texts('port').map((text) => readOldPort(text, tell)),
  ];
  const policies = args.texts('policy').flatMap((text) => readPolicy(text, tell) ?? []);
  const roots = args.texts('collateral-hash').flatMap((text) => readHexList('--collateral-hash', text, 48, tell) ?? []);
  const plan: RouterPlan = {
    certificateBase: args.text('cert') ?? base?.certificateBase,
    threads: args.integer('threads', 0, 256) ?? base?.threads ?? 0,
    serializeInfo: args.flag('serialize-info'),
    powDifficulty: args.integer('pow-difficulty', 0, 64) ?? DEFAULT_POW_DIFFICULTY,
    maxPowDifficulty: args.integer('max-pow-difficulty', 0, 64) ?? DEFAULT_MAX_POW_DIFFICULTY,
    collateralRoots: roots.length === 0 ? undefined : roots,
    policies: [...(base?.policies ?? []), ...policies],
    ports: ports.length === 0 ? (base?.ports ?? []) : ports,
  };
  try {
    return checkPlan(plan, faults);
  } catch (cause) {
    if (!(cause instanceof RouterError)) throw cause;
    throw new CliError('CLI_USAGE', cause.message, {}, { cause });
  }
}
