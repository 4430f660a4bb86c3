/** `bombyx keys`: API keys of the gateway and their spending caps. Works while the gateway runs, and while it does not. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AmountError, formatTon, type NanoTon, parseTon } from '@bombyx/base';
import { makeFolder } from '@bombyx/config';
import { KEYS_FILE, type KeyRecord, KeyStore, onDay } from '@bombyx/gateway';
import { dataFolderOf, folderOptions } from '../data-folder.ts';
import { table } from '../table.ts';
import { type Arguments, CliError, type Command } from '../usage.ts';

const ACTIONS = { create, list, revoke } as const;
type Action = keyof typeof ACTIONS;

export const keys: Command = {
  name: 'keys',
  summary: 'Make, list and revoke API keys, with caps on what each may spend',
  positional: 'create|list|revoke [NAME]',
  options: {
    name: { type: 'string', value: 'NAME', help: 'name of the key; to revoke, its prefix does, too' },
    'cap-total': { type: 'string', value: 'TON', help: 'most the key may ever spend, up to 9 decimals' },
    'cap-day': { type: 'string', value: 'TON', help: 'most the key may spend on one day, UTC' },
    ...folderOptions('client'),
  },
  examples: ['bombyx keys create --name laptop --cap-day 0.5', 'bombyx keys list', 'bombyx keys revoke laptop'],
  async run(args) {
    const [action, name, ...more] = args.positionals;
    if (action === undefined || !Object.hasOwn(ACTIONS, action) || more.length > 0) {
      throw new CliError('CLI_USAGE', 'say what to do: bombyx keys create|list|revoke [NAME]');
    }
    const path = join(await dataFolderOf('client', args), KEYS_FILE);
    ACTIONS[action as Action](path, args, args.text('name') ?? name);
    return 0;
  },
};

function create(path: string, args: Arguments, name: string | undefined): void {
  if (name === undefined) throw new CliError('CLI_USAGE', 'give the key a name: bombyx keys create --name NAME');
  const caps = { total: capOf(args, 'cap-total'), day: capOf(args, 'cap-day') };
  makeFolder(join(path, '..'));
  using store = new KeyStore(path);
  const { key, record } = store.create(name, caps, Date.now());
  if (args.flag('json')) {
    console.log(JSON.stringify({ event: 'created', ...jsonOf(record), key }));
    return;
  }
  console.log(`${key}\n\nThis is the key "${name}". It is shown this once: only its hash is kept.`);
  console.log('Callers send it as "Authorization: Bearer …", and within a second no request without a key is served.');
}

function list(path: string, args: Arguments): void {
  const records = recordsOf(path);
  if (args.flag('json')) {
    for (const record of records) console.log(JSON.stringify(jsonOf(record)));
    return;
  }
  if (records.length === 0) {
    console.log('There are no keys. Make one with "bombyx keys create --name NAME".');
    return;
  }
  const rows = records.map((record) => {
    const { name, state, key, created, spentToday, spentTotal, held, capDay, capTotal } = jsonOf(record);
    return [name, `${key}…`, state, created.slice(0, 10), spentToday, capDay ?? '-', spentTotal, capTotal ?? '-', held];
  });
  const headings = ['Name', 'Key', 'State', 'Made', 'TON today', 'of', 'TON in all', 'of', 'held'];
  console.log(table(headings, rows, [false, false, false, false, true, true, true, true, true]));
}

function revoke(path: string, args: Arguments, name: string | undefined): void {
  if (name === undefined) throw new CliError('CLI_USAGE', 'say which key: bombyx keys revoke NAME');
  if (!existsSync(path)) throw new CliError('CLI_USAGE', 'there are no keys');
  using store = new KeyStore(path);
  const record = store.revoke(name, Date.now());
  const left = store.list().filter(({ revokedMs }) => revokedMs === undefined).length;
  if (args.flag('json')) {
    console.log(JSON.stringify({ event: 'revoked', keysInUse: left, ...jsonOf(record) }));
    return;
  }
  console.log(`The key "${record.name}" is revoked: requests with it are refused from now on.`);
  if (left === 0) console.log('No key is in use now, so that every request is refused until you make one.');
}

function recordsOf(path: string): KeyRecord[] {
  if (!existsSync(path)) return [];
  using store = new KeyStore(path);
  return store.list();
}

function capOf(args: Arguments, option: string): NanoTon | undefined {
  const text = args.text(option);
  if (text === undefined) return undefined;
  try {
    return parseTon(text);
  } catch (error) {
    if (!(error instanceof AmountError)) throw error;
    throw new CliError('CLI_USAGE', `--${option}: ${error.message}`);
  }
}

/** Amounts in TON, as exact decimal text. */
function jsonOf({ name, prefix, caps, createdMs, revokedMs, books }: KeyRecord) {
  const today = new Date().toISOString().slice(0, 10);
  const cap = (amount: NanoTon | undefined) => (amount === undefined ? null : formatTon(amount));
  return {
    name,
    key: `bxk_${prefix}`,
    state: revokedMs === undefined ? 'in use' : 'revoked',
    created: new Date(createdMs).toISOString(),
    revoked: revokedMs === undefined ? null : new Date(revokedMs).toISOString(),
    spentToday: formatTon(onDay(books, today).spentDay),
    spentTotal: formatTon(books.spentTotal),
    held: formatTon(books.held),
    capDay: cap(caps.day),
    capTotal: cap(caps.total),
  };
}
