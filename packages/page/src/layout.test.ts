import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { it } from 'node:test';
import manifest from '../package.json' with { type: 'json' };
import { page, pageHeaders } from './layout.ts';

const shown = page({
  part: 'worker',
  state: { mood: 'bad', text: 'down (<script>)' },
  tier: 'simulated',
  sections: '<script>alert(1)</script>',
});

it('says which part it is, in which state, tier and version', () => {
  assert.ok(shown.includes(`<h1>Bombyx <b>worker</b> <small>${manifest.version}</small></h1>`));
  assert.match(shown, /<span class="badge bad">down \(&#60;script&#62;\)<\/span>/);
  assert.match(shown, /<span class="badge fair">tier: SIMULATED<\/span>/);
  const untold = page({ part: 'proxy', state: { mood: 'good', text: 'ready' }, sections: undefined });
  assert.doesNotMatch(untold, /tier/);
});

it('fits a phone, names its encoding, and knows light and dark', () => {
  assert.match(shown, /^<!doctype html>\n<html lang="en"><head><meta charset="utf-8">/);
  assert.match(shown, /<meta name="viewport" content="width=device-width, initial-scale=1">/);
  assert.match(shown, /color-scheme:light dark/);
  assert.match(shown, /@media \(prefers-color-scheme:dark\)/);
});

it('loads nothing, runs nothing, and its policy allows its one style and nothing else', () => {
  assert.doesNotMatch(shown, /<script|<link|<img|<iframe|\bsrc=|\bstyle=|\bon\w+=|url\(|@import|https?:/);
  const styles = [...shown.matchAll(/<style>(.*?)<\/style>/gs)].map(([, text]) => text!);
  assert.equal(styles.length, 1);
  const policy = pageHeaders['content-security-policy'];
  const hash = createHash('sha256').update(styles[0]!).digest('base64');
  assert.ok(policy.startsWith(`default-src 'none'; style-src 'sha256-${hash}';`), policy);
  assert.doesNotMatch(policy, /unsafe/);
});
