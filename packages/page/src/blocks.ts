/** The pieces that pages are made of. What has nothing to say is left out. */
import { type Child, type Html, html, isEmpty } from './html.ts';

/** A name and what to show beside it; an empty value drops the pair. */
export type Fact = readonly [name: Child, value: Child];

/** Good: nothing to do. Fair: somebody wanted it so, or it passes. Bad: somebody must act. */
export type Mood = 'good' | 'fair' | 'bad';

/** A word in a coloured pill. The word carries the meaning; the colour only repeats it. */
export function badge(mood: Mood, text: Child): Html {
  return html`<span class="badge ${mood}">${text}</span>`;
}

/** A large number each, for the first look. */
export function tiles(facts: readonly Fact[]): Html {
  const shown = facts.filter(([, value]) => !isEmpty(value));
  return html`<dl class="tiles">${shown.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** Names with their values below one another. @returns undefined when there is none */
export function facts(pairs: readonly Fact[]): Html | undefined {
  const shown = pairs.filter(([, value]) => !isEmpty(value));
  if (shown.length === 0) return undefined;
  return html`<dl class="facts">${shown.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** Heading and content of a column: `number` stands to the right, digits below digits; `text` may wrap anywhere. */
export type Column<Row> = readonly [name: string, cell: (row: Row) => Child, kind?: 'number' | 'text'];

/**
 * One row a record; on a phone one card a record. A column that is empty in every row is left out, and so is an empty
 * cell of a card.
 * @param none said when there is no record
 */
export function records<Row>(rows: readonly Row[], columns: readonly Column<Row>[], none: string): Html {
  if (rows.length === 0) return html`<p class="none">${none}</p>`;
  const filled = columns
    .map(([name, cell, kind]) => ({ name, kind: kind ?? 'word', cells: rows.map(cell) }))
    .filter(({ cells }) => cells.some((cell) => !isEmpty(cell)));
  // display: block takes the meaning of a table away from screen readers; roles give it back
  const head = filled.map(({ name, kind }) => html`<th role="columnheader" class="${kind}">${name}</th>`);
  const body = rows.map((_, i) => {
    const cells = filled.map(
      ({ name, kind, cells }) => html`<td role="cell" class="${kind}" data-name="${name}">${cells[i]}</td>`,
    );
    return html`<tr role="row">${cells}</tr>`;
  });
  return html`<div class="scroll"><table role="table" class="records">
<thead role="rowgroup"><tr role="row">${head}</tr></thead>
<tbody role="rowgroup">${body}</tbody></table></div>`;
}

/** Numbers to compare along rows and columns: stays a table everywhere, and scrolls inside its own box. */
export function grid(label: string, columns: readonly string[], rows: readonly (readonly string[])[]): Html {
  const head = columns.map((name, i) => html`<th scope="col" class="${i === 0 ? 'word' : 'number'}">${name}</th>`);
  const body = rows.map(
    ([name, ...cells]) =>
      html`<tr><th scope="row">${name}</th>${cells.map((cell) => html`<td class="number">${cell}</td>`)}</tr>`,
  );
  return html`<div class="scroll" role="region" aria-label="${label}" tabindex="0"><table class="grid">
<thead><tr>${head}</tr></thead>
<tbody>${body}</tbody></table></div>`;
}

/** A part of the page under a heading. @returns nothing where there is no content */
export function section(title: string, content: Child, note?: string): Html | undefined {
  if (isEmpty(content)) return undefined;
  return html`<section><h2>${title}</h2>${note === undefined ? undefined : html`<p class="note">${note}</p>`}${content}</section>`;
}
