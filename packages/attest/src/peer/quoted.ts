/**
 * The certificate form of C++ peers: a quote in an extension, over the key alone. It shows that some enclave once asked
 * for it, not when and not for whom. Source: attestation.md §2, §3 (steps 7 and 8) and §8.2.
 */
import { equalBytes } from '../bytes.ts';
import type { Policy } from '../policy/policy.ts';
import { CLAIMS_OID, ed25519Of, QUOTE_OID } from '../ra-tls.ts';
import type { Failure } from '../verdict.ts';
import type { Certificate } from '../x509/certificate.ts';
import { reportDataV1 } from './binding.ts';
import { conclude, NOT_ATTESTED } from './judge.ts';
import { evidenceMissing, judgeMachine } from './kinds.ts';
import type { JudgeOptions, Trust } from './trust.ts';
import type { PeerVerdict } from './verdict.ts';

/**
 * @param certificate that passed `judgeCertificate`: dates, self-signature, usage
 * @returns every check that failed; never throws, whatever the certificate holds
 */
export function judgeQuotedCertificate(
  certificate: Certificate,
  policy: Policy,
  trust: Trust,
  options: JudgeOptions,
): PeerVerdict {
  const { notBeforeMs, notAfterMs, extensions } = certificate;
  const publicKey = ed25519Of(certificate);
  if (publicKey === undefined)
    return { ok: false, failures: [{ code: 'CERT_KEY', message: 'the key of the certificate is not Ed25519' }] };
  const shown = { publicKey, owner: '', notBeforeMs };
  const open = { ...NOT_ATTESTED, ...shown, expiresAtMs: notAfterMs };
  if (policy.type === 'any') return { ok: true, peer: open };
  if (policy.type === 'sev-snp' || policy.type === 'simulated')
    return { ok: false, failures: [formTooOld(policy.type)], seen: open };
  const quote = extensions.get(QUOTE_OID);
  if (quote === undefined) return { ok: false, failures: [evidenceMissing(policy)], seen: open };

  const failures = [...extensionFaults(certificate, publicKey)];
  const { machine, failures: machineFaults } = judgeMachine(
    [{ kind: 'tdx', data: quote.value }],
    policy,
    trust,
    options,
  );
  failures.push(...machineFaults);
  if (machine === undefined) return conclude(failures, open);
  if (!equalBytes(machine.reportData, reportDataV1(publicKey, options.crypto))) {
    failures.push({
      code: 'BINDING_REPORT_DATA',
      message: 'the quote was made for another key than that of the certificate',
    });
  }
  let endMs = Math.min(notAfterMs, machine.expiresAtMs);
  if (policy.type === 'tdx') {
    failures.push(...ageFaults(certificate, policy.certMaxSpanSec, policy.quoteMaxAgeSec, options.atMs));
    if (policy.gpu.required) failures.push(gpuUnseen);
    endMs = Math.min(endMs, notBeforeMs + policy.quoteMaxAgeSec * 1_000);
  }
  const { genuine: _, reportData: __, registers: ___, ...facts } = machine;
  return conclude(failures, { ...facts, ...shown, gpus: [], fresh: false, expiresAtMs: endMs });
}

function formTooOld(type: string): Failure {
  return {
    code: 'CERT_FORM',
    message: `a certificate cannot carry the evidence that a policy of type ${type} asks for`,
    fix: 'let the peer speak the fresh form: both ends must be parts of Bombyx',
  };
}

function* extensionFaults({ extensions }: Certificate, publicKey: Uint8Array): Generator<Failure> {
  const quote = extensions.get(QUOTE_OID);
  const claims = extensions.get(CLAIMS_OID);
  if (claims === undefined) yield { code: 'CERT_CLAIMS_MISSING', message: 'a quote without claims' };
  else if (!equalBytes(claims.value, publicKey)) yield { code: 'CLAIMS_KEY', message: 'the claims name another key' };
  if (quote?.critical === false || claims?.critical === false)
    yield { code: 'CERT_NOT_CRITICAL', message: 'the extensions of attestation are not critical' };
}

function* ageFaults(
  { notBeforeMs, notAfterMs }: Certificate,
  maxSpanSec: number,
  maxAgeSec: number,
  atMs: number,
): Generator<Failure> {
  const spanSec = (notAfterMs - notBeforeMs) / 1_000;
  if (spanSec > maxSpanSec)
    yield { code: 'CERT_SPAN', message: `the certificate is valid for ${spanSec} s; allowed are ${maxSpanSec} s` };
  if (!(atMs - notBeforeMs <= maxAgeSec * 1_000)) {
    yield {
      code: 'CERT_AGE',
      message: `the certificate is of ${new Date(notBeforeMs).toISOString()}; a quote may be ${maxAgeSec} s old`,
      fix: 'let the peer renew its certificate: C++ parts do so each hour',
    };
  }
}

const gpuUnseen: Failure = {
  code: 'POLICY_GPU_MISSING',
  message: 'a certificate cannot show a GPU, and the policy requires one',
  fix: 'let the peer speak the fresh form: both ends must be parts of Bombyx',
};
