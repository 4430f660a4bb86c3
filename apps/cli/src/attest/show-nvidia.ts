/** What evidence and reference values of NVIDIA say, believed by nobody yet. */
import {
  commonName,
  type GpuEvidence,
  readCertificate,
  readGpuEvidence,
  readPemCertificates,
  readRim,
} from '@bombyx/attest';
import type { DeviceEvidence } from './kinds.ts';
import { hex, instant, present, type Row, type View } from './view.ts';

/** @throws {MalformedError} one of them is no evidence */
export function viewGpus(devices: readonly DeviceEvidence[]): View {
  const views = devices.map((device) => viewDevice(device, readGpuEvidence(device.evidence)));
  const one = views.length === 1;
  return {
    title: one ? 'NVIDIA evidence of one device' : `NVIDIA evidence of ${views.length} devices`,
    json: { devices: views.map(({ json }) => json) },
    rows: one ? views[0]!.rows : views.flatMap(({ rows }, at) => [`Device ${at}`, ...rows]),
  };
}

function viewDevice({ certificates, arch }: DeviceEvidence, evidence: GpuEvidence): Omit<View, 'title'> {
  const leaf = certificates === undefined ? undefined : leafOf(certificates);
  const mode = evidence.mode ?? (evidence.protectedPcie ? 'protected-pcie' : undefined);
  return {
    json: {
      arch: arch ?? null,
      nonce: hex(evidence.nonce),
      driverVersion: evidence.driverVersion ?? null,
      vbiosVersion: evidence.vbiosVersion ?? null,
      chipSku: evidence.chipSku ?? null,
      project: evidence.project ?? null,
      projectSku: evidence.projectSku ?? null,
      measurementBlocks: evidence.measurements.size,
      fwidInReport: evidence.fwid === undefined ? null : hex(evidence.fwid),
      mode: mode ?? null,
      leafCn: leaf?.name ?? null,
      leafSerial: leaf?.serial ?? null,
      opaqueTypes: [...evidence.opaque.keys()].toSorted((a, b) => a - b),
    },
    rows: present([
      ['chip', leaf?.name ?? arch],
      ['serial', leaf?.serial],
      ['driver', evidence.driverVersion],
      ['VBIOS', evidence.vbiosVersion],
      [
        'project',
        evidence.project && `${evidence.project} ${evidence.projectSku ?? ''} ${evidence.chipSku ?? ''}`.trim(),
      ],
      ['mode', mode],
      ['nonce', hex(evidence.nonce)],
      ['measurements', `${evidence.measurements.size} blocks`],
      ['firmware id', evidence.fwid && hex(evidence.fwid)],
      ['certificates', certificates === undefined ? 'not in this file; give them with --certificates' : undefined],
    ]),
  };
}

function leafOf(pem: string): { name: string | undefined; serial: string } {
  const leaf = readCertificate(readPemCertificates(pem)[0]!); // throws when there is none
  return { name: commonName(leaf.subject), serial: hex(leaf.serial) };
}

/** @throws {MalformedError} not a RIM */
export function viewRim(xml: string): View {
  const rim = readRim(xml);
  const signer = rim.signature.certificates.map(readCertificate)[0];
  const validity = signer && `${instant(signer.notBeforeMs)} to ${instant(signer.notAfterMs)}`;
  const name = signer && commonName(signer.subject);
  const rows: Row[] = present([
    ['product', rim.product],
    ['version', rim.version],
    ['measurements', `${rim.listed} listed, ${rim.measurements.size} of them active`],
    ['signed by', name && `"${name}"`],
    ['signer valid', validity],
  ]);
  return {
    title: 'NVIDIA reference values (RIM)',
    json: {
      product: rim.product,
      version: rim.version,
      measurementsListed: rim.listed,
      measurementsActive: rim.measurements.size,
      signerCn: name ?? null,
      signerNotBefore: instant(signer?.notBeforeMs) ?? null,
      signerNotAfter: instant(signer?.notAfterMs) ?? null,
    },
    rows,
  };
}

/** The claims of an answer of NRAS, or of a local verifier: read, not verified. @throws {SyntaxError} no such tokens */
export function viewTokens(tokens: unknown): View {
  const [[, outer], inner] = tokens as [[string, string], Readonly<Record<string, string>>]; // recognised by this form
  const overall = partsOf(outer);
  const devices = Object.entries(inner).map(([name, token]) => ({ name, ...partsOf(token) }));
  const signed =
    overall.header['alg'] === 'none' ? 'nobody: worth what the machine that made them is worth' : overall.header['kid'];
  return {
    title: `Attestation tokens of ${String(overall.claims['iss'] ?? 'an unknown verifier')}`,
    json: {
      overall: overall.claims,
      algorithm: overall.header['alg'] ?? null,
      devices: devices.map(({ name, claims }) => ({ name, ...claims })),
    },
    rows: present([
      ['result', text(overall.claims['x-nvidia-overall-att-result'])],
      ['nonce', text(overall.claims['eat_nonce'])],
      [
        'valid',
        overall.claims['exp'] === undefined
          ? undefined
          : `${seconds(overall.claims['nbf'])} to ${seconds(overall.claims['exp'])}`,
      ],
      ['signed by', text(signed)],
      ...devices.flatMap(({ name, claims }) => [
        name,
        ...Object.entries(claims)
          .filter(([, value]) => typeof value !== 'object')
          .map(([claim, value]) => [claim, text(value)] as const),
      ]),
    ]),
  };
}

type Claims = Readonly<Record<string, unknown>>;

function partsOf(token: string): { header: Claims; claims: Claims } {
  const [header, claims] = token.split('.').map((part) => Buffer.from(part, 'base64url').toString());
  return { header: JSON.parse(header ?? '') as Claims, claims: JSON.parse(claims ?? '') as Claims };
}

function text(value: unknown): string | undefined {
  return value === undefined || value === null ? undefined : String(value);
}

function seconds(value: unknown): string {
  return (typeof value === 'number' && instant(value * 1_000)) || '?';
}
