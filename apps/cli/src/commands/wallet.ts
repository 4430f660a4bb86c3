/** `bombyx wallet`: a key of one's own and the coins under it. */
import { existsSync, readFileSync } from 'node:fs';
import { formatTon, silentLogger, systemClock } from '@bombyx/base';
import { bytes32 } from '@bombyx/config';
import {
  type Address,
  type ChainAccount,
  formatAddress,
  MIN_WALLET_BALANCE,
  privateKeyFromSeed,
  publicKeyBytes,
} from '@bombyx/ton';
import { beginCell } from '@ton/core';
import { z } from 'zod';
import { readConfig } from '../config-file.ts';
import { type ChainChoice, chainOptions, chooseChain, openChain, pollMsOf } from '../money/chain-options.ts';
import { MoneyError } from '../money/errors.ts';
import { openKey, readKeyFile, sealKey, writeKeyFile } from '../money/key-file.ts';
import {
  choosePassphrase,
  keyFilePath,
  keyOptions,
  type PassphraseDeps,
  readPassphrase,
} from '../money/key-options.ts';
import { drawMnemonic, readMnemonic } from '../money/mnemonic.ts';
import {
  checkBalance,
  collectOrder,
  NOBODY,
  ORDER_COINS,
  pay,
  purseOf,
  SEND_FEE,
  type Transfer,
  type WalletPlace,
  walletPlace,
} from '../money/purse.ts';
import { type Recipient, readAmount, readRecipient, tonText } from '../money/recipient.ts';
import { ask, confirm, processTerminal, stoppable } from '../money/terminal.ts';
import { type Arguments, CliError, type Command } from '../usage.ts';

/** What a person says goes with the coins, as text of one cell. */
const MAX_COMMENT_BYTES = 120;

type Action = (args: Arguments, words: readonly string[], deps: PassphraseDeps, signal: AbortSignal) => Promise<void>;
const ACTIONS = { create, address, balance, send, withdraw, collect } satisfies Record<string, Action>;

export const wallet: Command = {
  name: 'wallet',
  summary: 'Make a wallet, look at its coins, send them',
  positional: 'create|address|balance|send|withdraw|collect [ADDRESS] [AMOUNT]',
  options: {
    ...keyOptions,
    restore: { type: 'boolean', help: 'create: from the 24 words of a key that exists, asked for' },
    'words-file': { type: 'string', value: 'FILE', help: 'create: the same, with the words in a file' },
    owner: { type: 'string', value: 'ADDRESS', help: 'create: an account that may block this wallet and empty it' },
    comment: { type: 'string', value: 'TEXT', help: 'send, withdraw: a text that goes with the coins' },
    yes: { type: 'boolean', short: 'y', help: 'send, withdraw: do not ask' },
    ...chainOptions,
  },
  examples: [
    'bombyx wallet create',
    'bombyx wallet balance --network testnet',
    'bombyx wallet send UQ… 1.5',
    'bombyx wallet withdraw UQ… --yes',
    'bombyx wallet collect UQ…            (everything in the wallet of a node that this one owns)',
    'bombyx wallet create --restore --wallet other.json',
  ],
  async run(args, signal) {
    const [name, ...words] = args.positionals;
    if (name === undefined || !Object.hasOwn(ACTIONS, name)) {
      throw new CliError('CLI_USAGE', 'say what to do: bombyx wallet create|address|balance|send|withdraw|collect');
    }
    const deps = { terminal: processTerminal, environment: process.env };
    await stoppable(ACTIONS[name as keyof typeof ACTIONS](args, words, deps, signal), signal);
    return 0;
  },
};

async function create(args: Arguments, words: readonly string[], deps: PassphraseDeps, signal: AbortSignal) {
  expect(words, 0, 'wallet create');
  const path = keyFilePath(args);
  if (existsSync(path)) {
    throw new MoneyError('MONEY_KEY_FILE', `${path} holds a key already: name another file with --wallet FILE`);
  }
  const choice = await chooseChain(args, signal);
  const ownerText = args.text('owner');
  const owner = ownerText === undefined ? NOBODY : readRecipient(ownerText, choice.testnet).address;
  const told = await wordsGiven(args, deps, signal);
  const passphrase = await choosePassphrase(args, deps, signal);
  const { seed, words: drawn } = told === undefined ? await drawMnemonic() : { seed: await readMnemonic(told) };
  const file = await sealKey(seed, owner, passphrase);
  writeKeyFile(path, file);
  const at = formatAddress(walletPlace(file).address, choice);
  if (args.flag('json')) {
    const mnemonic = drawn === undefined ? {} : { mnemonic: drawn.join(' ') };
    console.log(JSON.stringify({ event: 'created', address: at, file: path, ...mnemonic }));
    return;
  }
  if (drawn !== undefined) console.log(mnemonicText(drawn));
  console.log(`Address   ${at}\nKey file  ${path}`);
  console.log(
    `\nThe wallet stands once it has ${tonText(MIN_WALLET_BALANCE)} and sends something. It is our contract, so that`,
  );
  console.log('other wallet programs show another address for the same words.');
}

async function address(args: Arguments, words: readonly string[], _deps: PassphraseDeps, signal: AbortSignal) {
  expect(words, 0, 'wallet address');
  const place = walletPlace(readKeyFile(keyFilePath(args)));
  const text = formatAddress(place.address, await chooseChain(args, signal));
  console.log(args.flag('json') ? JSON.stringify({ address: text, raw: place.address.toRawString() }) : text);
}

async function balance(args: Arguments, words: readonly string[], _deps: PassphraseDeps, signal: AbortSignal) {
  if (words.length > 1) expect(words, 1, 'wallet balance [ADDRESS]');
  const choice = await chooseChain(args, signal);
  const [text] = words;
  const of =
    text === undefined
      ? walletPlace(readKeyFile(keyFilePath(args))).address
      : readRecipient(text, choice.testnet).address;
  await using chain = openChain(choice.api);
  const { balance, status } = await chain.account(of, signal);
  const at = formatAddress(of, choice);
  if (args.flag('json')) {
    console.log(JSON.stringify({ address: at, balance: formatTon(balance), status, network: choice.api.network.name }));
  } else
    console.log(
      `${tonText(balance)}  ${at}  (${choice.api.network.name}${status === 'absent' ? ', no contract yet' : ''})`,
    );
}

async function send(args: Arguments, words: readonly string[], deps: PassphraseDeps, signal: AbortSignal) {
  const [to = '', amount = ''] = expect(words, 2, 'wallet send ADDRESS AMOUNT');
  await transfer(args, to, readAmount(amount), deps, signal);
}

async function withdraw(args: Arguments, words: readonly string[], deps: PassphraseDeps, signal: AbortSignal) {
  const [to = ''] = expect(words, 1, 'wallet withdraw ADDRESS');
  await transfer(args, to, 'everything', deps, signal);
}

async function collect(args: Arguments, words: readonly string[], deps: PassphraseDeps, signal: AbortSignal) {
  const [of = ''] = expect(words, 1, 'wallet collect ADDRESS');
  await transfer(args, of, ORDER_COINS, deps, signal, collectOrder);
}

/** @param order what the receiver is told to do, instead of a comment */
async function transfer(
  args: Arguments,
  toText: string,
  amount: Transfer['amount'],
  deps: PassphraseDeps,
  signal: AbortSignal,
  order?: typeof collectOrder,
): Promise<void> {
  const choice = await chooseChain(args, signal);
  const to = readRecipient(toText, choice.testnet);
  const comment = commentOf(args);
  const file = readKeyFile(keyFilePath(args));
  const { address: from } = walletPlace(file);
  await using chain = openChain(choice.api);
  const [ours, theirs] = await Promise.all([chain.account(from, signal), chain.account(to.address, signal)]);
  checkBalance(ours.balance, amount, formatAddress(from, choice));
  const body = order === undefined ? comment : order(from, theirs, nodeOf(args, from));
  const told = order === undefined ? args.text('comment') : 'the order to send everything it has back to this wallet';
  const plan = { from, to, amount, ours, theirs, told };
  if (!args.flag('yes')) await agree(`${planText(plan, choice)}\n\nSend it?`, deps, signal);
  const purse = purseOf(await openKey(file, await readPassphrase(args, deps, signal)), file.owner);
  const { log, pollMs } = { log: silentLogger, pollMs: pollMsOf(choice.api) };
  const bounce = to.bounceable && theirs.status === 'active';
  const carried = await pay(
    purse,
    { to: to.address, amount, bounce, ...body },
    { chain, clock: systemClock, log, pollMs },
    signal,
  );
  const left = (await chain.account(from, signal)).balance;
  const [sent, has, at] = [formatTon(carried), formatTon(left), formatAddress(to.address, choice)];
  if (args.flag('json')) console.log(JSON.stringify({ event: 'sent', amount: sent, to: at, left: has }));
  else console.log(`Sent ${sent} TON to ${at}. The wallet has ${has} TON.`);
}

/** The wallet of the node whose configuration leads to the chain, as its owner's. */
function nodeOf(args: Arguments, owner: Address): WalletPlace | undefined {
  const file = args.text('ton');
  if (file === undefined) return undefined;
  const NodeFile = z.object({ node_wallet_key: bytes32 });
  const node = readConfig(file, 'configuration', (json) => NodeFile.safeParse(json).data);
  return node && walletPlace({ publicKey: publicKeyBytes(privateKeyFromSeed(node.node_wallet_key)), owner });
}

interface Plan {
  readonly from: Address;
  readonly to: Recipient;
  readonly amount: Transfer['amount'];
  readonly ours: ChainAccount;
  readonly theirs: ChainAccount;
  /** The comment, or what it means. */
  readonly told: string | undefined;
}

function planText({ from, to, amount, ours, theirs, told }: Plan, choice: ChainChoice): string {
  const left = amount === 'everything' ? 0n : ours.balance - amount - SEND_FEE;
  const waits = theirs.status === 'absent' ? ', no contract yet: the coins wait there' : '';
  const lines = [
    `Network  ${choice.api.network.name}`,
    `From     ${formatAddress(from, choice)}  (${tonText(ours.balance)})`,
    `To       ${formatAddress(to.address, choice)}  (${tonText(theirs.balance)}${waits})`,
    `Amount   ${amount === 'everything' ? `everything, ${tonText(ours.balance)} less the fee` : tonText(amount)}`,
    ...(told === undefined ? [] : [`With it  ${told}`]),
    `Fee      at most ${tonText(SEND_FEE)}`,
  ];
  if (amount !== 'everything') lines.push(`Left     ${tonText(left)} or a little more`);
  if (to.address.equals(from)) lines.push('! This is the wallet itself: it would pay the fee and nothing else.');
  if (left > 0n && left < MIN_WALLET_BALANCE) {
    lines.push(
      `! With less than ${tonText(MIN_WALLET_BALANCE)} the wallet pays nothing out, until coins are added.`,
      '  "bombyx wallet withdraw ADDRESS" sends everything instead.',
    );
  }
  return lines.join('\n');
}

/** @throws {MoneyError} `MONEY_DECLINED` */
async function agree(question: string, { terminal }: PassphraseDeps, signal: AbortSignal): Promise<void> {
  if (!(await confirm(question, terminal, signal))) throw new MoneyError('MONEY_DECLINED', 'nothing was sent');
}

/** The body of a text message: op 0, then the text. */
function commentOf(args: Arguments): Pick<Transfer, 'body'> {
  const text = args.text('comment');
  if (text === undefined) return {};
  if (Buffer.byteLength(text) > MAX_COMMENT_BYTES) {
    throw new CliError('CLI_USAGE', `--comment takes up to ${MAX_COMMENT_BYTES} bytes`);
  }
  return { body: beginCell().storeUint(0, 32).storeStringTail(text).endCell() };
}

async function wordsGiven(
  args: Arguments,
  { terminal }: PassphraseDeps,
  signal: AbortSignal,
): Promise<string | undefined> {
  const file = args.text('words-file');
  if (file !== undefined) {
    try {
      return readFileSync(file, 'utf8');
    } catch (cause) {
      throw new CliError('CLI_CONFIG', `the file of words ${file} cannot be read`, {}, { cause });
    }
  }
  if (!args.flag('restore')) return undefined;
  if (terminal.input.isTTY !== true) {
    throw new CliError('CLI_USAGE', '--restore asks for the words: run it in a terminal, or give --words-file FILE');
  }
  return await ask('The 24 words, in order: ', terminal, signal);
}

function mnemonicText(words: readonly string[]): string {
  const rows = Array.from({ length: 6 }, (_, row) =>
    [0, 1, 2, 3]
      .map((column) => {
        const index = row + column * 6;
        return `${String(index + 1).padStart(2)}. ${(words[index] ?? '').padEnd(12)}`;
      })
      .join('')
      .trimEnd(),
  );
  return `Write these 24 words down. They are shown this once, and they alone bring the wallet back:\n\n${rows.join('\n')}\n`;
}

/** @throws {CliError} `CLI_USAGE` unless there are as many words as the usage says */
function expect(words: readonly string[], count: number, usage: string): readonly string[] {
  if (words.length === count) return words;
  throw new CliError('CLI_USAGE', `say "bombyx ${usage}"`);
}
