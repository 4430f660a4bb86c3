/** Command lines: which options a command takes, what `--help` says, and how a mistake is told. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { BombyxError } from '@bombyx/base';

export type CliErrorCode =
  | 'CLI_USAGE'
  | 'CLI_CONFIG'
  | 'CLI_PORT_IN_USE'
  | 'CLI_RUNNING'
  | 'CLI_NOT_RUNNING'
  | 'CLI_NOT_AN_API' // an HTTP server, and no OpenAI API where it was looked for
  | 'CLI_REFUSED' // an OpenAI API answered with an error
  | 'CLI_STOPPED'
  | 'CLI_CHILD'; // a process of the network failed

/** One sentence for the person at the terminal; no stack is shown. */
export class CliError extends BombyxError<CliErrorCode> {}

export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  /** May be given more than once; read with `texts`. */
  readonly multiple?: true;
  /** Name of the value in the help text, e.g. `FILE`. */
  readonly value?: string;
  readonly help: string;
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  /** Positional arguments as shown in the help, e.g. `"TEXT"`; absent when there are none. */
  readonly positional?: string;
  readonly options: Readonly<Record<string, OptionSpec>>;
  readonly examples: readonly string[];
  /** The part of it that words of the command line name, for their own help. */
  part?(words: readonly string[]): Command | undefined;
  /** @returns the exit code */
  run(args: Arguments, signal: AbortSignal): Promise<number>;
}

/** Options and positionals of one invocation. */
export interface Arguments {
  readonly positionals: readonly string[];
  text(name: string): string | undefined;
  /** All values of an option that may be given more than once. */
  texts(name: string): readonly string[];
  flag(name: string): boolean;
  /** @throws {CliError} `CLI_USAGE` when the value is no integer in the range */
  integer(name: string, least: number, most: number): number | undefined;
}

const common: Readonly<Record<string, OptionSpec>> = {
  json: { type: 'boolean', help: 'print JSON, one object a line' },
  help: { type: 'boolean', short: 'h', help: 'show this help' },
};

export function optionsOf(command: Command): Readonly<Record<string, OptionSpec>> {
  return { ...command.options, ...common };
}

/** @throws {CliError} `CLI_USAGE` for an unknown option, a missing value or a surplus word */
export function parseCommandLine(command: Command, argv: readonly string[]): Arguments {
  const options: NonNullable<ParseArgsConfig['options']> = {};
  for (const [name, spec] of Object.entries(optionsOf(command))) {
    const { type, short, multiple = false } = spec;
    options[name] = { type, multiple, ...(short !== undefined && { short }) };
  }
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({ args: [...argv], options, allowPositionals: command.positional !== undefined });
  } catch (error) {
    const reason = error instanceof Error ? error.message.split(/\. |\n/)[0] : String(error);
    throw new CliError('CLI_USAGE', `${reason}; "bombyx ${command.name} --help" lists what it takes`);
  }
  const { values, positionals } = parsed;
  const text = (name: string) => (typeof values[name] === 'string' ? (values[name] as string) : undefined);
  return {
    positionals,
    text,
    texts: (name) => (Array.isArray(values[name]) ? (values[name] as string[]) : []),
    flag: (name) => values[name] === true,
    integer(name, least, most) {
      const value = text(name);
      if (value === undefined) return undefined;
      const number = Number(value);
      if (!/^\d+$/.test(value) || number < least || number > most) {
        throw new CliError('CLI_USAGE', `--${name} must be an integer from ${least} to ${most}, not "${value}"`);
      }
      return number;
    },
  };
}

/** Whether an option that takes a value was given one, or more. */
export function isGiven(args: Arguments, option: string): boolean {
  return args.text(option) !== undefined || args.texts(option).length > 0;
}

export function helpOf(command: Command): string {
  const rows = Object.entries(optionsOf(command)).map(([name, spec]) => {
    const short = spec.short === undefined ? '    ' : `-${spec.short}, `;
    return [`  ${short}--${name}${spec.value === undefined ? '' : ` ${spec.value}`}`, spec.help] as const;
  });
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return [
    command.summary,
    '',
    `Usage: bombyx ${command.name}${command.positional === undefined ? '' : ` ${command.positional}`} [options]`,
    '',
    'Options:',
    ...rows.map(([left, help]) => left.padEnd(width) + help),
    '',
    'Examples:',
    ...command.examples.map((line) => `  ${line}`),
    '',
  ].join('\n');
}
