/** Reference values signed by a maker of our own. The text is canonical as it stands, so nothing under test signs it. */
import { createHash } from 'node:crypto';
import { authority, makeCertificate, makeSigner, type Signer, signPlain } from './devices-pki.ts';

const SCHEMA = 'http://standards.iso.org/iso/19770/-2/2015/schema.xsd';
const SHA384 = 'http://www.w3.org/2001/04/xmlenc#sha384';
const DSIG = 'http://www.w3.org/2000/09/xmldsig#';
const MORE = 'http://www.w3.org/2001/04/xmldsig-more#';
const C14N = 'http://www.w3.org/2006/12/xml-c14n11';

export interface RimMaker {
  readonly root: Uint8Array;
  readonly certificates: readonly Uint8Array[];
  readonly signer: Signer;
}

export function makeRimMaker(fromMs: number, untilMs: number): RimMaker {
  const [root, signer] = [makeSigner('Root of values', 'p384'), makeSigner('Signer of values', 'p384')];
  const dates = { fromMs, untilMs };
  const rootDer = makeCertificate({ subject: root, issuer: root, serial: 1, extensions: [authority], ...dates });
  const signerDer = makeCertificate({ subject: signer, issuer: root, serial: 2, ...dates });
  return { root: rootDer, certificates: [signerDer, rootDer], signer };
}

export interface RimValue {
  readonly index: number;
  /** Hexadecimal. */
  readonly hashes: readonly string[];
  readonly active?: boolean;
}

export interface RimShape {
  readonly version: string;
  readonly product?: string;
  readonly values: readonly RimValue[];
}

const resource = ({ index, hashes, active = true }: RimValue) =>
  `<ns0:Resource active="${active ? 'True' : 'False'}" alternatives="${hashes.length}" index="${index}" name="Measurement_${index}" size="${(hashes[0]?.length ?? 0) / 2}" type="Measurement"${hashes.map((hash, i) => ` ns2:Hash${i}="${hash}"`).join('')}></ns0:Resource>`;

const scopes = `xmlns="${SCHEMA}" xmlns:ns0="${SCHEMA}" xmlns:ns2="${SHA384}"`;

/** The document around its signature: two halves. */
export function rimBody({ version, product = 'GH100', values }: RimShape): [string, string] {
  const meta = `<ns0:Meta colloquialVersion="${version}" product="${product}"></ns0:Meta>`;
  const payload = `<ns0:Payload>${values.map(resource).join('')}</ns0:Payload>`;
  return [`<SoftwareIdentity ${scopes} name="${product}">${meta}${payload}`, '</SoftwareIdentity>'];
}

/** @param uri what the signature says that it covers */
export function makeSignature(content: string, { signer, certificates }: RimMaker, uri = ''): string {
  const digest = createHash('sha384').update(content).digest('base64');
  const info =
    `<ds:CanonicalizationMethod Algorithm="${C14N}"></ds:CanonicalizationMethod>` +
    `<ds:SignatureMethod Algorithm="${MORE}ecdsa-sha384"></ds:SignatureMethod>` +
    `<ds:Reference URI="${uri}"><ds:Transforms><ds:Transform Algorithm="${DSIG}enveloped-signature"></ds:Transform>` +
    `<ds:Transform Algorithm="${C14N}"></ds:Transform></ds:Transforms>` +
    `<ds:DigestMethod Algorithm="${MORE}sha384"></ds:DigestMethod><ds:DigestValue>${digest}</ds:DigestValue></ds:Reference>`;
  const canonical = `<ds:SignedInfo xmlns="${SCHEMA}" xmlns:ds="${DSIG}" xmlns:ns0="${SCHEMA}" xmlns:ns2="${SHA384}">${info}</ds:SignedInfo>`;
  const signature = Buffer.from(signPlain(new TextEncoder().encode(canonical), signer)).toString('base64');
  const chain = certificates.map(
    (der) => `<ds:X509Certificate>${Buffer.from(der).toString('base64')}</ds:X509Certificate>`,
  );
  return (
    `<ds:Signature xmlns:ds="${DSIG}"><ds:SignedInfo>${info}</ds:SignedInfo>` +
    `<ds:SignatureValue>${signature}</ds:SignatureValue>` +
    `<ds:KeyInfo><ds:X509Data>${chain.join('')}</ds:X509Data></ds:KeyInfo></ds:Signature>`
  );
}

export function makeRim(shape: RimShape, maker: RimMaker): string {
  const [head, tail] = rimBody(shape);
  return `${head}${makeSignature(head + tail, maker)}${tail}`;
}
