/**
 * What attestation costs, both ends together, and what strangers with garbage do to those who are served: a listener as a
 * proxy has it in one process, its peers in others. `node apps/cli/src/attestation/handshake.bench.ts`
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeClaims, encodeEvidence } from '@bombyx/attest';
import { Scope, silentLogger, systemClock } from '@bombyx/base';
import { attestationFields } from '@bombyx/config';
import { createSimulatedMachine, createSimulatedRoot } from '@bombyx/evidence';
import { anyPolicy, type Connection, connect, createIdentity, type Listener, listen } from '@bombyx/transport';
import { z } from 'zod';
import { Attestation } from './open.ts';

const WARM = 20;
const HANDSHAKES = 100;
const STRANGERS = 200;
const GARBAGE_BYTES = 20_000;
const PING_EVERY_MS = 2;
const AT_ONCE = 8;
const QUIET_MS = 4_000;
const deps = { clock: systemClock, log: silentLogger };
const nothing = { onMessage: () => {}, onQuery: () => Promise.reject(new Error('asks nothing')) };
const types = { kind: 'client.workerTypesV2', types: [] } as const;

async function attestationIn(folder: string, scope: Scope): Promise<Attestation> {
  const root = await createSimulatedRoot(folder);
  const file = join(folder, `machine-${process.pid}.json`);
  await createSimulatedMachine({ root: folder, file, measurement: new Uint8Array(48) });
  const fields = { attestation: 'simulated', simulated_key: file };
  const roots = { simulated_roots: [Buffer.from(root.publicKey).toString('hex')] };
  return new Attestation(z.object(attestationFields).parse({ ...fields, ...roots }), deps, scope);
}

function policyOf(attestation: Attestation) {
  const policy = attestation.policy('simulated');
  policy.adopt?.({ images: 'any', models: 'any' });
  return policy;
}

async function listenIn(folder: string, scope: Scope): Promise<Listener> {
  const attestation = await attestationIn(folder, scope);
  const identity = await attestation.identity({ role: 'proxy', owner: '' });
  const security = {
    kind: 'tls',
    identity,
    policy: policyOf(attestation),
    peerRole: 'worker',
    pow: { difficulty: 1 },
  } as const;
  const limits = { maxHandshakesPerAddress: 1_000, maxHandshakes: 1_000 };
  const listener = await listen(
    { host: '127.0.0.1', port: 0, security, limits },
    () => ({ onMessage: () => {}, onQuery: async () => types }),
    deps,
  );
  scope.defer(() => listener.close());
  return listener;
}

async function workerIn(folder: string, scope: Scope): Promise<(port: number) => Promise<Connection>> {
  const attestation = await attestationIn(folder, scope);
  const identity = await attestation.identity({ role: 'worker', owner: '', model: 'bench' });
  const security = { kind: 'tls', identity, policy: policyOf(attestation) } as const;
  return (port) => connect({ host: '127.0.0.1', port, security }, () => nothing, deps);
}

/** Both ends in this process: processor time of one mutual handshake with two proofs and two verdicts, threads included. */
async function cost(folder: string): Promise<void> {
  await using scope = new Scope();
  const [listener, dial] = [await listenIn(folder, scope), await workerIn(folder, scope)];
  const plain = { kind: 'tls', identity: await createIdentity(), policy: anyPolicy() } as const;
  const open = await listen(
    { host: '127.0.0.1', port: 0, security: { ...plain, pow: { difficulty: 1 } } },
    () => nothing,
    deps,
  );
  scope.defer(() => open.close());
  const table: Record<string, object> = {};
  const measure = async (name: string, one: () => Promise<Connection>) => {
    for (let i = 0; i < WARM; i++) (await one()).close();
    const [cpu, startMs] = [process.cpuUsage(), performance.now()];
    for (let i = 0; i < HANDSHAKES; i++) (await one()).close();
    const { user, system } = process.cpuUsage(cpu);
    table[name] = {
      'CPU, both ends (ms)': round((user + system) / 1_000 / HANDSHAKES),
      'wall (ms)': round((performance.now() - startMs) / HANDSHAKES),
    };
    await sleep(8_000); // the rate of verdicts for one address is bounded
  };
  const plainly = () => connect({ host: '127.0.0.1', port: open.port, security: plain }, () => nothing, deps);
  await measure('TLS alone', plainly);
  await measure('TLS, two proofs, two verdicts', async () => {
    await sleep(130); // the same bound
    return dial(listener.port);
  });
  console.table(table);
}

/** Strangers from one process: 200 handshakes at once, each with other garbage in the place of evidence. */
async function flood(port: number): Promise<void> {
  const garbage = async (i: number) => {
    const item = { kind: 'tdx', data: Buffer.alloc(GARBAGE_BYTES, i) } as const;
    const source = {
      role: 'worker',
      async evidence({ publicKey }: { publicKey: Uint8Array }) {
        const times = { notBeforeSec: 0, notAfterSec: 1 };
        const said = { version: 2, role: 'worker', publicKey, imageVersion: '', owner: '', gpuDigests: [] } as const;
        return encodeEvidence({ claims: encodeClaims({ ...said, ...times }), items: [item] });
      },
    } as const;
    const identity = await createIdentity({ evidence: source });
    return () =>
      connect(
        { host: '127.0.0.1', port, security: { kind: 'tls', identity, policy: anyPolicy() } },
        () => nothing,
        deps,
      );
  };
  setPriority(constants.priority.PRIORITY_LOW); // their machines are not ours, and have processors of their own
  const strangers = await Promise.all(Array.from({ length: STRANGERS }, (_, i) => garbage(i)));
  await Promise.allSettled(strangers.slice(0, WARM).map((knock) => knock()));
  process.send?.('ready');
  await once(process, 'message');
  await Promise.allSettled(strangers.map((knock) => knock()));
  process.send?.('done');
}

async function resilience(folder: string): Promise<void> {
  await using scope = new Scope();
  const dial = await workerIn(folder, scope);
  const server = child('listen', folder);
  scope.defer(() => server.kill());
  const [port] = (await once(server, 'message')) as [number];
  const strangers = child('flood', String(port));
  scope.defer(() => strangers.kill());
  await once(strangers, 'message');
  const connection = await dial(port);
  const latencies = async (until: Promise<unknown>): Promise<number[]> => {
    const seen: number[] = [];
    let over = false;
    void until.then(() => (over = true));
    const ask = async () => {
      while (!over) {
        const startMs = performance.now();
        await connection.query({ kind: 'client.getWorkerTypesV2' }, { timeoutMs: 60_000 });
        seen.push(performance.now() - startMs);
        await sleep(PING_EVERY_MS);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, ask));
    return seen.sort((a, b) => a - b);
  };
  await latencies(sleep(1_000));
  const quiet = await latencies(sleep(QUIET_MS));
  strangers.send('go');
  const busy = await latencies(once(strangers, 'message'));
  const row = (seen: number[]) => ({
    requests: seen.length,
    'p50 (ms)': round(seen[seen.length >> 1]!),
    'p99 (ms)': round(seen[Math.floor(seen.length * 0.99)]!),
    'worst (ms)': round(seen.at(-1)!),
  });
  console.table({ quiet: row(quiet), [`${STRANGERS} handshakes with garbage`]: row(busy) });
  connection.close();
}

function child(role: string, argument: string): ChildProcess {
  return fork(import.meta.filename, [role, argument], { execArgv: [...process.execArgv] });
}

const round = (value: number) => Math.round(value * 100) / 100;

const [role, argument = ''] = process.argv.slice(2);
if (role === 'listen') {
  const scope = new Scope();
  process.send?.((await listenIn(argument, scope)).port);
} else if (role === 'flood') {
  await flood(Number(argument));
} else {
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-handshake-'));
  try {
    await cost(folder);
    await resilience(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
