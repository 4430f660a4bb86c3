/** `attest verify` of what NVIDIA signs: evidence of GPUs and switches, reference values, tokens of NRAS. */
import { type Failure, type GpuDevice, verifyGpu, verifyNras, verifyRim } from '@bombyx/attest';
import { nodeCrypto } from '@bombyx/attest/node';
import { type Arguments, CliError } from '../usage.ts';
import { describe, readBytes, readJson, textOf } from './files.ts';
import type { DeviceEvidence } from './kinds.ts';
import { oneCertificate, optionalHex } from './options.ts';
import { among, type Outcome } from './verdict.ts';
import { hex, instant, present, type Row } from './view.ts';

const crypto = nodeCrypto;

/** `--certificates FILE` for binary evidence, `--rim FILE…`, `--nonce HEX`. */
export function verifyGpuFile(devices: readonly DeviceEvidence[], args: Arguments, atMs: number): Outcome {
  const nonce = optionalHex(args, 'nonce', 32);
  const root = oneCertificate(args, 'root');
  const rimRoot = oneCertificate(args, 'rim-root');
  const files = args.texts('rim');
  const rims = files.length === 0 ? ('not judged' as const) : files.map((file) => rimText(file));
  const shared = { atMs, crypto, rims, ...(nonce && { nonce }), ...(root && { root }), ...(rimRoot && { rimRoot }) };
  const judged = devices.map(({ evidence, certificates }) =>
    verifyGpu({ evidence, certificates: certificates ?? certificateText(args) }, shared),
  );
  const one = judged.length === 1;
  const failures = judged.flatMap((verdict, at): readonly Failure[] => {
    if (verdict.ok) return [];
    return one ? verdict.failures : among(verdict.failures, `device ${at}`);
  });
  const seen = judged.map((verdict) => (verdict.ok ? verdict : verdict.seen));
  return {
    title: one ? titleOf(seen[0]) : `NVIDIA evidence of ${judged.length} devices`,
    rules: files.length === 0 ? "NVIDIA's rules, without reference values" : "NVIDIA's rules and reference values",
    failures,
    genuine: failures.length === 0,
    facts: {
      devices: seen.map(deviceFacts),
      policyFindings: [...new Set(seen.flatMap((device) => device?.policyFindings ?? []))],
    },
    rows: seen.flatMap((device, at) => (one ? deviceRows(device) : [`Device ${at}`, ...deviceRows(device)])),
  };
}

function titleOf(device: GpuDevice | undefined): string {
  if (device === undefined) return 'not evidence of an NVIDIA device';
  return `evidence of an NVIDIA ${device.kind === 'gpu' ? 'GPU' : 'switch'}, ${device.chip}`;
}

function certificateText(args: Arguments): string {
  const file = args.text('certificates');
  if (file === undefined) {
    throw new CliError('CLI_USAGE', 'this evidence has no certificates in it; give them with --certificates FILE');
  }
  const bytes = readBytes(file, 'certificate chain');
  const text = textOf(bytes);
  if (text?.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw new CliError('CLI_CONFIG', `the certificate chain ${file} is no PEM: it ${describe(bytes)}`);
}

function rimText(file: string): string {
  const bytes = readBytes(file, 'RIM');
  const text = textOf(bytes);
  if (text?.trimStart().startsWith('<') && text.includes('SoftwareIdentity')) return text;
  throw new CliError('CLI_CONFIG', `the RIM ${file} is none: it ${describe(bytes)}`);
}

function deviceFacts(device: GpuDevice | undefined): Record<string, unknown> {
  if (device === undefined) return {};
  const { fwid, nonce, expiresAtMs, ok: _, ...facts } = device as GpuDevice & { ok?: true };
  return { ...facts, fwid: fwid ? hex(fwid) : null, nonce: hex(nonce), expiresAt: instant(expiresAtMs) ?? null };
}

function deviceRows(device: GpuDevice | undefined): Row[] {
  if (device === undefined) return [];
  const { chip, serial, driver, vbios, mode, rims, policyFindings, nonce, revocation } = device;
  return present([
    ['chip', chip],
    ['serial', serial],
    ['driver', driver],
    ['VBIOS', vbios],
    ['mode', mode],
    ['nonce', hex(nonce)],
    ...rims.map(({ subject, version, matched, mismatched }) => {
      const differ = mismatched.length === 0 ? '' : `, ${mismatched.length} differ: ${mismatched.join(', ')}`;
      return [`${subject} RIM`, `${version}: ${matched} measurements match${differ}`] as const;
    }),
    ['revocation', revocation === 'good' ? 'not revoked' : 'not asked: NVIDIA takes certificates back by OCSP only'],
    ['findings', policyFindings.length === 0 ? 'none' : policyFindings.join(', ')],
  ]);
}

export function verifyRimFile(xml: string, args: Arguments, atMs: number): Outcome {
  const root = oneCertificate(args, 'root');
  const verdict = verifyRim(xml, { atMs, crypto, ...(root && { root }) });
  const { rim } = verdict;
  const facts = rim && {
    product: rim.product,
    version: rim.version,
    measurementsListed: rim.listed,
    measurementsActive: rim.measurements.size,
  };
  return {
    title: rim === undefined ? 'not reference values' : `reference values of ${rim.product} ${rim.version}`,
    rules: "NVIDIA's rules",
    failures: verdict.ok ? [] : verdict.failures,
    genuine: verdict.ok,
    facts: { ...facts, ...(verdict.ok && { signer: verdict.signer, expiresAt: instant(verdict.expiresAtMs) }) },
    rows: present([
      ['measurements', facts && `${facts.measurementsActive} active of ${facts.measurementsListed}`],
      ['signer', verdict.ok ? verdict.signer : undefined],
      ['holds until', verdict.ok ? instant(verdict.expiresAtMs) : undefined],
    ]),
  };
}

/** `--jwks FILE --nonce HEX`. */
export function verifyTokensFile(tokens: unknown, args: Arguments, atMs: number): Outcome {
  const nonce = optionalHex(args, 'nonce', 32);
  const file = args.text('jwks');
  if (nonce === undefined || file === undefined) {
    throw new CliError('CLI_USAGE', 'tokens of NRAS are verified with --jwks FILE (its keys) and --nonce HEX (yours)');
  }
  const { value: jwks } = readJson(file, 'key set');
  const verdict = verifyNras(tokens, { jwks, nonce, atMs, crypto });
  return {
    title: 'attestation tokens of NRAS',
    rules: "NVIDIA's rules",
    failures: verdict.ok ? [] : verdict.failures,
    genuine: verdict.ok,
    facts: verdict.ok ? { gpus: verdict.gpus, expiresAt: instant(verdict.expiresAtMs) } : {},
    rows: verdict.ok
      ? present([
          ...verdict.gpus.map(
            ({ name, model, driver, vbios }) => [name, `${model}, driver ${driver}, VBIOS ${vbios}`] as const,
          ),
          ['holds until', instant(verdict.expiresAtMs)],
        ])
      : [],
  };
}
