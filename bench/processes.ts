/** Processes of a bench: started, waited for, measured through /proc, stopped. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { LoadOptions, LoadResult } from './load.ts';

export interface Running extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
}

export interface Usage {
  readonly residentMiB: number;
  readonly cpuSeconds: number;
}

/** Starts a script and waits for its `{"event":"ready"}`. @throws {Error} with its last line when it ends before that */
export async function start(
  name: string,
  script: string,
  args: readonly string[],
  nodeArgs: readonly string[] = [],
): Promise<Running> {
  const child: ChildProcess = spawn(process.execPath, [...nodeArgs, script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let last = '';
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout! }).on('line', (line) => {
      last = line;
      if (line.includes('"ready"')) resolve();
    });
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}: ${last}`)));
  });
  return runningOf(name, child);
}

/** Starts a server of somebody else's that does not say when it is ready: waits until its port answers HTTP. */
export async function startWhenHealthy(
  name: string,
  script: string,
  args: readonly string[],
  port: number,
): Promise<Running> {
  const child = spawn(process.execPath, [script, ...args], { stdio: 'ignore' });
  for (let attempt = 0; attempt < 150; attempt++) {
    const answered = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    );
    if (answered) return runningOf(name, child);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  child.kill('SIGKILL');
  throw new Error(`${name} does not answer`);
}

function runningOf(name: string, child: ChildProcess): Running {
  return {
    name,
    pid: child.pid!,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      const kill = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await once(child, 'exit');
      clearTimeout(kill);
    },
  };
}

/** Linux only; zeros elsewhere. */
export function usageOf(pid: number): Usage {
  try {
    const resident = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return { residentMiB: Number(resident) / 1024, cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100 };
  } catch {
    return { residentMiB: 0, cpuSeconds: 0 };
  }
}

/** Runs the load generator in a process of its own. */
export async function load(options: LoadOptions): Promise<LoadResult> {
  const script = new URL('load.ts', import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(options)]);
  return JSON.parse(stdout) as LoadResult;
}
