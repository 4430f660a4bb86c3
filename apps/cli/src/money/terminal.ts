/** Questions to the person at the terminal. They go to standard error: standard output is for answers. */
import { createInterface, type Interface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { BombyxError } from '@bombyx/base';
import { CliError } from '../usage.ts';

/** What asking needs: the process' own streams, or a test's. */
export interface Terminal {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly output: NodeJS.WritableStream;
}

export const processTerminal: Terminal = { input: process.stdin, output: process.stderr };

/** What was under way when the person stopped it ends in a sentence, and not in what an aborted call happens to throw. */
export async function stoppable(work: Promise<void>, signal: AbortSignal): Promise<void> {
  try {
    await work;
  } catch (cause) {
    if (!signal.aborted || cause instanceof BombyxError) throw cause;
    throw new CliError('CLI_STOPPED', 'stopped', {}, { cause });
  }
}

/** @throws {CliError} `CLI_STOPPED` when the person gives up or `signal` aborts */
export async function ask(question: string, terminal: Terminal, signal: AbortSignal): Promise<string> {
  const lastLine = question.lastIndexOf('\n') + 1; // only that one is drawn again while it is answered
  terminal.output.write(question.slice(0, lastLine));
  return await read(
    terminal,
    terminal.output,
    (lines, given) => lines.question(question.slice(lastLine), given),
    signal,
  );
}

/** As {@link ask}; what is typed does not appear, from the moment on that the question does. */
export async function askHidden(question: string, terminal: Terminal, signal: AbortSignal): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const put = (lines: Interface, given: { signal: AbortSignal }) => {
    terminal.output.write(question); // the interface is open: the terminal itself shows nothing any more
    return lines.question('', given);
  };
  try {
    return await read(terminal, nowhere, put, signal);
  } finally {
    terminal.output.write('\n');
  }
}

/**
 * Yes, in full or by its letter; anything else is no.
 * @throws {CliError} `CLI_USAGE` when there is nobody to ask
 */
export async function confirm(question: string, terminal: Terminal, signal: AbortSignal): Promise<boolean> {
  if (terminal.input.isTTY !== true) {
    throw new CliError('CLI_USAGE', 'this asks before it signs: run it in a terminal, or say --yes');
  }
  return /^y(es)?$/i.test((await ask(`${question} [y/N] `, terminal, signal)).trim());
}

async function read(
  { input }: Terminal,
  output: NodeJS.WritableStream,
  put: (lines: Interface, given: { signal: AbortSignal }) => Promise<string>,
  signal: AbortSignal,
): Promise<string> {
  const lines = createInterface({ input, output, terminal: input.isTTY === true });
  const gaveUp = new AbortController();
  lines.once('SIGINT', () => gaveUp.abort());
  lines.once('close', () => gaveUp.abort()); // the end of the input, also after an answer, where it changes nothing
  try {
    return await put(lines, { signal: AbortSignal.any([signal, gaveUp.signal]) });
  } catch (cause) {
    throw new CliError('CLI_STOPPED', 'stopped while it asked', {}, { cause });
  } finally {
    lines.close();
  }
}
