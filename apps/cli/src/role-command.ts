/** What `bombyx engine|proxy|worker|client|devnet` have in common: a configuration file, a log, and a part that runs until it is told to stop. */
import { once } from 'node:events';
import { BombyxError, type Clock, type Logger, Scope, systemClock } from '@bombyx/base';
import { readConfig } from './config-file.ts';
import { createLogger } from './log.ts';
import { portError } from './ports.ts';
import { type Arguments, CliError, type Command } from './usage.ts';

/** Facts of a part that runs, told when it is ready. */
type Facts = Readonly<Record<string, string | number | undefined>>;

export interface Deps {
  readonly clock: Clock;
  readonly log: Logger;
}

export interface Role<Config, Needs = Deps> {
  readonly name: string;
  readonly summary: string;
  parse(json: unknown): Config;
  /** Opens everything into `scope`. @returns what to tell */
  open(config: Config, deps: Needs, scope: Scope, args: Arguments): Promise<Facts>;
}

export function roleCommand<Config>(role: Role<Config>): Command {
  const { name, summary } = role;
  const defaultFile = `${name}-config.json`;
  return {
    name,
    summary,
    options: {
      config: { type: 'string', short: 'c', value: 'FILE', help: `JSON configuration (default ${defaultFile})` },
      verbosity: { type: 'string', short: 'v', value: 'N', help: 'log level, 0 (fatal) to 5 (all); default 3' },
    },
    examples: [`bombyx ${name} --config ${name}.json`],
    async run(args, signal) {
      const log = createLogger(name, args.integer('verbosity', 0, 5));
      const config = readConfig(args.text('config') ?? defaultFile, `${name} configuration`, role.parse);
      await using scope = new Scope(signal);
      const facts = await role.open(config, { clock: systemClock, log }, scope, args).catch((error: unknown) => {
        throw startError(error);
      });
      if (args.flag('json')) console.log(JSON.stringify({ event: 'ready', role: name, pid: process.pid, ...facts }));
      else {
        const told = Object.entries(facts).filter(([, value]) => value !== undefined);
        console.log([`${name} is ready`, ...told.map((fact) => fact.join(' '))].join(', '));
      }
      if (!scope.signal.aborted) await once(scope.signal, 'abort');
      return 0;
    },
  };
}

/** What a system says of a file or folder that is not as the configuration has it. */
const MISPLACED: ReadonlySet<unknown> = new Set(['ENOTDIR', 'EISDIR', 'EEXIST', 'ENOENT', 'EACCES', 'EPERM', 'EROFS']);
/** What SQLite says of it. Source: sqlite3.h, `SQLITE_CANTOPEN`. */
const CANNOT_OPEN = 14;

/** One sentence where the configuration is to blame; other errors pass through. */
function startError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    const { path, code, errcode } = cause as NodeJS.ErrnoException & { readonly errcode?: number };
    if (errcode !== CANNOT_OPEN && (path === undefined || !MISPLACED.has(code))) continue;
    const what = error instanceof BombyxError ? error.message : `${path} cannot be used: ${cause.message}`;
    return new CliError('CLI_CONFIG', what, {}, { cause: error });
  }
  if (error instanceof BombyxError && error.code.endsWith('_CONFIG')) {
    return new CliError('CLI_CONFIG', error.message, {}, { cause: error });
  }
  return portError(error, undefined, 'choose another in the configuration');
}
