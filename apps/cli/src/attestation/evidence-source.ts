/** What this machine shows to a peer: claims, evidence of the machine over them and the connection, evidence of its GPUs. */
import { randomBytes } from 'node:crypto';
import {
  type Binding,
  type Claims,
  type EvidenceItem,
  encodeClaims,
  encodeEvidence,
  gpuDigest,
  gpuNonceOf,
  type PartRole,
  reportDataV1,
  reportDataV2,
} from '@bombyx/attest';
import { nodeCrypto } from '@bombyx/attest/node';
import type { Clock } from '@bombyx/base';
import { EvidenceError, type EvidenceProvider, type GpuProvider } from '@bombyx/evidence';
import type { EvidenceSource } from '@bombyx/transport';

/** What a part says of itself. */
export interface PartFacts {
  readonly role: PartRole;
  /** Account address of who runs it. */
  readonly owner: string;
  /** `name@commit:hash`, of a worker. */
  readonly model?: string | undefined;
  readonly imageVersion: string;
}

export interface Devices {
  readonly machine: EvidenceProvider;
  readonly gpus?: { readonly provider: GpuProvider; readonly count: number } | undefined;
}

/** Claims hold so long; peers ask again every half hour. */
const CLAIMS_LIFE_SEC = 3_600;
/** Peers whose clock is behind ours. */
const BACKDATED_SEC = 60;
/** GPU evidence takes seconds, so it is made once for a key, and again after this. */
const GPU_LIFE_MS = 3_600_000;
/** Longest quote that a certificate carries. */
const MAX_QUOTE_BYTES = 32_768;

interface Shown {
  readonly items: readonly EvidenceItem[];
  readonly nonce: Uint8Array | undefined;
}
const NO_GPUS: Shown = { items: [], nonce: undefined };

export function evidenceSource(facts: PartFacts, { machine, gpus }: Devices, clock: Clock): EvidenceSource {
  let latest: { readonly key: string; readonly atMs: number; readonly shown: Promise<Shown> } | undefined;
  const showGpus = async (publicKey: Uint8Array, { nonce, exporter }: Binding): Promise<Shown> => {
    if (gpus === undefined) return NO_GPUS;
    const stored = randomBytes(32);
    const asked = gpuNonceOf({ publicKey, nonce, exporter }, stored, nodeCrypto);
    const signal = new AbortController().signal; // others wait for it too; the provider has a limit of its own
    return { items: await gpus.provider.collect({ nonce: asked, expected: gpus.count, signal }), nonce: stored };
  };
  const gpusFor = (binding: Binding): Promise<Shown> => {
    const key = Buffer.from(binding.publicKey).toString('hex');
    if (latest?.key === key && clock.monotonicMs() - latest.atMs < GPU_LIFE_MS) return latest.shown;
    const next = { key, atMs: clock.monotonicMs(), shown: showGpus(binding.publicKey, binding) };
    latest = next;
    next.shown.catch(() => {
      if (latest === next) latest = undefined; // the next peer has it tried again
    });
    return next.shown;
  };
  return {
    role: facts.role,
    async evidence(binding, signal) {
      const shown = await gpusFor(binding);
      signal.throwIfAborted();
      const claims = encodeClaims(claimsOf(facts, binding, shown, clock));
      const reportData = reportDataV2(binding, claims, nodeCrypto);
      const items = await machine.collect({ reportData, signal });
      return encodeEvidence({ claims, items: [...items, ...shown.items] });
    },
  };
}

function claimsOf(
  { role, owner, model, imageVersion }: PartFacts,
  { publicKey }: Binding,
  { items, nonce }: Shown,
  clock: Clock,
): Claims {
  const nowSec = Math.floor(clock.nowMs() / 1_000);
  return {
    version: 2,
    role,
    publicKey,
    notBeforeSec: nowSec - BACKDATED_SEC,
    notAfterSec: nowSec + CLAIMS_LIFE_SEC,
    imageVersion,
    owner,
    gpuDigests: items.map((item) => gpuDigest(item, nodeCrypto)),
    ...(model === undefined ? {} : { model }),
    ...(nonce === undefined ? {} : { gpuNonce: nonce }),
  };
}

/** The quote in the certificate that C++ peers judge: over the key alone. Only TDX has one. */
export function quoteMaker(machine: EvidenceProvider) {
  if (machine.kind !== 'tdx') return undefined;
  return async (publicKey: Uint8Array, signal: AbortSignal): Promise<Uint8Array> => {
    const [quote] = await machine.collect({ reportData: reportDataV1(publicKey, nodeCrypto), signal });
    if (quote && quote.data.length <= MAX_QUOTE_BYTES) return quote.data;
    throw new EvidenceError('TSM_TOO_LARGE', 'the quote does not fit into a certificate');
  };
}
