/** What certificates say: of TLS (RA-TLS, with the quote inside), of a CPU, of a chip, or any other. */
import { createHash } from 'node:crypto';
import {
  type Certificate,
  CLAIMS_OID,
  commonName,
  QUOTE_OID,
  readCertificate,
  readPemCertificates,
  readSgxExtension,
  readVcek,
  SGX_EXTENSION,
} from '@bombyx/attest';
import { viewQuote } from './show-quote.ts';
import { hex, instant, present, type Row, type View } from './view.ts';

const VCEK_CHIP_ID = '1.3.6.1.4.1.3704.1.4';
/** The C++ stand-in for a quote: REPORTDATA alone. */
export const FAKE_QUOTE_BYTES = 64;
const MAX_CERTIFICATES = 16;

/** @throws {MalformedError} not certificates */
export function viewCertificates({ pem, der }: { readonly pem?: string; readonly der?: Uint8Array }): View {
  const ders = der === undefined ? readPemCertificates(pem ?? '', MAX_CERTIFICATES) : [der];
  const certificates = ders.map(readCertificate);
  const [first] = certificates;
  if (first !== undefined && certificates.length === 1) return viewOne(first);
  return {
    title: `${certificates.length} certificates`,
    json: { certificates: certificates.map((each) => factsOf(each).json) },
    rows: certificates.flatMap((each, at) => [`Certificate ${at}`, ...factsOf(each).rows]),
  };
}

function viewOne(certificate: Certificate): View {
  const { json, rows } = factsOf(certificate);
  const quote = certificate.extensions.get(QUOTE_OID);
  if (quote === undefined) return { title: 'Certificate', json, rows };
  const claims = certificate.extensions.get(CLAIMS_OID);
  const claimed = claims && (claims.value.length === 32 ? hex(claims.value) : `${claims.value.length} bytes`);
  const inside = quote.value.length === FAKE_QUOTE_BYTES ? fakeQuote(quote.value) : viewQuote(quote.value);
  return {
    title: `RA-TLS certificate with ${inside.title}`,
    json: { ...json, quoteCritical: quote.critical, claims: claimed ?? null, quote: inside.json },
    rows: [
      ...rows,
      ...present([
        ['claims', claimed ?? 'missing'],
        ['quote', `${quote.value.length} bytes${quote.critical ? '' : ', not critical'}`],
      ]),
      `Inside: ${inside.title}`,
      ...inside.rows,
    ],
  };
}

function fakeQuote(reportData: Uint8Array): View {
  return {
    title: 'the fake_tdx stand-in, which proves no enclave',
    json: { fake: true, reportData: hex(reportData) },
    rows: [['report data', hex(reportData)]],
  };
}

function factsOf(certificate: Certificate): Omit<View, 'title'> {
  const { subject, issuer, serial, notBeforeMs, notAfterMs, publicKey, extensions, der } = certificate;
  const names = { subject: commonName(subject) ?? null, issuer: commonName(issuer) ?? null };
  const key = publicKey?.kind === 'ed25519' ? hex(publicKey.bytes) : undefined;
  const fingerprint = createHash('sha256').update(der).digest('hex');
  const cpu = extensions.has(SGX_EXTENSION) ? readSgxExtension(certificate) : undefined;
  const chip = extensions.has(VCEK_CHIP_ID) ? readVcek(certificate) : undefined;
  const rows: Row[] = present([
    ['subject', names.subject ?? 'no common name'],
    ['issuer', names.issuer ?? 'no common name'],
    ['serial', hex(serial)],
    ['valid', `${instant(notBeforeMs)} to ${instant(notAfterMs)}`],
    [
      'key',
      publicKey === undefined ? 'of a kind nobody here uses' : `${publicKey.kind}${key === undefined ? '' : ` ${key}`}`,
    ],
    ['SHA-256', fingerprint],
    ['FMSPC', cpu?.fmspc],
    ['PPID', cpu && hex(cpu.ppid)],
    ['PCE SVN', cpu?.pceSvn],
    ['product', chip?.product],
    ['chip', chip?.chipId && hex(chip.chipId)],
    [
      'TCB',
      chip?.tcb &&
        Object.entries(chip.tcb)
          .map((part) => part.join(' '))
          .join(', '),
    ],
  ]);
  const json = {
    ...names,
    serial: hex(serial),
    notBefore: instant(notBeforeMs) ?? null,
    notAfter: instant(notAfterMs) ?? null,
    keyKind: publicKey?.kind ?? null,
    ...(key !== undefined && { publicKey: key }),
    sha256: fingerprint,
    extensions: [...extensions.keys()],
    ...(cpu && { fmspc: cpu.fmspc, ppid: hex(cpu.ppid), pceSvn: cpu.pceSvn, cpuSvn: hex(cpu.cpuSvn) }),
    ...(chip && {
      product: chip.product ?? null,
      chipId: chip.chipId ? hex(chip.chipId) : null,
      tcb: chip.tcb ?? null,
    }),
  };
  return { json, rows };
}
