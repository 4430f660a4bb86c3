/** Peers of a network on a desk, made anew for each test, and ways to show them to a judge. */
import { randomBytes } from 'node:crypto';
import { nodeCrypto } from '../src/crypto/node.ts';
import { type Binding, reportDataV2 } from '../src/peer/binding.ts';
import { type Claims, encodeClaims, type PartRole } from '../src/peer/claims.ts';
import { type EvidenceItem, gpuDigest, type PeerEvidence } from '../src/peer/evidence.ts';
import { endorsementOf, type SimulatedPlatform, writeSimulated } from '../src/peer/simulated.ts';
import type { PeerVerdict } from '../src/peer/verdict.ts';
import { makeKey, signWith } from './signatures.ts';

export const NOW_MS = Date.UTC(2026, 1, 5);
export const MODEL = 'Qwen/Qwen3-8B@b968826d:7e9d33be';
export const options = { atMs: NOW_MS, crypto: nodeCrypto };
export const random32 = () => new Uint8Array(randomBytes(32));

export interface SigningKey {
  readonly publicKey: Uint8Array;
  sign(bytes: Uint8Array): Uint8Array;
}

export function signingKey(): SigningKey {
  const pair = makeKey('ed25519');
  if (pair.key.kind !== 'ed25519') throw new TypeError('another kind of key than asked for');
  return { publicKey: pair.key.bytes, sign: (bytes) => signWith(pair, 'ed25519', bytes).signature };
}

/** A machine with a simulated platform that `root` endorsed. */
export class Machine {
  readonly tls = signingKey();
  readonly platformKey = signingKey();
  readonly root: SigningKey;
  readonly measurement: Uint8Array;
  readonly role: PartRole;

  constructor(root: SigningKey, role: PartRole = 'worker', measurement = new Uint8Array(48).fill(7)) {
    this.root = root;
    this.role = role;
    this.measurement = measurement;
  }

  get platform(): SimulatedPlatform {
    const { publicKey: platformKey } = this.platformKey;
    return {
      root: this.root.publicKey,
      platformKey,
      endorsement: this.root.sign(endorsementOf(platformKey)),
    };
  }

  /** A new connection with this machine at the far end. */
  connection(): Binding {
    return { role: this.role, nonce: random32(), exporter: random32(), publicKey: this.tls.publicKey };
  }

  claims(changes: Partial<Claims> = {}): Claims {
    return {
      version: 2,
      role: this.role,
      publicKey: this.tls.publicKey,
      notBeforeSec: NOW_MS / 1_000 - 5,
      notAfterSec: NOW_MS / 1_000 + 3_600,
      imageVersion: '1.0.0',
      gpuDigests: [],
      owner: 'EQowner',
      ...(this.role === 'worker' ? { model: MODEL } : {}),
      ...changes,
    };
  }

  /** What this machine answers when it is asked on `binding`. */
  prove(binding: Binding, changes: Partial<Claims> = {}, more: readonly EvidenceItem[] = []): PeerEvidence {
    const gpuDigests = more.filter(({ kind }) => kind === 'nvidia-gpu').map((item) => gpuDigest(item, nodeCrypto));
    const claims = encodeClaims(this.claims({ gpuDigests, ...changes }));
    return { claims, items: [this.report(reportDataV2(binding, claims, nodeCrypto)), ...more] };
  }

  report(reportData: Uint8Array): EvidenceItem {
    const data = writeSimulated(this.platform, this.measurement, reportData, this.platformKey.sign);
    return { kind: 'simulated', data };
  }
}

/** @returns nothing for a peer that is let in */
export function codesOf(verdict: PeerVerdict): string[] {
  return verdict.ok ? [] : verdict.failures.map(({ code }) => code);
}
