/**
 * The one form of XML signature that reference values carry: enveloped, over the whole document, canonical XML 1.1,
 * SHA-384 and ECDSA. Everything that a wrapped signature needs is refused: a second signature, a reference to a part,
 * a signature that is not a child of the document element, objects inside of it.
 * Source: XML Signature 1.1; attestation.md §14.3.
 */
import { fromBase64 } from '../bytes.ts';
import { canonicalXml } from './canonical-xml.ts';
import { attributeOf, isElement, type XmlElement, XmlError } from './xml.ts';

const DSIG = 'http://www.w3.org/2000/09/xmldsig#';
const Algorithm = {
  canonical: 'http://www.w3.org/2006/12/xml-c14n11',
  enveloped: `${DSIG}enveloped-signature`,
  digest: 'http://www.w3.org/2001/04/xmldsig-more#sha384',
  signature: 'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384',
} as const;

const DIGEST_BYTES = 48;
const SIGNATURE_BYTES = 96;
/** Most certificates in one signature. */
const MAX_CERTIFICATES = 8;

export interface XmlSignature {
  /** What the digest is of: the document without the signature. */
  readonly content: Uint8Array;
  readonly digest: Uint8Array;
  /** What the signature is of. */
  readonly signed: Uint8Array;
  /** r ‖ s, 96 bytes. */
  readonly signature: Uint8Array;
  /** DER, signer first. */
  readonly certificates: readonly Uint8Array[];
}

/** @throws {MalformedError} no signature, more than one, or one of another form */
export function readXmlSignature(document: XmlElement): XmlSignature {
  const found = [...signaturesIn(document)];
  const [signature] = found;
  if (signature === undefined || found.length !== 1) throw new XmlError(`${found.length} signatures`);
  if (!document.children.includes(signature)) throw new XmlError('signature that does not lie in the document element');
  const [signedInfo, signatureValue, keyInfo] = childrenOf(signature, ['SignedInfo', 'SignatureValue', 'KeyInfo']);
  const [canonicalization, method, reference] = childrenOf(signedInfo, [
    'CanonicalizationMethod',
    'SignatureMethod',
    'Reference',
  ]);
  expectAlgorithm(canonicalization, Algorithm.canonical);
  expectAlgorithm(method, Algorithm.signature);
  if (attributeOf(reference, 'URI') !== '' || reference.attributes.length !== 1)
    throw new XmlError('signature over a part of the document');
  const [transforms, digestMethod, digestValue] = childrenOf(reference, ['Transforms', 'DigestMethod', 'DigestValue']);
  const [enveloped, canonical] = childrenOf(transforms, ['Transform', 'Transform']);
  expectAlgorithm(enveloped, Algorithm.enveloped);
  expectAlgorithm(canonical, Algorithm.canonical);
  expectAlgorithm(digestMethod, Algorithm.digest);
  const [data] = childrenOf(keyInfo, ['X509Data']);
  const count = data.children.filter(isElement).length;
  if (count > MAX_CERTIFICATES) throw new XmlError(`${count} certificates`);
  const certificates = childrenOf(data, Array<string>(count).fill('X509Certificate'));
  return {
    content: canonicalXml(document, signature),
    digest: bytesOf(digestValue, DIGEST_BYTES),
    signed: canonicalXml(signedInfo),
    signature: bytesOf(signatureValue, SIGNATURE_BYTES),
    certificates: certificates.map((certificate) => bytesOf(certificate)),
  };
}

function* signaturesIn(element: XmlElement): Generator<XmlElement> {
  // whatever calls itself a signature counts, in any namespace
  if (element.name.local === 'Signature') yield element;
  for (const child of element.children) if (isElement(child)) yield* signaturesIn(child);
}

/** The element holds exactly these elements of the signature's namespace, and white space. */
function childrenOf<const Names extends readonly string[]>(
  { name, children }: XmlElement,
  names: Names,
): { [At in keyof Names]: XmlElement } {
  const elements = children.filter(isElement);
  const fits = elements.length === names.length && children.every((child) => isElement(child) || child.trim() === '');
  if (!fits || elements.some((element, i) => element.name.namespace !== DSIG || element.name.local !== names[i]))
    throw new XmlError(`${name.local} does not hold ${names.join(', ')}`);
  return elements as { [At in keyof Names]: XmlElement };
}

function expectAlgorithm({ name, attributes, children }: XmlElement, algorithm: string): void {
  const [only] = attributes;
  const same =
    attributes.length === 1 &&
    only?.name.local === 'Algorithm' &&
    only.name.namespace === '' &&
    only.value === algorithm;
  if (!same || children.length > 0) throw new XmlError(`${name.local} is not ${algorithm}`);
}

function bytesOf({ name, children }: XmlElement, size?: number): Uint8Array {
  const [text = ''] = children;
  if (children.length > 1 || isElement(text)) throw new XmlError(`${name.local} holds more than text`);
  const bytes = fromBase64(text);
  if (size !== undefined && bytes.length !== size) throw new XmlError(`${name.local} of ${bytes.length} bytes`);
  return bytes;
}
