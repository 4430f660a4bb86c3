/** AMD machines and NVIDIA GPUs of makers of our own, who sign what a test needs: real ones answer only their own nonces. */
import { concat, fromHex, toHex, utf8 } from '../src/bytes.ts';
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

const TCB = '1.3.6.1.4.1.3704.1';
export const CHIP_ID = new Uint8Array(64).fill(5);
export const SNP_TCB = { bootLoader: 1, tee: 2, snp: 3, microcode: 4 } as const;

/** Names of the certificates, and the first of the processors by CPUID. */
const amd = { Milan: [0x19, 0x01], Genoa: [0x19, 0x11] } as const;

/** One chip of a maker of its own, with what the key service says of it. */
export function snpChip(product: keyof typeof amd, chipId = CHIP_ID) {
  const [ark, ask, vcekKey] = [
    makeSigner(`ARK-${product}`, 'rsa'),
    makeSigner(`SEV-${product}`, 'rsa'),
    makeSigner('SEV-VCEK', 'p384'),
  ];
  const askDer = makeCertificate({ subject: ask, issuer: ark, serial: 7, extensions: [authority], ...dates });
  const arkDer = makeCertificate({ subject: ark, issuer: ark, serial: 1, extensions: [authority], ...dates });
  const stepping = utf8(`${product}-B0`);
  const vcek = makeCertificate({
    subject: vcekKey,
    issuer: ask,
    serial: 99,
    extensions: [
      extension(`${TCB}.2`, concat(Uint8Array.of(0x16, stepping.length), stepping)),
      extension(`${TCB}.3.1`, integer(SNP_TCB.bootLoader)),
      extension(`${TCB}.3.2`, integer(SNP_TCB.tee)),
      extension(`${TCB}.3.3`, integer(SNP_TCB.snp)),
      extension(`${TCB}.3.8`, integer(SNP_TCB.microcode)),
      extension(`${TCB}.4`, chipId),
    ],
    ...dates,
  });
  const trust = {
    vcek,
    chain: [askDer, arkDer],
    crl: makeList({ issuer: ark, fromMs: dates.fromMs, untilMs: STATEMENTS_END_MS, revoked: [55] }),
    roots: [arkDer],
  };
  return {
    trust,
    /** @param edit rewrites the report before it is signed */
    report(reportData: Uint8Array, edit?: (report: Uint8Array) => void): EvidenceItem {
      const report = new Uint8Array(1_184);
      report.set([3], 0);
      report.set([2], 10); // policy bit 17
      report.set([1], 52);
      report.set(reportData, 80);
      report.set(new Uint8Array(48).fill(6), 144);
      report.set([1, 2, 0, 0, 0, 0, 3, 4], 384);
      report.set(amd[product], 392);
      report.set(chipId, 416);
      edit?.(report);
      const signature = signPlain(report.subarray(0, 672), vcekKey);
      report.set(signature.slice(0, 48).reverse(), 672);
      report.set(signature.slice(48).reverse(), 744);
      return { kind: 'sev-snp', data: report };
    },
  };
}

const genoa = snpChip('Genoa');
export const snpTrust = genoa.trust;
/** A report of an EPYC of the product Genoa. */
export const snpOf = genoa.report;

const guids = {
  vcek: '63da758de6644564adc5f4b93be8accd',
  ask: '4ab7b379bbac4fe4a02f05aef327c782',
  ark: 'c0b406a4a803495297433fb6014cd0ae',
  vlek: 'a8074bc2a25a483eaae639c045a0b8a1',
} as const;

/** The certificates of a host as its guests get them: GUID, offset, length of each, zeros, then their bytes. */
export function certificateTable(entries: readonly (readonly [keyof typeof guids, Uint8Array])[]): Uint8Array {
  const head = new Uint8Array(24 * (entries.length + 1));
  const view = new DataView(head.buffer);
  let at = head.length;
  for (const [i, [name, { length }]] of entries.entries()) {
    head.set(fromHex(guids[name]), 24 * i);
    view.setUint32(24 * i + 16, at, true);
    view.setUint32(24 * i + 20, length, true);
    at += length;
  }
  return concat(head, ...entries.map(([, bytes]) => bytes));
}
