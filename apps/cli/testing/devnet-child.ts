/** `bombyx devnet` as `bombyx up` runs it: a process of its own, its chain in a folder. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const main = new URL('../src/main.ts', import.meta.url).pathname;

export interface DevnetChild {
  /** URL of the JSON-RPC door. */
  readonly api: string;
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
}

/** @param folder gets the configuration and, below `devnet`, the chain */
export async function startDevnet(folder: string): Promise<DevnetChild> {
  const config = join(folder, 'devnet.json');
  writeFileSync(config, JSON.stringify({ http_port: 0, block_ms: 20, data_dir: join(folder, 'devnet') }));
  const child = spawn(process.execPath, [main, 'devnet', '--config', config, '--json'], {
    stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
  });
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
  const { event, api } = JSON.parse(line) as { event: string; api?: string };
  if (event !== 'ready' || api === undefined) throw new Error(line);
  return { api, kill: () => killed(child) };
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}
