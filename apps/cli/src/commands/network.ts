/** `bombyx network`: a root contract of one's own, and what stands in any. */
import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { BombyxError, silentLogger, systemClock } from '@bombyx/base';
import { type Chain, formatAddress, initAddress, type RootData, rootReport } from '@bombyx/ton';
import { type ChainChoice, chainOptions, chooseChain, openChain, pollMsOf } from '../money/chain-options.ts';
import { MoneyError } from '../money/errors.ts';
import { openKey, readKeyFile } from '../money/key-file.ts';
import { keyFilePath, keyOptions, type PassphraseDeps, readPassphrase } from '../money/key-options.ts';
import { networkFile, rootAddressOf, rootOptions, writeNetworkFile } from '../money/network-file.ts';
import { checkBalance, type PurseDeps, purseOf, SEND_FEE, walletPlace } from '../money/purse.ts';
import { tonText } from '../money/recipient.ts';
import { changed } from '../money/root-change.ts';
import { configLines, type Difference, difference, differenceText, linesText, rootLines } from '../money/root-text.ts';
import { CHANGES, readChange, readHash, readModel, readTerms, termOptions } from '../money/root-words.ts';
import {
  changeRoot,
  deployRoot,
  loadRoot,
  type NetworkPlan,
  REQUEST_COINS,
  ROOT_COINS,
  readAnyRoot,
  rootAtBirth,
  rootInit,
  USUAL_MULTIPLIERS,
  USUAL_TERMS,
} from '../money/root-work.ts';
import { confirm, processTerminal, stoppable } from '../money/terminal.ts';
import { type Arguments, CliError, type Command } from '../usage.ts';

const DEFAULT_FILE = 'network.json';

export const network: Command = {
  name: 'network',
  summary: 'Create a network, look at one, change who takes part and at which price',
  positional: 'create|show|ACTION [WORDS]',
  options: {
    ...keyOptions,
    yes: { type: 'boolean', short: 'y', help: 'do not ask before signing' },
    out: { type: 'string', value: 'FILE', help: `create: the file others join with (default ${DEFAULT_FILE})` },
    ...rootOptions,
    ...chainOptions,
    ...termOptions,
    proxies: { type: 'string', value: 'LIST', help: 'create: "ip:port ip:port", more behind commas' },
    'proxy-images': { type: 'string', value: 'LIST', help: 'create: hashes of images that may be proxies' },
    'worker-images': { type: 'string', value: 'LIST', help: 'create: hashes of images that may be workers' },
    models: { type: 'string', value: 'LIST', help: 'create: names or hashes of models' },
    multipliers: { type: 'string', value: 'P,C,O,R', help: 'create: prompt, cached, output, reasoning, in 1/10000' },
    'unique-id': { type: 'string', value: 'N', help: 'create: tells networks of one owner apart (default random)' },
    production: { type: 'boolean', help: 'create: a network that is not for tests' },
  },
  examples: [
    'bombyx network create --proxies "203.0.113.5:8116 203.0.113.5:8117"',
    'bombyx network show --ton network.json',
    ...Object.entries(CHANGES).map(([action, { usage }]) => `bombyx network ${action} ${usage}`.trimEnd()),
  ],
  async run(args, signal) {
    const [action, ...words] = args.positionals;
    const deps = { terminal: processTerminal, environment: process.env };
    const work = workOf(action, words);
    if (work === undefined) {
      throw new CliError('CLI_USAGE', `say what to do: bombyx network create|show|${Object.keys(CHANGES).join('|')}`);
    }
    await stoppable(work(args, deps, signal), signal);
    return 0;
  },
};

type Work = (args: Arguments, deps: PassphraseDeps, signal: AbortSignal) => Promise<void>;

function workOf(action: string | undefined, words: readonly string[]): Work | undefined {
  if (action === undefined) return undefined;
  if (action === 'create' && words.length === 0) return create;
  if (action === 'show' && words.length === 0) return show;
  return Object.hasOwn(CHANGES, action) ? (...given) => change(action, words, ...given) : undefined;
}

async function create(args: Arguments, deps: PassphraseDeps, signal: AbortSignal): Promise<void> {
  const out = resolve(args.text('out') ?? DEFAULT_FILE);
  if (existsSync(out)) {
    throw new CliError('CLI_CONFIG', `the network file ${out} is there already: name another one with --out FILE`);
  }
  if (!existsSync(dirname(out))) {
    throw new CliError(
      'CLI_CONFIG',
      `there is no folder ${dirname(out)} for the network file: name another one with --out FILE`,
    );
  }
  const plan = planOf(args);
  const choice = await chooseChain(args, signal);
  const key = readKeyFile(keyFilePath(args));
  const owner = walletPlace(key).address;
  const root = rootAtBirth(plan, owner);
  const text = formatAddress(initAddress(rootInit(root)), choice);
  await using chain = openChain(choice.api);
  checkBalance((await chain.account(owner, signal)).balance, ROOT_COINS, formatAddress(owner, choice));
  if (!args.flag('yes')) {
    const lines = linesText(rootLines(root, choice.testnet));
    const cost = `${tonText(ROOT_COINS)} for the contract, at most ${tonText(SEND_FEE)} as fee`;
    const question = `A root contract on ${choice.api.network.name} at ${text}:\n\n${lines}\n\nCosts ${cost}.\nDeploy it?`;
    await agree(question, deps, signal);
  }
  const purse = purseOf(await openKey(key, await readPassphrase(args, deps, signal)), key.owner);
  const address = await deployRoot(root, purse, depsOf(chain, choice), signal).catch((error: unknown) => {
    throw resumable(error, plan);
  });
  writeNetworkFile(out, networkFile(address, plan.isTest, choice));
  if (args.flag('json')) console.log(JSON.stringify({ event: 'created', root: text, file: out }));
  else {
    console.log(`The network stands: root contract ${text}\nOthers join with ${out}: its members belong into the`);
    console.log('configurations of proxy, worker and client.');
  }
}

/** What was paid for may stand all the same, or come to: the same birth leads to the same contract. */
function resumable(error: unknown, { uniqueId }: NetworkPlan): unknown {
  if (!(error instanceof BombyxError)) return error;
  const message = `${error.message}; the same command with --unique-id ${uniqueId} goes on with the same contract`;
  return new MoneyError('MONEY_NOT_DONE', message, error.detail, { cause: error });
}

/** What nodes read, also of roots that are not ours to change. */
async function show(args: Arguments, _deps: PassphraseDeps, signal: AbortSignal): Promise<void> {
  const choice = await chooseChain(args, signal);
  const address = rootAddressOf(args, choice);
  await using chain = openChain(choice.api);
  const root = await readAnyRoot(address, { chain }, signal);
  const text = formatAddress(address, choice);
  if (args.flag('json')) console.log(JSON.stringify({ root: text, ...rootReport(root, choice.testnet) }));
  else
    console.log(
      `Root contract ${text} on ${choice.api.network.name}\n\n${linesText(configLines(root, choice.testnet))}`,
    );
}

async function change(
  action: string,
  words: readonly string[],
  args: Arguments,
  deps: PassphraseDeps,
  signal: AbortSignal,
): Promise<void> {
  const choice = await chooseChain(args, signal);
  const change = readChange(action, words, args, choice.testnet);
  const address = rootAddressOf(args, choice);
  const key = readKeyFile(keyFilePath(args));
  const owner = walletPlace(key).address;
  await using chain = openChain(choice.api);
  const before = await loadRoot(address, { chain }, signal);
  mustOwn(before, owner, choice);
  const lines = (after: RootData) => difference(rootLines(before, choice.testnet), rootLines(after, choice.testnet));
  const planned = lines(changed(before, change));
  checkBalance((await chain.account(owner, signal)).balance, REQUEST_COINS, formatAddress(owner, choice));
  if (!args.flag('yes')) {
    const question = `${differenceText(planned)}\n${consequence(planned)}\nSign this change of ${formatAddress(address, choice)}?`;
    await agree(question, deps, signal);
  }
  const purse = purseOf(await openKey(key, await readPassphrase(args, deps, signal)), key.owner);
  const target = { address, before, change };
  const done = lines(await changeRoot(target, purse, depsOf(chain, choice), signal));
  if (args.flag('json'))
    console.log(JSON.stringify({ event: 'changed', root: formatAddress(address, choice), lines: done }));
  else console.log(`Done:\n${differenceText(done)}`);
}

/** What a person should know before agreeing to these lines. */
function consequence(lines: readonly Difference[]): string {
  const touches = (name: string) => lines.some((line) => line.name === name);
  const told: string[] = [];
  if (touches('version of the terms')) {
    told.push(
      '! Every proxy, client and worker contract moves to a new address; the old ones keep the old terms until closed.',
    );
  }
  if (touches('owner'))
    told.push('! Final and at once: the new owner is not asked, and this wallet can change nothing any more.');
  return told.map((line) => `${line}\n`).join('');
}

function mustOwn(root: RootData, wallet: RootData['owner'], choice: ChainChoice): void {
  if (root.owner.equals(wallet)) return;
  const [its, ours] = [root.owner, wallet].map((address) => formatAddress(address, choice));
  throw new MoneyError(
    'MONEY_ROOT',
    `this network belongs to ${its}, and the wallet is ${ours}: only the owner changes it`,
  );
}

function planOf(args: Arguments): NetworkPlan {
  const list = <T>(name: string, read: (text: string) => T): readonly T[] =>
    args
      .text(name)
      ?.split(',')
      .map((text) => read(text.trim())) ?? [];
  return {
    terms: { ...USUAL_TERMS, ...readTerms(args) },
    multipliers: multipliersOf(args.text('multipliers')),
    isTest: !args.flag('production'),
    uniqueId: args.integer('unique-id', 0, 0xffff_ffff) ?? randomInt(2 ** 32),
    proxies: list('proxies', String),
    proxyImages: list('proxy-images', readHash),
    workerImages: list('worker-images', readHash),
    models: list('models', readModel),
  };
}

function multipliersOf(text: string | undefined): NetworkPlan['multipliers'] {
  if (text === undefined) return USUAL_MULTIPLIERS;
  const numbers = text.split(',').map((part) => (/^\d{1,10}$/.test(part) ? Number(part) : Number.NaN));
  const [prompt, cached, completion, reasoning] = numbers;
  const isRight = numbers.length === 4 && numbers.every((number) => number <= 0xffff_ffff);
  if (isRight && prompt !== undefined && cached !== undefined && completion !== undefined && reasoning !== undefined) {
    return { prompt, cached, completion, reasoning };
  }
  throw new CliError('CLI_USAGE', '--multipliers takes four numbers, such as 10000,1000,40000,40000');
}

function depsOf(chain: Chain, { api }: ChainChoice): PurseDeps {
  return { chain, clock: systemClock, log: silentLogger, pollMs: pollMsOf(api) };
}

/** @throws {MoneyError} `MONEY_DECLINED` */
async function agree(question: string, { terminal }: PassphraseDeps, signal: AbortSignal): Promise<void> {
  if (!(await confirm(question, terminal, signal))) throw new MoneyError('MONEY_DECLINED', 'nothing was signed');
}
