import assert from 'node:assert/strict';
import { it } from 'node:test';
import { canonicalXml } from './canonical-xml.ts';
import { isElement, readXml, type XmlElement, XmlError } from './xml.ts';

const canonical = (text: string) => new TextDecoder().decode(canonicalXml(readXml(text)));
const childOf = (element: XmlElement, local: string) => {
  const found = element.children.filter(isElement).find(({ name }) => name.local === local);
  assert.ok(found);
  return found;
};

// Expected texts follow the examples of the standard, sections 3.2 to 3.4, without their document types.

it('keeps white space between elements', () => {
  const text = '<doc>\n   <clean>   </clean>\n   <mixed>\n      A\n      <clean>   </clean>\n   </mixed>\n</doc>';
  assert.equal(canonical(text), text);
});

it('writes start and end tags in full, attributes in order, namespaces once', () => {
  const text = [
    '<doc>',
    '   <e1   />',
    '   <e3   name = "elem3"   id="elem3"   />',
    '   <e5 a:attr="out" b:attr="sorted" attr2="all" attr="I\'m"',
    '      xmlns:b="http://www.ietf.org"',
    '      xmlns:a="http://www.w3.org"',
    '      xmlns="http://example.org"/>',
    '   <e6 xmlns="" xmlns:a="http://www.w3.org">',
    '      <e7 xmlns="http://www.ietf.org">',
    '         <e8 xmlns="" xmlns:a="http://www.w3.org">',
    '            <e9 xmlns="" xmlns:a="http://www.ietf.org"/>',
    '         </e8>',
    '      </e7>',
    '   </e6>',
    '</doc>',
  ].join('\n');
  const expected = [
    '<doc>',
    '   <e1></e1>',
    '   <e3 id="elem3" name="elem3"></e3>',
    '   <e5 xmlns="http://example.org" xmlns:a="http://www.w3.org" xmlns:b="http://www.ietf.org" attr="I\'m" attr2="all" b:attr="sorted" a:attr="out"></e5>',
    '   <e6 xmlns:a="http://www.w3.org">',
    '      <e7 xmlns="http://www.ietf.org">',
    '         <e8 xmlns="">',
    '            <e9 xmlns:a="http://www.ietf.org"></e9>',
    '         </e8>',
    '      </e7>',
    '   </e6>',
    '</doc>',
  ].join('\n');
  assert.equal(canonical(text), expected);
});

it('writes characters in one way', () => {
  const text =
    '<doc>\r\n   <text>First line&#x0d;&#10;Second line</text>\r\n   <value>&#x32;</value>\r\n   <compute expr=\'value>"0" &amp;&amp; value&lt;"10" ?"valid":"error"\'>valid</compute>\r\n   <norm attr=\' &apos;   &#x20;&#13;&#xa;&#9;   &apos; \'/>\r\n</doc>';
  const expected =
    '<doc>\n   <text>First line&#xD;\nSecond line</text>\n   <value>2</value>\n   <compute expr="value>&quot;0&quot; &amp;&amp; value&lt;&quot;10&quot; ?&quot;valid&quot;:&quot;error&quot;">valid</compute>\n   <norm attr=" \'    &#xD;&#xA;&#x9;   \' "></norm>\n</doc>';
  assert.equal(canonical(text), expected);
});

it('gives the first element every namespace in force around it, and says them again only where they change', () => {
  const root = readXml('<a xmlns="urn:0" xmlns:p="urn:1" xmlns:q="urn:2"><b><c q:k="1" xmlns:q="urn:3"/></b></a>');
  const text = new TextDecoder().decode(canonicalXml(childOf(root, 'b')));
  assert.equal(text, '<b xmlns="urn:0" xmlns:p="urn:1" xmlns:q="urn:2"><c xmlns:q="urn:3" q:k="1"></c></b>');
});

it('leaves out the element it is told to, with its content and nothing around it', () => {
  const root = readXml('<a>x<s>y<t/></s>z<s/></a>');
  const text = new TextDecoder().decode(canonicalXml(root, childOf(root, 's')));
  assert.equal(text, '<a>xz<s></s></a>');
});

it('refuses xml: attributes, which it cannot pass down', () => {
  assert.throws(() => canonical('<a xml:base="http://x/"/>'), XmlError);
});
