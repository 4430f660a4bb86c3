import { count, html, page, records, section, short } from '@bombyx/page';

const workers = [{ owner: 'UQAuz15H1ZHrZ_psVrAra7HealMIVeFq0wguqlmFno1f3B-m', running: 1_234, note: '<script>' }];
const table = records(
  workers,
  [
    ['owner', ({ owner }) => short(owner)], // UQAuz1…3B-m, all of it under the pointer
    ['running', ({ running }) => count(running), 'number'], // 1,234
    ['note', ({ note }) => html`<b>${note}</b>`], // <b>&#60;script&#62;</b>
  ],
  'No worker is connected.',
);
/** Goes out with the headers `pageHeaders`. */
export const shown = page({
  part: 'proxy',
  state: { mood: 'good', text: 'ready' },
  tier: 'simulated',
  sections: section('Workers', table),
});
