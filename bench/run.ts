/**
 * `npm run bench`: the whole chain beside its baselines, in one run on this machine. Prints tables, writes
 * `bench-results.json`. `--quick` shortens every measurement; `--profile` adds where each process spends its time.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { startChain } from './chain.ts';
import { usageOf } from './processes.ts';
import { profileSummary } from './profile.ts';
import { Rounds, type Target } from './rounds.ts';
import { slowReader } from './slow-reader.ts';

const quick = process.argv.includes('--quick');
const profiling = process.argv.includes('--profile');
const DIRECT = 'straight to the backend';
const THREE = 'three bare pass-throughs in a row';
const OURS = 'Bombyx: gateway, client, proxy, worker';
const SMALL = 'small request';
const STREAM = 'SSE, 100 events';

await using chain = await startChain({ profiling });
const { roles, ports } = chain;
const targets: Target[] = [
  { name: DIRECT, port: ports.backend },
  { name: 'one bare node:http pass-through', port: ports.oneHop },
  { name: THREE, port: ports.threeHops },
  { name: OURS, port: ports.gateway },
];
if (chain.portkeyPort) targets.push({ name: '@portkey-ai/gateway (one hop, no TLS)', port: chain.portkeyPort });

const residentOf = () => Object.fromEntries(roles.map(({ name, pid }) => [name, usageOf(pid).residentMiB]));
const idle = residentOf();
let underLoad = idle;
/** CPU seconds of a process for a thousand requests at c = 50, by process and load. */
const cpu: Record<string, number> = {};
const request = { model: 'bench', max_tokens: 100, messages: [{ role: 'user', content: 'hello' }] };
const rounds = new Rounds({
  targets,
  loads: [
    { name: SMALL, body: JSON.stringify(request) },
    { name: STREAM, body: JSON.stringify({ ...request, stream: true }) },
  ],
  connections: [1, 50],
  rounds: quick ? 1 : 5,
  durationMs: quick ? 1_500 : 3_000,
  warmupMs: quick ? 2_000 : 6_000,
  headers: { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `http://127.0.0.1:${ports.backend}/v1` },
  around(target, { name: load }, connections) {
    const before = roles.map(({ pid }) => usageOf(pid).cpuSeconds);
    return ({ requests }) => {
      if (target.name !== OURS || connections !== 50) return;
      underLoad = residentOf();
      for (const [i, { name, pid }] of roles.entries()) {
        cpu[`${name}, ${load}`] = (1_000 * (usageOf(pid).cpuSeconds - before[i]!)) / requests;
      }
    };
  },
});
await rounds.run();
const rows = rounds.medians();
const ratios = [SMALL, STREAM].flatMap((load) =>
  [1, 50].map((c) => ({
    load,
    c,
    'of three pass-throughs': `${Math.round(100 * rounds.ratio(load, c, OURS, THREE))} %`,
    'first byte added ms': round(
      rounds.median(load, c, OURS).firstByteP50 - rounds.median(load, c, DIRECT).firstByteP50,
    ),
  })),
);
const machine = `${cpus()[0]?.model ?? 'unknown CPU'}, ${availableParallelism()} cores shared by everything`;
console.log(`\n${machine}, Node ${process.versions.node}; medians of the rounds\n`);
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
console.table(ratios);

const bytes = quick ? 200e6 : 1e9;
console.log(`A reader that stops for a while in a stream of ${bytes / 1e6} MB:`);
const slow = await slowReader(ports.gateway, bytes, [...roles, chain.backend]);
console.table(slow);
console.table(
  roles.map(({ name }) => ({
    process: name,
    'idle MiB': round(idle[name]!),
    'under load MiB': round(underLoad[name]!),
    'CPU s per 1,000 small': round(cpu[`${name}, ${SMALL}`]!),
    'CPU s per 1,000 streams': round(cpu[`${name}, ${STREAM}`]!),
  })),
);

await chain.stop();
if (profiling) {
  for (const { name } of roles) {
    const folder = join(chain.folder, 'profile', name);
    const profile = readdirSync(folder).find((file) => file.endsWith('.cpuprofile'));
    if (!profile) continue;
    console.log(`\nWhere ${name} spends its time`);
    console.table(profileSummary(join(folder, profile)));
  }
}
const parts = [
  ['Wire codec and frame cutter', 'packages/wire/src/wire.bench.ts'],
  ['What money costs a request', 'services/proxy/src/settlement.bench.ts'],
  ['What a proxy spends on the chain', 'services/proxy/src/settlement/chain-cost.bench.ts'],
  ['Gas of the contracts', 'packages/ton/src/contracts.bench.ts'],
] as const;
for (const [title, file] of parts) {
  console.log(`\n${title}:`);
  spawnSync(process.execPath, [new URL(`../${file}`, import.meta.url).pathname], { stdio: 'inherit' });
}

const results = { machine, node: process.versions.node, rows, ratios, slow, idle, underLoad, cpuPerThousand: cpu };
writeFileSync(new URL('../bench-results.json', import.meta.url), `${JSON.stringify(results, null, 2)}\n`);
console.log('\nwritten to bench-results.json');

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
