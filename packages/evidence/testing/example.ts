/** The example of the README: a machine that proves itself, and a side that judges it. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtinPolicy, encodeClaims, encodeEvidence, reportDataV2, withMeasurements } from '@bombyx/attest';
import { nodeCrypto } from '@bombyx/attest/node';
import { silentLogger, systemClock } from '@bombyx/base';
import {
  CollateralStore,
  createSimulatedMachine,
  createSimulatedRoot,
  INTEL_SERVICE,
  openSimulatedMachine,
  PeerVerifier,
} from '../src/index.ts';

const folder = await mkdtemp(join(tmpdir(), 'example-'));
const publicKey = randomBytes(32);
const deps = { clock: systemClock, log: silentLogger, random: { bytes: (size: number) => randomBytes(size) } };
const { signal } = new AbortController();

// the side that proves
const root = await createSimulatedRoot(folder);
await createSimulatedMachine({ root: folder, file: join(folder, 'worker.json'), measurement: Buffer.alloc(48) });
await using provider = await openSimulatedMachine(join(folder, 'worker.json'));
const binding = { role: 'worker', nonce: randomBytes(32), exporter: randomBytes(32), publicKey } as const;
const nowSec = Math.floor(Date.now() / 1_000);
const times = { notBeforeSec: nowSec, notAfterSec: nowSec + 600 };
const about = { imageVersion: '1', model: 'name@commit:hash', owner: 'EQ…', gpuDigests: [] };
const claims = encodeClaims({ version: 2, role: 'worker', publicKey, ...times, ...about });
const items = await provider.collect({ reportData: reportDataV2(binding, claims, nodeCrypto), signal });
const evidence = encodeEvidence({ claims, items });

// the side that asks
const intel = { endpoints: [{ url: INTEL_SERVICE }], fmspcs: ['90c06f000000'] };
await using collateral = new CollateralStore({ intel, folder: join(folder, 'collateral') }, deps);
await using verifier = new PeerVerifier({}, { ...deps, collateral });
const policy = withMeasurements(builtinPolicy('simulated', [root.publicKey]), { images: 'any', models: 'any' });
export const verdict = await verifier.judge(evidence, binding, policy, { address: '192.0.2.1', signal });

await rm(folder, { recursive: true });
