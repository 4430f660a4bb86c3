/**
 * Markup that cannot be injected into. Only {@link html} makes markup, and whatever it is given that is not markup
 * already comes out as text: names, addresses and errors from peers need no care where they are shown.
 */

/** Markup that is safe to show. Only its type leaves this package: nobody else can declare a string to be markup. */
export class Html {
  readonly #markup: string;

  constructor(markup: string) {
    this.#markup = markup;
  }

  toString(): string {
    return this.#markup;
  }
}

/** What may stand in a template: markup as it is, text and numbers escaped, nothing for what is absent. */
export type Child = Html | string | number | bigint | undefined | null | readonly Child[];

/** Template tag. A value may stand between tags or inside a quoted attribute, nowhere else. */
export function html(literals: TemplateStringsArray, ...values: readonly Child[]): Html {
  return new Html(literals.reduce((before, literal, i) => before + markupOf(values[i - 1]) + literal));
}

/** @returns whether `child` would show nothing */
export function isEmpty(child: Child): boolean {
  return markupOf(child) === '';
}

function markupOf(child: Child): string {
  if (child === undefined || child === null) return '';
  if (child instanceof Html) return child.toString();
  return typeof child === 'object' ? child.map(markupOf).join('') : escaped(String(child));
}

/** Control characters and those that turn the direction of writing would let a name pretend to be another. */
const DECEIVING = /[^\P{Cc}\n\t]|\p{Bidi_Control}/gu;

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`).replace(DECEIVING, '\u{FFFD}');
}
