/** The processes under measurement: backend, bare pass-throughs, and the network of `bombyx`, each on its own. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareNetwork } from '../apps/cli/src/network.ts';
import { freePorts } from '../apps/cli/src/ports.ts';
import { type Running, start, startWhenHealthy } from './processes.ts';

const here = (file: string) => new URL(file, import.meta.url).pathname;
const PORTKEY = '@portkey-ai/gateway@1.15.2';

export interface Chain extends AsyncDisposable {
  /** Removed at the end; holds the CPU profiles until then. */
  readonly folder: string;
  readonly backend: Running;
  /** proxy, worker, client (with its gateway). */
  readonly roles: readonly Running[];
  readonly ports: Readonly<Record<'backend' | 'oneHop' | 'threeHops' | 'gateway', number>>;
  /** The port of the npm gateway; undefined when it could not be installed. */
  readonly portkeyPort: number | undefined;
  /** Ends the processes, which writes their profiles. */
  stop(): Promise<void>;
}

/** Starts everything and waits until the network serves. */
export async function startChain(options: { profiling: boolean }): Promise<Chain> {
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-bench-'));
  const stack = new AsyncDisposableStack();
  const launch = async (name: string, script: string, args: readonly string[], nodeArgs: readonly string[] = []) =>
    stack.use(await start(name, script, args, nodeArgs));
  const [backendPort = 0, hop1 = 0, hop2 = 0, hop3 = 0, gateway = 0, portkey = 0] = await freePorts(6);

  const backend = await launch('backend', here('backend.ts'), [String(backendPort)]);
  await launch('pass-through 3', here('pass-through.ts'), [String(hop3), String(backendPort)]);
  await launch('pass-through 2', here('pass-through.ts'), [String(hop2), String(hop3)]);
  await launch('pass-through 1', here('pass-through.ts'), [String(hop1), String(hop2)]);

  const files = await prepareNetwork(folder, gateway);
  change(files.config.worker, {
    forward_requests_to: `127.0.0.1:${backendPort}`,
    model_name: 'bench',
    max_active_requests: 512,
  });
  const roles: Running[] = [];
  for (const role of ['proxy', 'worker', 'client'] as const) {
    const args = [role, '--config', files.config[role], '--disable-ton', files.root, '-v', '1', '--json'];
    const profile = options.profiling ? ['--cpu-prof', '--cpu-prof-dir', join(folder, 'profile', role)] : [];
    roles.push(await launch(role, here('../apps/cli/src/main.ts'), args, profile));
  }
  await untilServing(gateway);

  let portkeyPort: number | undefined;
  try {
    stack.use(await startPortkey(folder, portkey));
    portkeyPort = portkey;
  } catch (error) {
    console.log(`${PORTKEY} is left out: ${error instanceof Error ? error.message.split('\n')[0] : error}`);
  }
  const stop = () => stack.disposeAsync();
  return {
    folder,
    backend,
    roles,
    ports: { backend: backendPort, oneHop: hop3, threeHops: hop1, gateway },
    portkeyPort,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The npm gateway, installed into `folder` for this bench alone. */
function startPortkey(folder: string, port: number): Promise<Running> {
  const place = join(folder, 'portkey');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--prefix', place, PORTKEY], {
    stdio: 'ignore',
    timeout: 120_000,
  });
  const entry = join(place, 'node_modules/@portkey-ai/gateway/build/start-server.js');
  return startWhenHealthy('portkey', entry, [`--port=${port}`, '--headless'], port);
}

function change(path: string, fields: object): void {
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), ...fields }));
}

async function untilServing(port: number): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/models`)
      .then((response) => response.text())
      .catch(String);
    if (answer.includes('"bench"')) return;
    if (attempt > 300) throw new Error(`the network does not serve: ${answer.slice(0, 200)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
