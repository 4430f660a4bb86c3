/** Changes of the root contract as people type them: `add-proxy 1.2.3.4:8888`, `set-price 3 2`. */
import { createHash } from 'node:crypto';
import type { RootList } from '@bombyx/ton';
import { type Arguments, CliError, type OptionSpec } from '../usage.ts';
import { readNano, readRecipient, readTon } from './recipient.ts';
import type { RootChange, Terms } from './root-change.ts';
import { builtCodes } from './root-work.ts';

/** Options that name a term. */
export const termOptions = {
  price: { type: 'string', value: 'N', help: 'what clients pay for a token, nanoTON (new network: 2)' },
  'worker-fee': { type: 'string', value: 'N', help: 'what of it workers get, nanoTON (1)' },
  'proxy-delay': { type: 'string', value: 'SEC', help: 'until a proxy that closes is closed for good (86400)' },
  'client-delay': { type: 'string', value: 'SEC', help: 'until a client takes a refund nobody gave (3600)' },
  'min-proxy-stake': { type: 'string', value: 'TON', help: 'least stake of a proxy (1)' },
  'min-client-stake': { type: 'string', value: 'TON', help: 'least stake of a client (1)' },
} as const satisfies Readonly<Record<string, OptionSpec>>;

const MAX_UINT32 = 0xffff_ffff;

interface Form {
  /** After the name of the action. */
  readonly usage: string;
  readonly count: number;
  read(words: readonly string[], context: { readonly args: Arguments; readonly testnet: boolean }): RootChange;
}

const hashForm = (kind: 'add' | 'delete', list: RootList): Form => ({
  usage: list === 'model' ? 'NAME|HASH' : 'HASH',
  count: 1,
  read: ([text = '']) => ({ kind, list, hash: list === 'model' ? readModel(text) : readHash(text) }),
});

/** By the name of the action. */
export const CHANGES: Readonly<Record<string, Form>> = {
  'add-proxy': {
    usage: '"IP:PORT IP:PORT"',
    count: 1,
    read: ([text = '']) => ({ kind: 'register-proxy', text }),
  },
  'update-proxy': {
    usage: 'NUMBER "IP:PORT IP:PORT"',
    count: 2,
    read: ([number = '', text = '']) => ({ kind: 'update-proxy', seqno: readSeqno(number), text }),
  },
  'remove-proxy': {
    usage: 'NUMBER',
    count: 1,
    read: ([number = '']) => ({ kind: 'delete-proxy', seqno: readSeqno(number) }),
  },
  'add-proxy-image': hashForm('add', 'proxyImage'),
  'remove-proxy-image': hashForm('delete', 'proxyImage'),
  'add-worker-image': hashForm('add', 'workerImage'),
  'remove-worker-image': hashForm('delete', 'workerImage'),
  'add-model': hashForm('add', 'model'),
  'remove-model': hashForm('delete', 'model'),
  'set-price': {
    usage: 'PRICE WORKER_FEE',
    count: 2,
    read: ([price = '', fee = '']) => ({
      kind: 'terms',
      terms: { pricePerToken: readNano(price, 'the price'), workerFeePerToken: readNano(fee, "the worker's fee") },
    }),
  },
  'set-terms': {
    usage: '--price N --proxy-delay SEC …',
    count: 0,
    read(_words, { args }) {
      const terms = readTerms(args);
      if (Object.keys(terms).length > 0) return { kind: 'terms', terms };
      const names = Object.keys(termOptions).map((name) => `--${name}`);
      throw new CliError('CLI_USAGE', `say which terms: ${names.join(', ')}`);
    },
  },
  'update-codes': { usage: '', count: 0, read: () => ({ kind: 'codes', ...builtCodes() }) },
  'set-owner': {
    usage: 'ADDRESS',
    count: 1,
    read: ([text = ''], { testnet }) => ({ kind: 'owner', owner: readRecipient(text, testnet).address }),
  },
};

/** @throws {CliError} `CLI_USAGE`, {MoneyError} `MONEY_ADDRESS` */
export function readChange(action: string, words: readonly string[], args: Arguments, testnet: boolean): RootChange {
  const form = CHANGES[action];
  if (form === undefined || words.length !== form.count) {
    throw new CliError('CLI_USAGE', `say: bombyx network ${action} ${form?.usage ?? ''}`.trimEnd());
  }
  return form.read(words, { args, testnet });
}

/** Those that were given. @throws {CliError} `CLI_USAGE` */
export function readTerms(args: Arguments): Partial<Terms> {
  const given = <T>(name: keyof typeof termOptions, read: (text: string, what: string) => T): T | undefined => {
    const text = args.text(name);
    return text === undefined ? undefined : read(text, `--${name}`);
  };
  const terms = {
    pricePerToken: given('price', readNano),
    workerFeePerToken: given('worker-fee', readNano),
    proxyDelayBeforeCloseSec: args.integer('proxy-delay', 0, MAX_UINT32),
    clientDelayBeforeCloseSec: args.integer('client-delay', 0, MAX_UINT32),
    minProxyStake: given('min-proxy-stake', readTon),
    minClientStake: given('min-client-stake', readTon),
  };
  return Object.fromEntries(Object.entries(terms).filter(([, value]) => value !== undefined));
}

/** 32 bytes as 64 hexadecimal digits or in base64. @throws {CliError} `CLI_USAGE` */
export function readHash(text: string): Buffer {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return Buffer.from(text, 'base64');
  throw new CliError('CLI_USAGE', `"${text.slice(0, 80)}" is no hash of 32 bytes, in hexadecimal digits or base64`);
}

/** A model is registered by the SHA-256 of its full text, `name@commit:hash`. */
export function readModel(text: string): Buffer {
  if (text === '') throw new CliError('CLI_USAGE', 'the name of the model is empty');
  return /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, 'hex') : createHash('sha256').update(text).digest();
}

function readSeqno(text: string): number {
  const seqno = Number(text);
  if (/^\d{1,10}$/.test(text) && seqno <= MAX_UINT32) return seqno;
  throw new CliError('CLI_USAGE', `"${text.slice(0, 40)}" is no number of a proxy: "bombyx network show" lists them`);
}
