/** Commands run in this process: for what they do, where how a process starts and ends is not the question. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { type Command, parseCommandLine } from '../src/usage.ts';

/** Lines of the command that prints; others may run beside it. */
const printing = new AsyncLocalStorage<string[]>();
const { log } = console;
console.log = (...said: unknown[]) => {
  const lines = printing.getStore();
  if (lines === undefined) log(...said);
  else lines.push(String(said[0]));
};

/** Runs a command to its end. @returns its exit code, and what it prints, line by line. @throws what it throws */
export async function ended(
  command: Command,
  argv: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly code: number; readonly lines: readonly string[] }> {
  const lines: string[] = [];
  const code = await printing.run(lines, () => command.run(parseCommandLine(command, argv), signal));
  return { code, lines };
}

/** @returns the lines that a command prints; one that waits is told to stop after 30 s */
export async function printed(command: Command, ...argv: readonly string[]): Promise<string> {
  return (await ended(command, argv, AbortSignal.timeout(30_000))).lines.join('\n');
}
