/**
 * `npm run bench`: the whole chain beside its baselines, in one run on this machine. Prints tables, writes
 * `bench-results.json`. `--quick` shortens every measurement; `--profile` adds where each process spends its time.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareNetwork } from '../apps/cli/src/network.ts';
import { freePorts } from '../apps/cli/src/ports.ts';
import type { LoadResult } from './load.ts';
import { load, type Running, start, startWhenHealthy, usageOf } from './processes.ts';
import { profileSummary } from './profile.ts';
import { slowReader } from './slow-reader.ts';

const quick = process.argv.includes('--quick');
const profiling = process.argv.includes('--profile');
const durationMs = quick ? 1_500 : 5_000;
const warmupMs = quick ? 1_000 : 3_000;
const here = (file: string) => new URL(file, import.meta.url).pathname;
const main = here('../apps/cli/src/main.ts');

const folder = mkdtempSync(join(tmpdir(), 'bombyx-bench-'));
await using stack = new AsyncDisposableStack();
stack.defer(() => rmSync(folder, { recursive: true, force: true }));
const running: Running[] = [];
const launch = async (name: string, script: string, args: readonly string[], nodeArgs: readonly string[] = []) => {
  const child = stack.use(await start(name, script, args, nodeArgs));
  running.push(child);
  return child;
};

const [backendPort, hop1, hop2, hop3, gatewayPort, portkeyPort] = (await freePorts(6)) as [
  number,
  number,
  number,
  number,
  number,
  number,
];
await launch('backend', here('backend.ts'), [String(backendPort)]);
await launch('pass-through 3', here('pass-through.ts'), [String(hop3), String(backendPort)]);
await launch('pass-through 2', here('pass-through.ts'), [String(hop2), String(hop3)]);
await launch('pass-through 1', here('pass-through.ts'), [String(hop1), String(hop2)]);

const files = await prepareNetwork(folder, gatewayPort);
change(files.config.worker, {
  forward_requests_to: `127.0.0.1:${backendPort}`,
  model_name: 'bench',
  max_active_requests: 512,
});
const roles: Running[] = [];
for (const role of ['proxy', 'worker', 'client'] as const) {
  const profile = profiling ? ['--cpu-prof', '--cpu-prof-dir', join(folder, role)] : [];
  const args = [role, '--config', files.config[role], '--disable-ton', files.root, '-v', '1', '--json'];
  roles.push(await launch(role, main, args, profile));
}
await untilServing();

const targets: { name: string; port: number }[] = [
  { name: 'straight to the backend', port: backendPort },
  { name: 'one bare node:http pass-through', port: hop3 },
  { name: 'three bare pass-throughs in a row', port: hop1 },
  { name: 'Bombyx: gateway, client, proxy, worker', port: gatewayPort },
];
if (await startPortkey()) targets.push({ name: '@portkey-ai/gateway (one hop, no TLS)', port: portkeyPort });

const idle = Object.fromEntries(roles.map(({ name, pid }) => [name, usageOf(pid).residentMiB]));
const small = JSON.stringify({ model: 'bench', max_tokens: 100, messages: [{ role: 'user', content: 'hello' }] });
const stream = JSON.stringify({
  model: 'bench',
  max_tokens: 100,
  stream: true,
  messages: [{ role: 'user', content: 'hello' }],
});
const rows: (LoadResult & { load: string; connections: number; target: string })[] = [];
let underLoad: Record<string, number> = {};
let cpu: Record<string, number> = {};
for (const [name, body] of [
  ['small request', small],
  ['SSE, 100 events', stream],
] as const) {
  for (const connections of [1, 50]) {
    for (const { name: target, port } of targets) {
      const before = roles.map(({ pid }) => usageOf(pid).cpuSeconds);
      const result = await load({
        port,
        connections,
        warmupMs,
        durationMs,
        body,
        headers: { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `http://127.0.0.1:${backendPort}/v1` },
      });
      rows.push({ load: name, connections, target, ...result });
      if (target.startsWith('Bombyx') && connections === 50) {
        underLoad = Object.fromEntries(roles.map(({ name, pid }) => [name, usageOf(pid).residentMiB]));
        const thousands = (result.perSecond * (durationMs + warmupMs)) / 1e6;
        const spent = roles.map(({ name: role, pid }, i) => [
          `${role}, ${name}`,
          (usageOf(pid).cpuSeconds - before[i]!) / thousands,
        ]);
        cpu = { ...cpu, ...Object.fromEntries(spent) };
      }
    }
  }
}
console.log(
  `\n${cpus()[0]?.model ?? 'unknown CPU'}, ${availableParallelism()} cores shared by everything, Node ${process.versions.node}\n`,
);
console.table(
  rows.map((row) => ({
    load: row.load,
    c: row.connections,
    target: row.target,
    'per second': Math.round(row.perSecond),
    'p50 ms': round(row.p50),
    'p99 ms': round(row.p99),
    'first byte p50 ms': round(row.firstByteP50),
    errors: row.errors,
  })),
);
const find = (load: string, connections: number, target: string) =>
  rows.find((row) => row.load === load && row.connections === connections && row.target.startsWith(target))!;
const ratios = ['small request', 'SSE, 100 events'].flatMap((load) =>
  [1, 50].map((c) => ({
    load,
    c,
    'of three pass-throughs': `${Math.round((100 * find(load, c, 'Bombyx').perSecond) / find(load, c, 'three').perSecond)} %`,
    'first byte added ms': round(find(load, c, 'Bombyx').firstByteP50 - find(load, c, 'straight').firstByteP50),
  })),
);
console.table(ratios);

console.log('A reader that stops in the middle of a 1 GB stream:');
const slow = await slowReader(gatewayPort, quick ? 200e6 : 1e9, [...roles, running[0]!]);
console.table(slow);
console.table(
  roles.map(({ name }) => ({
    process: name,
    'idle MiB': round(idle[name]!),
    'under load MiB': round(underLoad[name]!),
    'CPU s per 1,000 small': round(cpu[`${name}, small request`]!),
    'CPU s per 1,000 streams': round(cpu[`${name}, SSE, 100 events`]!),
  })),
);

await stack.disposeAsync(); // ends the processes, which writes their profiles
if (profiling) {
  for (const { name } of roles) {
    const profile = readdirSync(join(folder, name)).find((file) => file.endsWith('.cpuprofile'));
    if (!profile) continue;
    console.log(`\nWhere ${name} spends its time`);
    console.table(profileSummary(join(folder, name, profile)));
  }
}
console.log('\nWire codec and frame cutter:');
spawnSync(process.execPath, [here('../packages/wire/src/wire.bench.ts')], { stdio: 'inherit' });

const file = here('../bench-results.json');
writeFileSync(
  file,
  `${JSON.stringify({ node: process.versions.node, cpu: cpus()[0]?.model, rows, ratios, slow, idle, underLoad, cpu_per_thousand: cpu }, null, 2)}\n`,
);
console.log(`\nwritten to bench-results.json`);
process.exit(0);

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function change(path: string, fields: object): void {
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as object), ...fields }));
}

async function untilServing(): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const answer = await fetch(`http://127.0.0.1:${gatewayPort}/v1/models`)
      .then((response) => response.text())
      .catch(String);
    if (answer.includes('"bench"')) return;
    if (attempt > 300) throw new Error(`the network does not serve: ${answer.slice(0, 200)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The npm gateway, installed for the bench alone. @returns false, said aloud, when it cannot run */
async function startPortkey(): Promise<boolean> {
  const place = join(folder, 'portkey');
  try {
    const install = ['install', '--no-audit', '--no-fund', '--prefix', place, '@portkey-ai/gateway@1.15.2'];
    execFileSync('npm', install, { stdio: 'ignore', timeout: 120_000 });
    const entry = join(place, 'node_modules/@portkey-ai/gateway/build/start-server.js');
    running.push(
      stack.use(await startWhenHealthy('portkey', entry, [`--port=${portkeyPort}`, '--headless'], portkeyPort)),
    );
    return true;
  } catch (error) {
    console.log(`@portkey-ai/gateway is left out: ${error instanceof Error ? error.message.split('\n')[0] : error}`);
    return false;
  }
}
