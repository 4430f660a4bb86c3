/** The root contract in lines, and what differs between two states of it. */
import { type Endpoint, formatAddress, type RootConfig, type RootData, readContractCode } from '@bombyx/ton';
import { tonText } from './recipient.ts';

/** A line about the root: list entries have a name of their own and no value. */
export type RootLines = ReadonlyMap<string, string>;

export interface Difference {
  readonly name: string;
  /** Undefined: was not there, or is not any more. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** Everything that nodes read from it. */
export function rootLines(root: RootData, testnet: boolean): RootLines {
  const { params } = root;
  const { multipliers } = params;
  const factor = (tenThousandths: number) => `${tenThousandths / 10_000}×`;
  const codes = (['proxy', 'worker', 'client'] as const).map(
    (name) => [`${name} code`, codeText(name, params[`${name}Code`])] as const,
  );
  return new Map([
    ['owner', formatAddress(root.owner, { testnet })],
    ['version', String(root.version)],
    ['version of the terms', String(params.paramsVersion)],
    ['for tests', params.isTest ? 'yes' : 'no'],
    ['unique id', String(params.uniqueId)],
    ['price of a token', `${params.pricePerToken} nanoTON`],
    ["worker's fee of it", `${params.workerFeePerToken} nanoTON`],
    ['prompt tokens', factor(multipliers.prompt)],
    ['cached tokens', factor(multipliers.cached)],
    ['completion tokens', factor(multipliers.completion)],
    ['reasoning tokens', factor(multipliers.reasoning)],
    ['proxies close after', `${params.proxyDelayBeforeCloseSec} s`],
    ['clients close after', `${params.clientDelayBeforeCloseSec} s`],
    ["least proxies' stake", tonText(params.minProxyStake)],
    ["least clients' stake", tonText(params.minClientStake)],
    ...codes,
    ...[...root.proxies].toSorted(([a], [b]) => a - b).map(([seqno, text]) => [`proxy ${seqno}`, text] as const),
    ...root.proxyImages.map((hash) => [`proxy image ${hash.toString('hex')}`, ''] as const),
    ...root.workerImages.map((hash) => [`worker image ${hash.toString('hex')}`, ''] as const),
    ...root.models.map((hash) => [`model ${hash.toString('hex')}`, ''] as const),
  ]);
}

/** As {@link rootLines}, of what nodes read. */
export function configLines(root: RootConfig, testnet: boolean): RootLines {
  const text = ({ host, port }: Endpoint) => `${host}:${port}`;
  const proxies = root.registeredProxies.map(
    ({ seqno, workers, clients }) => [seqno, [...new Set([text(workers), text(clients)])].join(' ')] as const,
  );
  const { ownerAddress: owner, proxyHashes: proxyImages, workerHashes: workerImages, modelHashes: models } = root;
  const data = { ...root, owner, proxyImages, workerImages, models, proxies: new Map(proxies), params: root };
  return rootLines(data, testnet);
}

/** In the order of `after`, what is gone last. */
export function difference(before: RootLines, after: RootLines): Difference[] {
  return [...new Set([...after.keys(), ...before.keys()])]
    .map((name) => ({ name, before: before.get(name), after: after.get(name) }))
    .filter((line) => line.before !== line.after);
}

/** `+` is new, `-` is gone, `~` is another value. */
export function differenceText(lines: readonly Difference[]): string {
  const width = Math.max(...lines.map(({ name }) => name.length));
  return lines
    .map(({ name, before, after }) => {
      const sign = before === undefined ? '+' : after === undefined ? '-' : '~';
      const value = before === undefined || after === undefined ? (after ?? before) : `${before} → ${after}`;
      return `${sign} ${name.padEnd(width)}  ${value}`.trimEnd();
    })
    .join('\n');
}

export function linesText(lines: RootLines): string {
  const width = Math.max(...[...lines.keys()].filter((name) => lines.get(name) !== '').map(({ length }) => length));
  return [...lines].map(([name, value]) => `${name.padEnd(width)}  ${value}`.trimEnd()).join('\n');
}

function codeText(name: 'proxy' | 'worker' | 'client', code: RootData['params']['proxyCode']): string {
  if (!code) return 'not set';
  const ours = readContractCode(name).equals(code) ? ' (the one built here)' : '';
  return `${code.hash().toString('hex').slice(0, 16)}…${ours}`;
}
