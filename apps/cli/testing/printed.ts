import { type Command, parseCommandLine } from '../src/usage.ts';

/** Runs a command in this process. @returns the lines it prints; a command that waits is told to stop after 30 s */
export async function printed(command: Command, ...argv: readonly string[]): Promise<string> {
  const { log } = console;
  const lines: string[] = [];
  console.log = (line: string) => void lines.push(line);
  try {
    await command.run(parseCommandLine(command, argv), AbortSignal.timeout(30_000));
  } finally {
    console.log = log;
  }
  return lines.join('\n');
}
