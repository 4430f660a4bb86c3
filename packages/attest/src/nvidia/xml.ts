/**
 * Reads the XML of reference values into a tree: elements, attributes, namespaces, text, and nothing else. What would
 * let one text mean two things to two readers is refused: document types, entities of one's own, CDATA, comments,
 * processing instructions. Sizes are judged before anything is kept, and no text makes the reader call itself.
 * Source: XML 1.0 (fifth edition), Namespaces in XML 1.0.
 */
import { MalformedError } from '../malformed.ts';

/** The text is not XML as strict as wanted here. */
export class XmlError extends MalformedError {}

const limits = {
  characters: 1_048_576,
  depth: 32,
  elements: 8_192,
  namespaces: 32,
  attributes: 64,
  attributeCharacters: 65_536,
} as const;

export interface XmlAttribute {
  readonly name: XmlName;
  readonly value: string;
}

export interface XmlName {
  /** Empty where there is none. */
  readonly prefix: string;
  readonly local: string;
  /** What the prefix stands for here; empty for no namespace. */
  readonly namespace: string;
}

export interface XmlElement {
  readonly name: XmlName;
  readonly attributes: readonly XmlAttribute[];
  /** Declared on this element, by prefix; the default namespace has the empty prefix. */
  readonly declared: ReadonlyMap<string, string>;
  /** In force inside this element, by prefix. */
  readonly inScope: ReadonlyMap<string, string>;
  readonly children: readonly (XmlElement | string)[];
}

interface OpenElement extends XmlElement {
  readonly children: (XmlElement | string)[];
  readonly rawName: string;
}

const XML_NAMESPACE = 'http://www.w3.org/XML/1998/namespace';
const XMLNS_NAMESPACE = 'http://www.w3.org/2000/xmlns/';
const NAME = '[A-Za-z_][A-Za-z0-9._-]*';
const DECLARATION = /<\?xml version="1\.0"(?: encoding="(?:UTF|utf)-8")?(?: standalone="(?:yes|no)")?\s*\?>/y;
const QUALIFIED = new RegExp(`(?:(${NAME}):)?(${NAME})`, 'y');
const SPACE = /[ \t\n]+/y;
const TEXT = /[^<]+/y;
const VALUE = /"([^"<]*)"|'([^'<]*)'/y;
/** Any character that XML does not know; halves of pairs are caught by `isWellFormed`. */
const FORBIDDEN = /[^\t\n\r\x20-\ufffd]/;

/**
 * @param text of a whole document, decoded from UTF-8
 * @returns the document element
 * @throws {XmlError} anything that is not well-formed, not allowed here, or too large
 */
export function readXml(text: string): XmlElement {
  if (text.length > limits.characters) throw new XmlError(`document of ${text.length} characters`);
  if (!isAllowed(text)) throw new XmlError('character that XML does not allow');
  return new Parser(text.replace(/\r\n?/g, '\n')).document();
}

class Parser {
  readonly #text: string;
  #at = 0;
  #elements = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): XmlElement {
    if (this.#text.startsWith('<?')) this.#match(DECLARATION, 'XML declaration');
    this.#space();
    const open: OpenElement[] = [];
    for (;;) {
      const parent = open.at(-1);
      if (this.#eat('</')) {
        const element = open.pop();
        if (element === undefined || !this.#eat(element.rawName)) throw this.#error('end tag that ends nothing');
        this.#space();
        this.#expect('>');
        if (open.length === 0) return this.#finish(element);
        continue;
      }
      if (this.#text[this.#at] === '<') {
        const { element, empty } = this.#startTag(parent);
        parent?.children.push(element);
        if (!empty) open.push(element);
        else if (parent === undefined) return this.#finish(element);
        if (open.length > limits.depth) throw this.#error('elements too deep');
        continue;
      }
      if (parent === undefined) throw this.#error('text outside of the document');
      const [characters] = this.#match(TEXT, 'text');
      if (characters.includes(']]>')) throw this.#error('"]]>" in text');
      parent.children.push(this.#resolve(characters));
    }
  }

  #startTag(parent: XmlElement | undefined): { element: OpenElement; empty: boolean } {
    this.#expect('<');
    if (++this.#elements > limits.elements) throw this.#error('too many elements');
    // "<!" and "<?" are no names: comments, CDATA, document types and instructions end here
    const [rawName, prefix = '', local = ''] = this.#match(QUALIFIED, 'element name');
    const raw = this.#attributes();
    const declared = this.#declarations(raw);
    const inScope =
      declared.size === 0 && parent !== undefined ? parent.inScope : new Map([...(parent?.inScope ?? []), ...declared]);
    if (inScope.size > limits.namespaces) throw this.#error('too many namespaces');
    const nameOf = (namePrefix: string, nameLocal: string, fallback: string): XmlName => {
      const namespace = namePrefix === '' ? fallback : namePrefix === 'xml' ? XML_NAMESPACE : inScope.get(namePrefix);
      if (namespace === undefined) throw this.#error(`undeclared prefix ${namePrefix}`);
      return { prefix: namePrefix, local: nameLocal, namespace };
    };
    const attributes = raw
      .filter((attribute) => !isDeclaration(attribute))
      .map(({ prefix, local, value }) => ({ name: nameOf(prefix, local, ''), value }));
    if (new Set(attributes.map(({ name }) => `${name.namespace} ${name.local}`)).size !== attributes.length)
      throw this.#error('attribute comes twice');
    const name = nameOf(prefix, local, inScope.get('') ?? '');
    const empty = this.#eat('/');
    this.#expect('>');
    return { element: { name, attributes, declared, inScope, children: [], rawName }, empty };
  }

  #attributes(): RawAttribute[] {
    const found: RawAttribute[] = [];
    const seen = new Set<string>();
    while (this.#space() && !this.#text.startsWith('>', this.#at) && !this.#text.startsWith('/', this.#at)) {
      if (found.length === limits.attributes) throw this.#error('too many attributes');
      const [rawName, prefix = '', local = ''] = this.#match(QUALIFIED, 'attribute name');
      if (seen.has(rawName)) throw this.#error('attribute comes twice');
      seen.add(rawName);
      this.#space();
      this.#expect('=');
      this.#space();
      const [, double, single] = this.#match(VALUE, 'attribute value');
      const value = double ?? single ?? '';
      if (value.length > limits.attributeCharacters) throw this.#error('attribute too long');
      found.push({ prefix, local, value: this.#resolve(value.replace(/[\t\n]/g, ' ')) });
    }
    return found;
  }

  #declarations(attributes: readonly RawAttribute[]): Map<string, string> {
    const declared = new Map<string, string>();
    for (const attribute of attributes.filter(isDeclaration)) {
      const prefix = attribute.prefix === '' ? '' : attribute.local;
      const reserved = attribute.value === XML_NAMESPACE || attribute.value === XMLNS_NAMESPACE;
      if (prefix === 'xml' || prefix === 'xmlns' || reserved) throw this.#error('reserved namespace');
      if (prefix !== '' && attribute.value === '') throw this.#error('namespace taken back');
      declared.set(prefix, attribute.value);
    }
    return declared;
  }

  /** The five entities every XML knows, and characters by number. */
  #resolve(text: string): string {
    if (!text.includes('&')) return text;
    return text.replace(/&([^;]{0,16};?)/g, (_, reference: string) => {
      const known = entities[reference];
      if (known !== undefined) return known;
      const [, hex, decimal] = /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}));$/.exec(reference) ?? [];
      const code = hex !== undefined ? Number.parseInt(hex, 16) : decimal !== undefined ? Number(decimal) : undefined;
      if (code === undefined || code > 0x10_ffff || !isAllowed(String.fromCodePoint(code)))
        throw this.#error('unknown entity');
      return String.fromCodePoint(code);
    });
  }

  #finish(element: XmlElement): XmlElement {
    this.#space();
    if (this.#at !== this.#text.length) throw this.#error('something after the document');
    return element;
  }

  #space(): boolean {
    SPACE.lastIndex = this.#at;
    const found = SPACE.exec(this.#text);
    this.#at += found?.[0].length ?? 0;
    return found !== null;
  }

  #eat(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #expect(token: string): void {
    if (!this.#eat(token)) throw this.#error(`"${token}" expected`);
  }

  #match(pattern: RegExp, what: string): RegExpExecArray {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) throw this.#error(`${what} expected`);
    this.#at += found[0].length;
    return found;
  }

  #error(message: string): XmlError {
    return new XmlError(`${message} at character ${this.#at}`);
  }
}

interface RawAttribute {
  readonly prefix: string;
  readonly local: string;
  readonly value: string;
}

function isAllowed(text: string): boolean {
  return text.isWellFormed() && !FORBIDDEN.test(text);
}

function isDeclaration({ prefix, local }: RawAttribute): boolean {
  return prefix === 'xmlns' || (prefix === '' && local === 'xmlns');
}

const entities: Readonly<Record<string, string>> = { 'lt;': '<', 'gt;': '>', 'amp;': '&', 'quot;': '"', 'apos;': "'" };

export function isElement(child: XmlElement | string): child is XmlElement {
  return typeof child !== 'string';
}

/** Value of an attribute that has no namespace, or the one given. */
export function attributeOf({ attributes }: XmlElement, local: string, namespace = ''): string | undefined {
  return attributes.find(({ name }) => name.local === local && name.namespace === namespace)?.value;
}
