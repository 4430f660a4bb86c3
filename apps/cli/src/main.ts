#!/usr/bin/env node
/** The command `bombyx`: argv in, exit code out. The only place that reads argv, signals and the environment. */
import { BombyxError } from '@bombyx/base';
import manifest from '../package.json' with { type: 'json' };
import { commands } from './commands.ts';
import { CliError, helpOf, parseCommandLine } from './usage.ts';

/** Exit codes: 0 done, 1 failed, 2 wrong command line, 78 wrong configuration (as in sysexits.h). */
function exitCodeOf(error: unknown): number {
  if (error instanceof CliError && error.code === 'CLI_USAGE') return 2;
  if (error instanceof CliError && (error.code === 'CLI_CONFIG' || error.code === 'CLI_PORT_IN_USE')) return 78;
  return 1;
}

function overview(): string {
  const width = Math.max(...commands.map(({ name }) => name.length)) + 2;
  return [
    'Bombyx: the Confidential Compute Open Network',
    '',
    'Usage: bombyx COMMAND [options]        "bombyx COMMAND --help" explains one',
    '',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`),
    '',
    'Examples:',
    '  bombyx up                            start the whole network on this machine',
    '  bombyx chat "What is COCOON?"        ask it something',
    '',
    'Exit codes: 0 done, 1 failed, 2 wrong command line, 78 wrong configuration or port in use.',
    '',
  ].join('\n');
}

/** Aborts on Ctrl-C or SIGTERM, and when the supervisor that started this process is gone. A second signal ends at once. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
  };
  if (process.channel) {
    process.on('SIGINT', () => {}); // the terminal sends Ctrl-C to the whole group; the supervisor decides the order
    process.once('disconnect', () => controller.abort());
    process.channel.unref();
  } else process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  process.on('SIGHUP', stop);
  return controller.signal;
}

async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(overview());
    return name === undefined ? 2 : 0;
  }
  if (name === '--version' || name === 'version') {
    console.log(manifest.version);
    return 0;
  }
  const entry = commands.find((candidate) => candidate.name === name);
  if (!entry) throw new CliError('CLI_USAGE', `there is no command "${name}"; "bombyx help" lists them`);
  const command = await entry.load();
  const args = parseCommandLine(command, rest);
  if (args.flag('help')) {
    process.stdout.write(helpOf(command.part?.(args.positionals) ?? command));
    return 0;
  }
  return command.run(args, stopSignal());
}

process.umask(0o077); // keys, ledgers and logs are for this user alone
process.stdout.on('error', () => process.exit(0)); // the reader of a pipe left
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = exitCodeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof BombyxError ? error.code : 'INTERNAL';
  if (process.argv.includes('--json')) console.log(JSON.stringify({ event: 'error', code, message }));
  else console.error(`bombyx: ${message}`);
  if (!(error instanceof BombyxError) && process.env['BOMBYX_DEBUG']) console.error(error);
}
