/** Security versions of an AMD platform, and which product a report or certificate belongs to. Source: attestation.md §18.4. */
import type { Certificate } from '../x509/certificate.ts';
import { DerReader, readNumber, Tag } from '../x509/der.ts';
import type { SnpReport } from './report.ts';

/** Lines of processors with one root key each, the oldest first. */
export const amdProducts = ['Milan', 'Genoa', 'Turin'] as const;
export type AmdProduct = (typeof amdProducts)[number];

/** Security version numbers of the parts that guard a guest. */
export interface SnpTcb {
  readonly bootLoader: number;
  readonly tee: number;
  readonly snp: number;
  readonly microcode: number;
  /** Turin and later. */
  readonly fmc?: number;
}

/** Where each version stands in the 8 bytes; the other bytes are reserved. */
const layouts: Readonly<Record<AmdProduct, Readonly<Partial<Record<keyof SnpTcb, number>>>>> = {
  Milan: { bootLoader: 0, tee: 1, snp: 6, microcode: 7 },
  Genoa: { bootLoader: 0, tee: 1, snp: 6, microcode: 7 },
  Turin: { fmc: 0, bootLoader: 1, tee: 2, snp: 3, microcode: 7 },
};

const VCEK_OID = '1.3.6.1.4.1.3704.1';
const extensionOf: Readonly<Record<keyof SnpTcb, string>> = {
  bootLoader: `${VCEK_OID}.3.1`,
  tee: `${VCEK_OID}.3.2`,
  snp: `${VCEK_OID}.3.3`,
  microcode: `${VCEK_OID}.3.8`,
  fmc: `${VCEK_OID}.3.9`,
};

/** @param bytes 8 bytes of a report */
export function readTcb(bytes: Uint8Array, product: AmdProduct): SnpTcb {
  const at = (part: keyof SnpTcb) => bytes[layouts[product][part] ?? 8] ?? 0;
  const tcb = { bootLoader: at('bootLoader'), tee: at('tee'), snp: at('snp'), microcode: at('microcode') };
  return layouts[product].fmc === undefined ? tcb : { ...tcb, fmc: at('fmc') };
}

/** What the certificate of a chip says about it. */
export interface VcekFacts {
  readonly product: AmdProduct | undefined;
  /** Undefined where an extension is missing or no number. */
  readonly tcb: SnpTcb | undefined;
  /** 64 bytes; 8 on Turin. Undefined in a certificate of a cloud's key (VLEK). */
  readonly chipId: Uint8Array | undefined;
}

/** @throws {MalformedError} an extension of AMD's that is not what it should be */
export function readVcek({ extensions }: Certificate): VcekFacts {
  const value = (oid: string) => extensions.get(oid)?.value;
  const number = (part: keyof SnpTcb): number | undefined => {
    const bytes = value(extensionOf[part]);
    if (bytes === undefined) return undefined;
    const from = new DerReader(bytes);
    const found = readNumber(from.take(Tag.integer).content);
    from.end();
    return found;
  };
  const [bootLoader, tee, snp, microcode, fmc] = (['bootLoader', 'tee', 'snp', 'microcode', 'fmc'] as const).map(
    number,
  );
  const complete = bootLoader !== undefined && tee !== undefined && snp !== undefined && microcode !== undefined;
  const product = productNamed(value(`${VCEK_OID}.2`));
  const tcb = complete ? { bootLoader, tee, snp, microcode } : undefined;
  return {
    product,
    tcb: tcb !== undefined && fmc !== undefined ? { ...tcb, fmc } : tcb,
    chipId: value(`${VCEK_OID}.4`),
  };
}

const IA5_STRING = 0x16;

/** The name is followed by a stepping: "Milan-B0". */
function productNamed(value: Uint8Array | undefined): AmdProduct | undefined {
  if (value === undefined) return undefined;
  const from = new DerReader(value);
  const { content } = from.take(IA5_STRING);
  from.end();
  const [name] = new TextDecoder().decode(content).split('-');
  return amdProducts.find((product) => product === name);
}

/**
 * The product by CPUID. Genoa stands for Bergamo and Siena too, which share its root.
 * @returns undefined for version 2, which does not say, and for a processor not known here
 */
export function productOf({ cpu }: SnpReport): AmdProduct | undefined {
  if (cpu === undefined) return undefined;
  if (cpu.family === 0x19 && cpu.model <= 0x0f) return 'Milan';
  if (cpu.family === 0x19 && ((cpu.model >= 0x10 && cpu.model <= 0x1f) || (cpu.model >= 0xa0 && cpu.model <= 0xaf)))
    return 'Genoa';
  return cpu.family === 0x1a && cpu.model <= 0x1f ? 'Turin' : undefined;
}

/** Whose certificates a report needs. Those of version 2 name no product and are taken for the first one's. */
export function claimedProduct(report: SnpReport): AmdProduct | undefined {
  return report.cpu === undefined ? 'Milan' : productOf(report);
}

export function sameTcb(a: SnpTcb, b: SnpTcb): boolean {
  return (['bootLoader', 'tee', 'snp', 'microcode', 'fmc'] as const).every((part) => a[part] === b[part]);
}
