/** A SEV-SNP report of one chip at one TCB that says nothing else and is signed by nobody. Layout: attestation.md §18.4. */
import type { VcekNeed } from '@bombyx/attest';

/** Combined family and model by which each product is known; the first of its range. */
const cpuOf = { Milan: [0x19, 0x01], Genoa: [0x19, 0x11], Turin: [0x1a, 0x02] } as const;

export function blankReport({ product, chipId, tcb }: VcekNeed): Uint8Array {
  const report = Buffer.alloc(1_184);
  report.writeUInt32LE(3, 0); // version: the first that names the CPU
  report.writeUInt32LE(1, 52); // ECDSA P-384 with SHA-384
  const { fmc = 0, bootLoader, tee, snp, microcode } = tcb;
  const reported =
    product === 'Turin'
      ? [fmc, bootLoader, tee, snp, 0, 0, 0, microcode]
      : [bootLoader, tee, 0, 0, 0, 0, snp, microcode];
  report.set(reported, 384);
  report.set(cpuOf[product], 392);
  report.write(chipId, 416, 64, 'hex');
  return report;
}
