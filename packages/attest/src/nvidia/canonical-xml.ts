/**
 * Canonical XML 1.1 without comments, of one element with what is inside it. `xml:` attributes, which the two versions of
 * the standard pass down differently, are not supported: they are refused.
 * Source: https://www.w3.org/TR/xml-c14n11/
 */
import { utf8 } from '../bytes.ts';
import { isElement, type XmlElement, XmlError, type XmlName } from './xml.ts';

/**
 * @param apex first element of the output, which takes over every namespace in force around it
 * @param without left out with all its content, as an enveloped signature is
 * @throws {XmlError} an attribute of the `xml:` namespace
 */
export function canonicalXml(apex: XmlElement, without?: XmlElement): Uint8Array {
  const parts: string[] = [];
  write(apex, new Map(), without, parts);
  return utf8(parts.join(''));
}

/** @param rendered namespaces in force around the element in the output. Depth is bounded by the reader of the tree. */
function write(
  element: XmlElement,
  rendered: ReadonlyMap<string, string>,
  without: XmlElement | undefined,
  to: string[],
): void {
  const name = qualified(element.name);
  to.push('<', name);
  const namespaces = [...element.inScope]
    .filter(([prefix, uri]) => (rendered.get(prefix) ?? '') !== uri)
    .sort(([a], [b]) => compare(a, b));
  for (const [prefix, uri] of namespaces)
    to.push(prefix === '' ? ' xmlns' : ` xmlns:${prefix}`, '="', escaped(uri), '"');
  const attributes = element.attributes.toSorted(
    (a, b) => compare(a.name.namespace, b.name.namespace) || compare(a.name.local, b.name.local),
  );
  for (const { name: attribute, value } of attributes) {
    if (attribute.prefix === 'xml') throw new XmlError('xml: attribute');
    to.push(' ', qualified(attribute), '="', escaped(value), '"');
  }
  to.push('>');
  for (const child of element.children) {
    if (!isElement(child)) to.push(child.replace(/[&<>\r]/g, (character) => inText[character] as string));
    else if (child !== without) write(child, element.inScope, without, to);
  }
  to.push('</', name, '>');
}

const qualified = ({ prefix, local }: XmlName) => (prefix === '' ? local : `${prefix}:${local}`);
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
const escaped = (value: string) => value.replace(/[&<"\t\n\r]/g, (character) => inAttribute[character] as string);

const inText: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#xD;' };
const inAttribute: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '"': '&quot;',
  '\t': '&#x9;',
  '\n': '&#xA;',
  '\r': '&#xD;',
};
