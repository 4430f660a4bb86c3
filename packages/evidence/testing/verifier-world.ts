/** A verifier with what it needs, and peers that show it something. */
import { createHash, randomBytes } from 'node:crypto';
import {
  type Binding,
  builtinPolicy,
  type Claims,
  type EvidenceItem,
  encodeClaims,
  encodeEvidence,
  gpuDigest,
  type PartRole,
  type Policy,
  reportDataV2,
  withMeasurements,
} from '@bombyx/attest';
import { nodeCrypto } from '@bombyx/attest/node';
import { silentLogger } from '@bombyx/base';
import { intelWorld, type World } from '../../attest/testing/intel-world.ts';
import type { Machine } from '../../attest/testing/peer-world.ts';
import { CollateralStore, type CollateralStoreOptions, PeerVerifier, type PeerVerifierOptions } from '../src/index.ts';
import { JudgePool } from '../src/verifier/judge-pool.ts';
import { WallClock } from './clocks.ts';
import { WatchedJudges } from './judges.ts';
import { makeTlsCertificate, makeTlsKey, type TlsKey } from './ra-tls.ts';

const random = { bytes: (size: number) => new Uint8Array(randomBytes(size)) };
const { signal } = new AbortController();

export function openVerifier(atMs: number, store?: CollateralStoreOptions, options: PeerVerifierOptions = {}) {
  const clock = new WallClock(atMs);
  const deps = { clock, log: silentLogger, random };
  const collateral = store && new CollateralStore(store, deps);
  const judges = new WatchedJudges(new JudgePool(options, deps));
  const verifier = new PeerVerifier(options, { ...deps, judges, ...(collateral && { collateral }) });
  return {
    clock,
    judges,
    verifier,
    collateral,
    asking: { address: '192.0.2.7', signal },
    async [Symbol.asyncDispose]() {
      await verifier[Symbol.asyncDispose]();
      await collateral?.[Symbol.asyncDispose]();
    },
  };
}

/** No list asked for. */
export function open(policy: Policy): Policy {
  return withMeasurements(policy, { images: 'any', models: 'any' });
}

export function simulatedPolicy(machine: Machine): Policy {
  return open(builtinPolicy('simulated', [machine.root.publicKey]));
}

export const tdxPolicy = open(builtinPolicy('tdx'));
export const snpPolicy = open(builtinPolicy('sev-snp'));

/** A TD whose quote is about `reportData`, of a maker of its own. */
export function tdAbout(reportData: Uint8Array): World {
  return intelWorld({
    quotedBody(body) {
      body.set(Buffer.from('e702060000000000', 'hex'), 128);
      body.set(reportData, 520);
    },
  });
}

/** A TD that shows itself in a certificate. */
export function certifiedTd(atMs: number): { readonly key: TlsKey; readonly world: World; readonly der: Uint8Array } {
  const key = makeTlsKey();
  const world = tdAbout(createHash('sha512').update(key.publicKey).digest());
  return { key, world, der: makeTlsCertificate(key, world.quote, atMs) };
}

/** Evidence in the fresh form. @param itemsFor makes it for the report data; GPUs are told apart and claimed */
export function freshEvidence(
  atMs: number,
  itemsFor: (reportData: Uint8Array) => readonly EvidenceItem[],
  gpusFor: (binding: Binding) => readonly EvidenceItem[] = () => [],
  role: PartRole = 'worker',
): { readonly binding: Binding; readonly bytes: Uint8Array } {
  const { publicKey } = makeTlsKey();
  const binding: Binding = { role, nonce: randomBytes(32), exporter: randomBytes(32), publicKey };
  const gpus = gpusFor(binding);
  const claims: Claims = {
    version: 2,
    role,
    publicKey,
    notBeforeSec: atMs / 1_000 - 5,
    notAfterSec: atMs / 1_000 + 3_600,
    imageVersion: '1.0.0',
    model: 'Qwen/Qwen3-8B@b968826d:7e9d33be',
    gpuDigests: gpus.map((item) => gpuDigest(item, nodeCrypto)),
    owner: 'EQowner',
  };
  const encoded = encodeClaims(claims);
  const items = itemsFor(reportDataV2(binding, encoded, nodeCrypto));
  return { binding, bytes: encodeEvidence({ claims: encoded, items: [...items, ...gpus] }) };
}
