/** AMD machines and NVIDIA GPUs of makers of our own, who sign what a test needs: real ones answer only their own nonces. */
import { concat, toHex, utf8 } from '../src/bytes.ts';
import { readGpuEvidence } from '../src/nvidia/evidence.ts';
import type { EvidenceItem } from '../src/peer/evidence.ts';
import {
  authority,
  extension,
  integer,
  makeCertificate,
  makeList,
  makeSigner,
  octets,
  oid,
  pem,
  sequence,
  signPlain,
} from './devices-pki.ts';
import { makeRim, makeRimMaker, type RimValue } from './devices-rim.ts';
import { gpuCase, gpuInput } from './devices-vectors.ts';

const dates = { fromMs: Date.UTC(2026, 0, 1), untilMs: Date.UTC(2027, 0, 1) };

/** When reference values and lists of revoked certificates of these makers end. */
export const STATEMENTS_END_MS = Date.UTC(2026, 5, 1);

const above = ['Device', 'Provisioner', 'Family', 'Root'].map((common) => makeSigner(common, 'p384'));
const chain = above.map((subject, i) =>
  makeCertificate({ subject, issuer: above[i + 1] ?? subject, serial: i, extensions: [authority], ...dates }),
);
const leafKey = makeSigner('GH100 A01 GSP FMC LF', 'p384');
const template = gpuInput(gpuCase('h100-550.90.07.bin')).evidence;
const { fwid = new Uint8Array(48), measurements } = readGpuEvidence(template);
const rimMaker = makeRimMaker(dates.fromMs, STATEMENTS_END_MS);
const value = (index: number): RimValue => ({
  index,
  hashes: [toHex(measurements.get(index + 1) ?? new Uint8Array())],
});

export const gpuTrust = {
  nvidiaRoot: chain[3] as Uint8Array, // four names, four certificates
  rimRoot: rimMaker.root,
  rims: [
    makeRim({ version: '550.90.07', values: [value(1)] }, rimMaker),
    makeRim({ version: '96.00.9F.00.01', values: [value(9)] }, rimMaker),
  ],
};

/** An H100 that answers this nonce. @param serial 1…127 */
export function gpuOf(nonce: Uint8Array, serial = 9): EvidenceItem {
  const digest = sequence(oid('2.16.840.1.101.3.4.2.2'), octets(fwid));
  const identity = extension('2.23.133.5.4.1', sequence(integer(0), sequence(), digest));
  const issuer = above[0] ?? leafKey;
  const leaf = makeCertificate({ subject: leafKey, issuer, serial, extensions: [identity], ...dates });
  const signed = template.slice(0, -96);
  signed.set(nonce, 4);
  const data = concat(signed, signPlain(signed, leafKey));
  return { kind: 'nvidia-gpu', data, certificates: [leaf, ...chain].map(pem).join('') };
}

const [ark, ask, vcekKey] = [
  makeSigner('ARK-Genoa', 'rsa'),
  makeSigner('SEV-Genoa', 'rsa'),
  makeSigner('SEV-VCEK', 'p384'),
];
const askDer = makeCertificate({ subject: ask, issuer: ark, serial: 7, extensions: [authority], ...dates });
const arkDer = makeCertificate({ subject: ark, issuer: ark, serial: 1, extensions: [authority], ...dates });
const TCB = '1.3.6.1.4.1.3704.1';
export const CHIP_ID = new Uint8Array(64).fill(5);
export const SNP_TCB = { bootLoader: 1, tee: 2, snp: 3, microcode: 4 } as const;
const product = utf8('Genoa-B0');
const vcek = makeCertificate({
  subject: vcekKey,
  issuer: ask,
  serial: 99,
  extensions: [
    extension(`${TCB}.2`, concat(Uint8Array.of(0x16, product.length), product)),
    extension(`${TCB}.3.1`, integer(SNP_TCB.bootLoader)),
    extension(`${TCB}.3.2`, integer(SNP_TCB.tee)),
    extension(`${TCB}.3.3`, integer(SNP_TCB.snp)),
    extension(`${TCB}.3.8`, integer(SNP_TCB.microcode)),
    extension(`${TCB}.4`, CHIP_ID),
  ],
  ...dates,
});

export const snpTrust = {
  vcek,
  chain: [askDer, arkDer],
  crl: makeList({ issuer: ark, fromMs: dates.fromMs, untilMs: STATEMENTS_END_MS, revoked: [55] }),
  roots: [arkDer],
};

/** A report of an EPYC of the product Genoa. @param edit rewrites it before it is signed */
export function snpOf(reportData: Uint8Array, edit?: (report: Uint8Array) => void): EvidenceItem {
  const report = new Uint8Array(1_184);
  report.set([3], 0);
  report.set([2], 10); // policy bit 17
  report.set([1], 52);
  report.set(reportData, 80);
  report.set(new Uint8Array(48).fill(6), 144);
  report.set([1, 2, 0, 0, 0, 0, 3, 4], 384);
  report.set([0x19, 0x11], 392);
  report.set(CHIP_ID, 416);
  edit?.(report);
  const signature = signPlain(report.subarray(0, 672), vcekKey);
  report.set(signature.slice(0, 48).reverse(), 672);
  report.set(signature.slice(48).reverse(), 744);
  return { kind: 'sev-snp', data: report };
}
