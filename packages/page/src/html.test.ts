import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { html } from './html.ts';

it('no text becomes markup, between tags or inside a quoted attribute', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('<', '>', '"', "'", '&', 'a', '/', '=', ' ') }), (text) => {
      const made = String(html`<b title="${text}">${text}</b>`);
      assert.match(made, /^<b title="[^<>"']*">[^<>"']*<\/b>$/);
      const shown = made.slice(made.indexOf('>') + 1, -4).replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code));
      assert.equal(shown, text);
    }),
  );
});

it('markup inside markup is not escaped again, in lists too', () => {
  const items = ['<', '&'].map((text) => html`<li>${text}</li>`);
  assert.equal(String(html`<ul>${items}${undefined}${null}${7}${8n}</ul>`), '<ul><li>&#60;</li><li>&#38;</li>78</ul>');
});

it('an object that claims to be markup is refused', () => {
  const claim = { toString: () => '<script>' } as unknown as string;
  assert.throws(() => html`${claim}`, TypeError);
});

it('a name cannot turn the direction of writing or hide behind control characters', () => {
  for (const char of ['\u202e', '\u2066', '\u200f', '\u0000', '\u001b', '\u0085']) {
    assert.equal(String(html`a${char}b`), 'a\u{FFFD}b');
  }
  assert.equal(String(html`${'a\nb\tü🙂'}`), 'a\nb\tü🙂');
});
