/**
 * What Intel publishes about its platforms, opened once: read, and judged as far as neither time nor quote matter.
 * Source: attestation.md §6, rules 6 to 11, and §7.
 */
import { fromHex, utf8 } from '../bytes.ts';
import type { AttestCrypto } from '../crypto/port.ts';
import { MalformedError } from '../malformed.ts';
import { readCertificate } from '../x509/certificate.ts';
import { type Authority, hasSignatureOf, isNamedBy, openAuthority } from '../x509/chain.ts';
import { type Crl, readCrl } from '../x509/crl.ts';
import { CA_NAMES } from './pck.ts';
import { openPlatform, type Platform } from './platform.ts';
import type { QuotePlatform } from './quote.ts';
import { INTEL_ROOT } from './root.ts';
import { openSigner, type Signer } from './signer.ts';
import { type QeIdentity, readQeIdentity, readTcbInfo, type TcbInfo } from './tcb-info.ts';

/** As a PCCS gives it: JSON as the exact text that was signed, signatures and CRLs in hex, chains in PEM, leaf first. */
export interface Collateral {
  readonly tcb_info: string;
  readonly tcb_info_signature: string;
  readonly tcb_info_issuer_chain: string;
  readonly qe_identity: string;
  readonly qe_identity_signature: string;
  readonly qe_identity_issuer_chain: string;
  readonly pck_crl: string;
  readonly root_ca_crl: string;
  readonly pck_crl_issuer_chain: string;
}

/** Its names, in the order in which files have them. */
export const COLLATERAL_FIELDS = [
  'tcb_info',
  'tcb_info_signature',
  'tcb_info_issuer_chain',
  'qe_identity',
  'qe_identity_signature',
  'qe_identity_issuer_chain',
  'pck_crl',
  'root_ca_crl',
  'pck_crl_issuer_chain',
] as const satisfies readonly (keyof Collateral)[];

export interface CollateralOptions {
  readonly crypto: AttestCrypto;
  /** DER of a root to believe in place of Intel's. */
  readonly root?: Uint8Array | undefined;
}

/** Machines remembered by one opened collateral. */
const MAX_PLATFORMS = 128;
const TCB_SIGNING = ['Intel SGX TCB Signing'];

/** A revocation list, or why it cannot be read. */
export interface OpenedCrl {
  readonly crl?: Crl;
  readonly unreadable?: string;
  /** Issued under the name of its authority, and signed by its key. */
  readonly named: boolean;
  readonly signed: boolean;
}

/** Signed JSON. Exactly one of `value` and `unreadable` is there. */
export interface SignedDocument<Value> {
  readonly genuine: boolean;
  readonly value?: Value;
  readonly unreadable?: string;
}

export class OpenedCollateral {
  readonly source: Collateral;
  readonly crypto: AttestCrypto;
  /** DER. */
  readonly trusted: Uint8Array;
  /** Undefined when the root given is no certificate: then nothing is believed. */
  readonly root: Authority | undefined;
  readonly rootCrl: OpenedCrl;
  /** The CA of the PCK CRL. */
  readonly pckCa: Signer;
  readonly pckCrl: OpenedCrl;
  readonly tcbSigner: Signer;
  readonly qeSigner: Signer;
  readonly tcbInfo: SignedDocument<TcbInfo>;
  readonly qeIdentity: SignedDocument<QeIdentity>;
  readonly #platforms = new Map<string, Platform>();

  constructor(source: Collateral, { crypto, root = INTEL_ROOT }: CollateralOptions) {
    const text = textsOf(source);
    this.source = source;
    this.crypto = crypto;
    this.trusted = root;
    const read = attempt(() => readCertificate(root));
    this.root = read.value && openAuthority(read.value, crypto);
    this.rootCrl = openCrl(text.root_ca_crl, this.root);
    const trust = { crypto, root: this.root, rootCrl: this.rootCrl.crl };
    this.pckCa = openSigner(text.pck_crl_issuer_chain, Object.keys(CA_NAMES), 0, trust);
    this.pckCrl = openCrl(text.pck_crl, this.pckCa.authority);
    this.tcbSigner = openSigner(text.tcb_info_issuer_chain, TCB_SIGNING, undefined, trust);
    this.qeSigner =
      text.qe_identity_issuer_chain === text.tcb_info_issuer_chain
        ? this.tcbSigner
        : openSigner(text.qe_identity_issuer_chain, TCB_SIGNING, undefined, trust);
    this.tcbInfo = openDocument(text.tcb_info, text.tcb_info_signature, this.tcbSigner, readTcbInfo);
    this.qeIdentity = openDocument(text.qe_identity, text.qe_identity_signature, this.qeSigner, readQeIdentity);
  }

  /** Earliest end of anything in it, certificates included; -Infinity when something cannot be read. */
  get expiresAtMs(): number {
    const ends = [
      this.rootCrl.crl?.nextUpdateMs,
      this.pckCrl.crl?.nextUpdateMs,
      this.tcbInfo.value?.expiresAtMs,
      this.qeIdentity.value?.expiresAtMs,
      this.root?.certificate.notAfterMs,
      ...[this.pckCa, this.tcbSigner, this.qeSigner].map(({ authority }) => authority?.certificate.notAfterMs),
    ];
    return Math.min(...ends.map((end) => end ?? Number.NEGATIVE_INFINITY));
  }

  /** The machine of a quote, judged as far as time does not matter; one that is genuine is remembered. */
  platform(of: QuotePlatform): Platform {
    const key = String.fromCharCode(...this.crypto.hash('sha256', of.bytes));
    const known = this.#platforms.get(key);
    const platform = known ?? openPlatform(of, this);
    if (!platform.genuine) return platform;
    this.#platforms.delete(key); // to the end: the one not seen for longest goes first
    this.#platforms.set(key, platform);
    const [oldest] = this.#platforms.keys();
    if (this.#platforms.size > MAX_PLATFORMS && oldest !== undefined) this.#platforms.delete(oldest);
    return platform;
  }
}

/** Never throws: what is wrong is told by the verdicts made with it. */
export function openCollateral(collateral: Collateral, options: CollateralOptions): OpenedCollateral {
  return new OpenedCollateral(collateral, options);
}

/** Collateral comes from outside: a field that is no text counts as an empty one, which fails. */
function textsOf(source: Collateral): Collateral {
  const fields = new Map<string, unknown>(Object.entries(source ?? {}));
  const text = (name: keyof Collateral) => {
    const value = fields.get(name);
    return typeof value === 'string' ? value : '';
  };
  return {
    tcb_info: text('tcb_info'),
    tcb_info_signature: text('tcb_info_signature'),
    tcb_info_issuer_chain: text('tcb_info_issuer_chain'),
    qe_identity: text('qe_identity'),
    qe_identity_signature: text('qe_identity_signature'),
    qe_identity_issuer_chain: text('qe_identity_issuer_chain'),
    pck_crl: text('pck_crl'),
    root_ca_crl: text('root_ca_crl'),
    pck_crl_issuer_chain: text('pck_crl_issuer_chain'),
  };
}

function attempt<Value>(read: () => Value): { value?: Value; error?: string } {
  try {
    return { value: read() };
  } catch (error) {
    if (error instanceof MalformedError) return { error: error.message };
    throw error;
  }
}

function openCrl(hex: string, issuer: Authority | undefined): OpenedCrl {
  const { value: crl, error } = attempt(() => readCrl(fromHex(hex)));
  if (crl === undefined) return { unreadable: error ?? 'nothing there', named: false, signed: false };
  const [named, signed] = issuer === undefined ? [false, false] : [isNamedBy(crl, issuer), hasSignatureOf(crl, issuer)];
  return { crl, named, signed };
}

/** r ‖ s over the exact text. */
function openDocument<Value>(
  text: string,
  signature: string,
  { authority }: Signer,
  read: (text: string) => Value,
): SignedDocument<Value> {
  const bytes = attempt(() => fromHex(signature, 64)).value;
  const genuine = bytes !== undefined && authority?.key?.verify('ecdsa-sha256', utf8(text), bytes) === true;
  const { value, error } = attempt(() => read(text));
  return value === undefined ? { genuine, unreadable: error ?? 'nothing there' } : { genuine, value };
}
