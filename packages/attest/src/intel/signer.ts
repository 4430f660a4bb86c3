/** A certificate directly under the trusted root, as it signs TCB info, QE identities and PCK CRLs. */
import { equalBytes } from '../bytes.ts';
import type { AttestCrypto } from '../crypto/port.ts';
import { MalformedError } from '../malformed.ts';
import { type Certificate, commonName, readCertificate } from '../x509/certificate.ts';
import { type Authority, judgeLink, openAuthority } from '../x509/chain.ts';
import type { Crl } from '../x509/crl.ts';
import { readPemCertificates } from '../x509/pem.ts';

/** Longest chain read, in characters. */
const MAX_CHAIN = 64 * 1024;

export interface Signer {
  /** Undefined when there is no certificate to be read. */
  readonly authority: Authority | undefined;
  /** Signer and root. */
  readonly certificates: readonly Certificate[];
  /** What is wrong with the chain, whatever the time: that it cannot be read, its names, its end. */
  readonly wrong: readonly string[];
  /** What is wrong with the certificate under the trusted root. */
  readonly link: readonly string[];
  readonly revoked: boolean;
}

/** What the chain is judged by. */
export interface Trust {
  readonly crypto: AttestCrypto;
  /** Undefined when the root given is no certificate: then nothing is believed. */
  readonly root: Authority | undefined;
  readonly rootCrl: Crl | undefined;
}

/** The trusted root comes with every chain: it is not read again. */
function readKnown(der: Uint8Array, root: Authority | undefined): Certificate {
  return root !== undefined && equalBytes(der, root.certificate.der) ? root.certificate : readCertificate(der);
}

/**
 * @param pem leaf and root
 * @param names common names the leaf may have
 * @param below authorities the leaf may have under it; undefined when it is no authority
 */
export function openSigner(pem: string, names: readonly string[], below: number | undefined, trust: Trust): Signer {
  let chain: Certificate[];
  let name: string | undefined;
  try {
    if (pem.length > MAX_CHAIN) throw new MalformedError(`chain of ${pem.length} characters`);
    chain = readPemCertificates(pem, 2).map((der) => readKnown(der, trust.root));
    name = chain[0] && commonName(chain[0].subject);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return { authority: undefined, certificates: [], wrong: [error.message], link: [], revoked: false };
  }
  const [leaf, top] = chain;
  if (leaf === undefined || top === undefined)
    return {
      authority: undefined,
      certificates: [],
      wrong: [`${chain.length} certificate, not two`],
      link: [],
      revoked: false,
    };
  const wrong: string[] = [];
  const { root, rootCrl, crypto } = trust;
  if (root === undefined || !equalBytes(top.der, root.certificate.der)) wrong.push('does not end in the trusted root');
  if (name === undefined || !names.includes(name)) wrong.push(`belongs to another: ${name ?? 'no name'}`);
  return {
    authority: openAuthority(leaf, crypto),
    certificates: chain,
    wrong,
    link: root === undefined ? [] : judgeLink(leaf, root, below),
    revoked: rootCrl?.revokes(leaf.serial) ?? false,
  };
}
