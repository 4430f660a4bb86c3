/** A whole page: what every part's page has around its own sections. */
import { createHash } from 'node:crypto';
import manifest from '../package.json' with { type: 'json' };
import { badge, type Mood } from './blocks.ts';
import { type Child, Html, html } from './html.ts';
import { STYLE } from './style.ts';
import { type Tier, tierName } from './tier.ts';

export type Part = 'client' | 'proxy' | 'worker';

export interface PageOptions {
  readonly part: Part;
  readonly state: { readonly mood: Mood; readonly text: string };
  /** How far confidentiality goes here; absent while nobody is connected who could tell. */
  readonly tier?: Tier | undefined;
  readonly sections: Child;
}

/** The page reads itself anew, without scripts. */
const REFRESH_SEC = 10;

/** @returns a complete HTML document; serve it with {@link pageHeaders} */
export function page({ part, state, tier, sections }: PageOptions): string {
  const document = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><meta http-equiv="refresh" content="${REFRESH_SEC}">
<title>${part}: ${state.text} – Bombyx</title><style>${new Html(STYLE)}</style></head>
<body class="${part}"><header><h1>Bombyx <b>${part}</b> <small>${manifest.version}</small></h1>
${badge(state.mood, state.text)}${tier === undefined ? undefined : badge(TIER_MOOD[tier], `tier: ${tierName(tier)}`)}</header>
<main>${sections}</main></body></html>
`;
  return document.toString();
}

const TIER_MOOD: Readonly<Record<Tier, Mood>> = {
  tdx: 'good',
  'sev-snp': 'good',
  simulated: 'fair',
  open: 'fair',
};

/**
 * HTTP headers of a page, names in lower case. Nothing may load or run, not even if markup got in: the one style is
 * allowed by its hash. The address may hold the access hash, so it is not passed on as referrer.
 */
export const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy':
    `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; ` +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
} as const;
