/**
 * Judges a peer by what it showed on this connection: claims, and evidence that covers them, our random bytes and the
 * TLS exporter. Source: attestation.md §8.3, §14.5 and §20.1.
 */
import { attempt } from '../attempt.ts';
import { equalBytes } from '../bytes.ts';
import type { AttestCrypto } from '../crypto/port.ts';
import { MalformedError } from '../malformed.ts';
import { type EnclaveRules, enclaveDefaults, type Policy } from '../policy/policy.ts';
import { modelFaults, modelHashOf } from '../policy/rules.ts';
import type { Failure } from '../verdict.ts';
import { type Binding, reportDataV2 } from './binding.ts';
import { type Claims, decodeClaims } from './claims.ts';
import { claimsFaults } from './claims-rules.ts';
import { decodeEvidence, type EvidenceItem, encodeEvidence, type PeerEvidence } from './evidence.ts';
import { type JudgedGpus, judgeGpus, pairingFaults } from './gpu.ts';
import { judgeMachine } from './kinds.ts';
import { logFaults } from './logs.ts';
import type { Machine } from './machine.ts';
import type { JudgeOptions, Trust } from './trust.ts';
import type { AttestedPeer, PeerVerdict } from './verdict.ts';

/** Of claims under a policy that asks nothing. */
const ANY_SPAN_SEC = 86_400;

/**
 * @param evidence as it came, or decoded
 * @param binding what this end knows of the connection; its nonce must be ours, used once
 * @returns every check that failed; never throws, whatever the bytes
 */
export function judgePeer(
  evidence: PeerEvidence | Uint8Array,
  binding: Binding,
  policy: Policy,
  trust: Trust,
  options: JudgeOptions,
): PeerVerdict {
  const shown = attempt(() => readShown(evidence, options.crypto));
  if (shown instanceof MalformedError)
    return { ok: false, failures: [{ code: 'EVIDENCE_FORMAT', message: shown.message }] };
  return judgeShown(shown, binding, policy, trust, options);
}

interface Shown {
  readonly items: readonly EvidenceItem[];
  /** As REPORTDATA covers them. */
  readonly encoded: Uint8Array;
  readonly claims: Claims;
  readonly evidenceDigest: Uint8Array;
}

/** @throws {MalformedError} */
function readShown(evidence: PeerEvidence | Uint8Array, crypto: AttestCrypto): Shown {
  const bytes = evidence instanceof Uint8Array ? evidence : encodeEvidence(evidence);
  const { claims: encoded, items } = decodeEvidence(bytes);
  return { items, encoded, claims: decodeClaims(encoded), evidenceDigest: crypto.hash('sha256', bytes) };
}

function judgeShown(shown: Shown, binding: Binding, policy: Policy, trust: Trust, options: JudgeOptions): PeerVerdict {
  const { items, encoded, claims, evidenceDigest } = shown;
  const { atMs, crypto } = options;
  const rules = rulesOf(policy);
  const failures = [...claimsFaults(claims, binding, atMs, rules?.certMaxSpanSec ?? ANY_SPAN_SEC)];
  const endMs = Math.min(claims.notAfterSec * 1_000, atMs + (rules?.quoteMaxAgeSec ?? ANY_SPAN_SEC) * 1_000);
  const claimed = { ...told(claims, crypto), evidenceDigest };
  if (policy.type === 'any') return conclude(failures, { ...NOT_ATTESTED, ...claimed, expiresAtMs: endMs });

  const { machine, failures: machineFaults } = judgeMachine(items, policy, trust, options);
  failures.push(...machineFaults);
  const unbound = machine === undefined ? [] : [...bindingFaults(machine, encoded, claims, binding, crypto)];
  failures.push(...unbound);
  // nothing vouches for the logs and GPUs of a forged or borrowed machine: judging them would only cost time, and they cost most
  const vouched = machine?.genuine === true && unbound.length === 0;
  if (vouched) failures.push(...logFaults(items, machine.registers, claims, crypto));
  if (rules !== undefined && claims.role === 'worker') failures.push(...modelFaults(rules, claimed));
  const gpuRules = rules?.gpu ?? enclaveDefaults.gpu;
  failures.push(...pairingFaults(items, claims, gpuRules, crypto));
  if (machine === undefined) return conclude(failures, { ...NOT_ATTESTED, ...claimed, expiresAtMs: atMs });
  const judged = vouched ? judgeGpus(items, claims, binding, gpuRules, trust, options) : NO_GPUS;
  failures.push(...judged.failures);
  const { genuine: _, reportData: __, registers: ___, ...facts } = machine;
  const expiresAtMs = Math.min(endMs, machine.expiresAtMs, judged.expiresAtMs);
  return conclude(failures, { ...facts, ...claimed, gpus: judged.gpus, fresh: true, expiresAtMs });
}

const NO_GPUS: JudgedGpus = { gpus: [], failures: [], expiresAtMs: Number.POSITIVE_INFINITY };

function rulesOf(policy: Policy): EnclaveRules | undefined {
  return policy.type === 'any' || policy.type === 'fake_tdx' ? undefined : policy;
}

/** What a peer is of which nothing is proven. */
export const NOT_ATTESTED = {
  tier: 'open',
  attestation: 'none',
  imageHash: new Uint8Array(32),
  measurements: {},
  advisories: [],
  gpus: [],
  fresh: false,
} as const satisfies Partial<AttestedPeer>;

function told(claims: Claims, crypto: AttestCrypto) {
  const { publicKey, model, imageVersion, owner, promptKey, notBeforeSec } = claims;
  return {
    publicKey,
    imageVersion,
    owner,
    notBeforeMs: notBeforeSec * 1_000,
    ...(model === undefined ? {} : { model, modelHash: modelHashOf(model, crypto) }),
    ...(promptKey === undefined ? {} : { promptKey }),
  };
}

function* bindingFaults(
  machine: Machine,
  encoded: Uint8Array,
  claims: Claims,
  binding: Binding,
  crypto: AttestCrypto,
): Generator<Failure> {
  if (!equalBytes(machine.reportData, reportDataV2(binding, encoded, crypto))) {
    yield {
      code: 'BINDING_REPORT_DATA',
      message: 'the evidence was made for another connection, other claims or another role',
      fix: 'connect again; if it happens again, the peer replays evidence, or something between terminates TLS',
    };
  }
  const { platform } = claims;
  if (platform === undefined || (machine.platform !== undefined && equalBytes(platform, machine.platform))) return;
  yield { code: 'CLAIMS_PLATFORM', message: 'the claims name another platform than the evidence is from' };
}

/** @returns what was seen with the failures, if there are any */
export function conclude(failures: readonly Failure[], peer: AttestedPeer): PeerVerdict {
  return failures.length === 0 ? { ok: true, peer } : { ok: false, failures, seen: peer };
}
