/** Quotes and collateral of a maker who is not Intel, for what nobody publishes: revoked machines, broken certificates. */
import { createHash } from 'node:crypto';
import type { Collateral } from '../src/index.ts';
import {
  type CertificateFields,
  type CrlFields,
  certificate,
  der,
  extension,
  integer,
  octets,
  oid,
  pem,
  plainSignature,
  revocationList,
  type SigningKey,
  sequence,
  signingKey,
} from './intel-der.ts';

const SGX = '1.2.840.113741.1.13.1';
export const WORLD_AT_MS = Date.parse('2026-06-15T00:00:00Z');
const LONG = { from: '2020-01-01T00:00:00Z', until: '2045-01-01T00:00:00Z' };
const MONTH = { from: '2026-06-01T00:00:00Z', until: '2026-07-01T00:00:00Z' };

type Part = 'root' | 'ca' | 'pck' | 'tcb';
const keys: Readonly<Record<Part | 'attestation', SigningKey>> = {
  root: signingKey(),
  ca: signingKey(),
  pck: signingKey(),
  tcb: signingKey(),
  attestation: signingKey(),
};
const serials = { root: 1, ca: 2, pck: 3, tcb: 0xffee } as const;
const CA = 'Intel SGX PCK Platform CA';
const ROOT = 'Intel SGX Root CA';
const ROLES: Readonly<Record<Part, { subject: string; issuer: string; signer: Part; extensions: Uint8Array[] }>> = {
  root: { subject: ROOT, issuer: ROOT, signer: 'root', extensions: authority(1) },
  ca: { subject: CA, issuer: ROOT, signer: 'root', extensions: authority(0) },
  pck: { subject: 'Intel SGX PCK Certificate', issuer: CA, signer: 'ca', extensions: endEntity() },
  tcb: { subject: 'Intel SGX TCB Signing', issuer: ROOT, signer: 'root', extensions: endEntity() },
};

function authority(pathLength: number): Uint8Array[] {
  const constraints = sequence(Uint8Array.of(1, 1, 0xff), integer(pathLength));
  return [extension('2.5.29.15', Uint8Array.of(3, 2, 1, 6), true), extension('2.5.29.19', constraints, true)];
}

function endEntity(): Uint8Array[] {
  return [extension('2.5.29.15', Uint8Array.of(3, 2, 6, 0xc0), true), extension('2.5.29.19', sequence(), true)];
}

/** One thing in a world that is otherwise in order. Functions get a value to change and return it. */
export interface WorldChange {
  readonly body?: 'td10' | 'td15' | 'sgx';
  readonly certificate?: (part: Part, fields: CertificateFields) => CertificateFields;
  /** The fields of the SGX extension and those of the TCB in it. */
  readonly sgxFields?: (fields: Uint8Array[]) => Uint8Array[];
  readonly tcbFields?: (fields: Uint8Array[]) => Uint8Array[];
  readonly crl?: (of: 'root' | 'ca', fields: CrlFields) => CrlFields;
  readonly revoke?: readonly Part[];
  readonly tcbInfo?: (info: TcbInfoJson) => object;
  readonly qeIdentity?: (identity: ReturnType<typeof qeIdentityJson>) => object;
  /** In place, before it is signed. Offsets as in attestation.md §5. */
  readonly quotedBody?: (body: Uint8Array) => void;
  readonly qeReport?: (report: Uint8Array) => void;
  readonly quotePem?: (chain: string) => string;
}

export interface World {
  readonly root: Uint8Array;
  readonly collateral: Collateral;
  readonly quote: Uint8Array;
}

export function intelWorld(change: WorldChange = {}): World {
  const { body = 'td15' } = change;
  const made = Object.fromEntries(
    (['root', 'ca', 'pck', 'tcb'] as const).map((part) => [part, makeCertificate(part, change)]),
  ) as Record<Part, Uint8Array>;
  const tcbInfo = JSON.stringify((change.tcbInfo ?? ((info) => info))(tcbInfoJson(body !== 'sgx')));
  const qeIdentity = JSON.stringify((change.qeIdentity ?? ((identity) => identity))(qeIdentityJson(body !== 'sgx')));
  const signedText = (text: string) => hex(plainSignature(Buffer.from(text), keys.tcb));
  const tcbChain = pem(made.tcb, made.root);
  return {
    root: made.root,
    collateral: {
      tcb_info: tcbInfo,
      tcb_info_signature: signedText(tcbInfo),
      tcb_info_issuer_chain: tcbChain,
      qe_identity: qeIdentity,
      qe_identity_signature: signedText(qeIdentity),
      qe_identity_issuer_chain: tcbChain,
      pck_crl: hex(makeCrl('ca', change)),
      root_ca_crl: hex(makeCrl('root', change)),
      pck_crl_issuer_chain: pem(made.ca, made.root),
    },
    quote: makeQuote(body, (change.quotePem ?? ((chain) => chain))(pem(made.pck, made.ca, made.root)), change),
  };
}

function makeCertificate(part: Part, change: WorldChange): Uint8Array {
  const { subject, issuer, signer, extensions } = ROLES[part];
  const own = part === 'pck' ? [extension(SGX, sgxExtension(change))] : [];
  const plain = {
    serial: serials[part],
    issuer,
    subject,
    key: keys[part],
    ...LONG,
    extensions: [...extensions, ...own],
  };
  return certificate(change.certificate?.(part, plain) ?? plain, keys[signer]);
}

/** A field of the SGX extension. */
export function sgxField(arc: string, value: Uint8Array): Uint8Array {
  return sequence(oid(`${SGX}.${arc}`), value);
}

function sgxExtension({ sgxFields = (fields) => fields, tcbFields = (fields) => fields }: WorldChange): Uint8Array {
  const svns = Array.from({ length: 16 }, (_, i) => sgxField(`2.${i + 1}`, integer(5)));
  const tcb = [...svns, sgxField('2.17', integer(13)), sgxField('2.18', octets(Buffer.alloc(16, 5)))];
  const fields = [
    sgxField('1', octets(Buffer.alloc(16, 0xaa))),
    sgxField('2', sequence(...tcbFields(tcb))),
    sgxField('3', octets(Buffer.alloc(2))),
    sgxField('4', octets(Buffer.from('90c06f000000', 'hex'))),
    sgxField('5', der(0x0a, Uint8Array.of(1))),
  ];
  return sequence(...sgxFields(fields));
}

function makeCrl(of: 'root' | 'ca', change: WorldChange): Uint8Array {
  const revoked = (change.revoke ?? []).filter((part) => ROLES[part].signer === of).map((part) => serials[part]);
  const plain = {
    issuer: ROLES[of].subject,
    ...MONTH,
    serials: [99, ...revoked],
    extensions: [extension('2.5.29.20', integer(1))],
    entryExtensions: [extension('2.5.29.21', Uint8Array.of(0x0a, 1, 1))],
  };
  return revocationList(change.crl?.(of, plain) ?? plain, keys[of]);
}

export type TcbInfoJson = ReturnType<typeof tcbInfoJson>;

/** Two levels; of TDX, two modules besides the first. */
function tcbInfoJson(tdx: boolean) {
  const components = (svn: number) => Array.from({ length: 16 }, () => ({ svn }));
  const level = (svn: number, tdxSvns: readonly number[], tcbStatus: string, advisoryIDs?: string[]) => ({
    tcb: {
      sgxtcbcomponents: components(svn),
      pcesvn: 13,
      ...(tdx && { tdxtcbcomponents: components(0).map((zero, i) => ({ svn: tdxSvns[i] ?? zero.svn })) }),
    },
    tcbDate: `20${20 + svn}-03-13T00:00:00Z`,
    tcbStatus,
    ...(advisoryIDs && { advisoryIDs }),
  });
  const module = { mrsigner: '00'.repeat(48), attributes: '00'.repeat(8), attributesMask: 'FF'.repeat(8) };
  const moduleLevel = (isvsvn: number, tcbStatus: string, advisoryIDs?: string[]) => ({
    tcb: { isvsvn },
    tcbDate: '2025-03-13T00:00:00Z',
    tcbStatus,
    ...(advisoryIDs && { advisoryIDs }),
  });
  return {
    id: tdx ? 'TDX' : 'SGX',
    version: 3,
    issueDate: MONTH.from,
    nextUpdate: MONTH.until,
    fmspc: '90c06f000000',
    pceId: '0000',
    tcbType: 0,
    tcbEvaluationDataNumber: 18,
    ...(tdx && {
      tdxModule: module,
      tdxModuleIdentities: [
        { id: 'TDX_03', ...module, tcbLevels: [moduleLevel(3, 'UpToDate')] },
        {
          id: 'TDX_01',
          ...module,
          tcbLevels: [
            moduleLevel(6, 'UpToDate'),
            moduleLevel(4, 'OutOfDate', ['INTEL-SA-2']),
            moduleLevel(2, 'Revoked'),
          ],
        },
      ],
    }),
    tcbLevels: [level(5, [5, 0, 3], 'UpToDate'), level(4, [5, 0, 3], 'OutOfDate', ['INTEL-SA-1'])],
  };
}

function qeIdentityJson(tdx: boolean) {
  const level = (isvsvn: number, tcbStatus: string, advisoryIDs?: string[]) => ({
    tcb: { isvsvn },
    tcbDate: '2025-03-13T00:00:00Z',
    tcbStatus,
    ...(advisoryIDs && { advisoryIDs }),
  });
  return {
    id: tdx ? 'TD_QE' : 'QE',
    version: 2,
    issueDate: MONTH.from,
    nextUpdate: MONTH.until,
    tcbEvaluationDataNumber: 17,
    miscselect: '00000000',
    miscselectMask: 'FFFFFFFF',
    attributes: '11000000000000000000000000000000',
    attributesMask: 'FBFFFFFFFFFFFFFF0000000000000000',
    mrsigner: 'DC'.repeat(32),
    isvprodid: 2,
    tcbLevels: [level(8, 'UpToDate'), level(6, 'OutOfDate', ['INTEL-SA-3']), level(4, 'Revoked')],
  };
}

function makeQuote(kind: 'td10' | 'td15' | 'sgx', chain: string, change: WorldChange): Uint8Array {
  const body = kind === 'sgx' ? enclaveBody() : tdBody(kind);
  change.quotedBody?.(body);
  const header = Buffer.alloc(48);
  header.writeUInt16LE(kind === 'sgx' ? 3 : 5, 0);
  header.writeUInt16LE(2, 2);
  header.writeUInt32LE(kind === 'sgx' ? 0 : 0x81, 4);
  header.set(Buffer.from('939a7233f79c4ca9940a0db3957f0607', 'hex'), 12);
  const bodyHeader = Buffer.alloc(kind === 'sgx' ? 0 : 6);
  if (kind !== 'sgx') {
    bodyHeader.writeUInt16LE(kind === 'td10' ? 2 : 3, 0);
    bodyHeader.writeUInt32LE(body.length, 2);
  }
  const signed = Buffer.concat([header, bodyHeader, body]);
  const authData = Buffer.alloc(32, 7);
  const report = enclaveBody();
  report.set(Buffer.from([0x11]), 48);
  report.set(Buffer.alloc(32, 0xdc), 128);
  report.writeUInt16LE(2, 256);
  report.writeUInt16LE(8, 258);
  report.set(createHash('sha256').update(keys.attestation.point).update(authData).digest(), 320);
  change.qeReport?.(report);
  const certificates = Buffer.from(chain);
  const inner = Buffer.concat([
    report,
    plainSignature(report, keys.pck),
    u16(authData.length),
    authData,
    u16(5),
    u32(certificates.length),
    certificates,
  ]);
  const outer = kind === 'sgx' ? [] : [u16(6), u32(inner.length)];
  const authentication = [plainSignature(signed, keys.attestation), keys.attestation.point, ...outer, inner];
  const length = authentication.reduce((sum, part) => sum + part.length, 0);
  return new Uint8Array(Buffer.concat([signed, u32(length), ...authentication]));
}

function enclaveBody(): Buffer {
  return Buffer.alloc(384);
}

/** Module 01 at SVN 6, microcode 3, SEPT_VE_DISABLE. */
function tdBody(kind: 'td10' | 'td15'): Buffer {
  const body = Buffer.alloc(kind === 'td10' ? 584 : 648);
  body.set([6, 1, 3], 0);
  body.set([0x10], 123);
  if (kind === 'td15') body.set([6, 1, 3], 584);
  return body;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
