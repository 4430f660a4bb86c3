/** The look of the pages that a part shows about itself, and who may see them. */
export { AccessHash, queryValue, type Refusal, refusesOrder, type Sender } from './access.ts';
export { badge, type Column, type Fact, facts, grid, type Mood, records, section, tiles } from './blocks.ts';
export { age, brief, bytes, code, coins, count, decimal, duration, price, short } from './format.ts';
export { type Child, type Html, html } from './html.ts';
export { type PageOptions, type Part, page, pageHeaders } from './layout.ts';
export { type Counters, failures, networkRules, registeredProxies, synced, traffic } from './reports.ts';
export { type Tier, tierName, weakestTier } from './tier.ts';
