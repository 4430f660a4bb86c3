/** Questions at a terminal: what shows, what does not, and how a person gets out. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { it } from 'node:test';
import { type Arguments, CliError } from '../usage.ts';
import { choosePassphrase, readPassphrase } from './key-options.ts';
import { ask, askHidden, confirm } from './terminal.ts';

/** A keyboard and a screen. */
function person(isTTY = true) {
  let raw = false;
  const setRawMode = (on: boolean) => {
    raw = on;
    return input;
  };
  const input = Object.assign(new PassThrough(), { isTTY, setRawMode });
  const output = new PassThrough();
  let shown = '';
  let rawWhenAsked = false;
  output.on('data', (chunk: Buffer) => {
    shown += chunk;
    if (String(chunk) === 'Passphrase: ') rawWhenAsked = raw;
  });
  return {
    terminal: { input, output },
    shown: () => shown,
    rawWhenAsked: () => rawWhenAsked,
    types: (...keys: string[]) => typed(input, keys),
  };
}

/** Line by line, each when the last one was read. */
function typed(input: PassThrough, keys: readonly string[]): void {
  for (const [index, key] of keys.entries()) setTimeout(() => input.write(key), 20 * (index + 1));
}

const never = new AbortController().signal;
const argsOf = (texts: Readonly<Record<string, string>>): Arguments => ({
  positionals: [],
  text: (name) => texts[name],
  texts: (name) => (texts[name] === undefined ? [] : [texts[name]]),
  flag: () => false,
  integer: () => undefined,
});
const coded = (code: string, sentence: RegExp) => (error: unknown) => {
  assert.ok(error instanceof CliError && error.code === code, String(error));
  assert.match(error.message, sentence);
  return true;
};

it('shows the question and never what is typed into a hidden one', async () => {
  const { terminal, shown, rawWhenAsked, types } = person();
  types('correct horse\r');
  assert.equal(await askHidden('Passphrase: ', terminal, never), 'correct horse');
  assert.equal(shown(), 'Passphrase: \n');
  assert.equal(rawWhenAsked(), true, 'who types at once would see it');
});

it('takes a correction, and a character of several bytes that comes in two parts', async () => {
  const { terminal, types } = person();
  const [first, second] = [Buffer.from('é').subarray(0, 1), Buffer.from('é').subarray(1)];
  setTimeout(() => terminal.input.write(first), 5);
  setTimeout(() => terminal.input.write(second), 10);
  types('x\x7f1\r');
  assert.equal(await askHidden('', terminal, never), 'é1');
});

for (const [how, keys] of [
  ['Ctrl-C', '\x03'],
  ['Ctrl-D', '\x04'],
] as const) {
  it(`ends with ${how}`, async () => {
    const { terminal, types } = person();
    types(keys);
    await assert.rejects(askHidden('Passphrase: ', terminal, never), coded('CLI_STOPPED', /stopped/));
  });
}

it('ends when it is told to stop, and when the input ends', async () => {
  const stop = new AbortController();
  const first = person();
  setTimeout(() => stop.abort(), 20);
  await assert.rejects(ask('Words: ', first.terminal, stop.signal), coded('CLI_STOPPED', /stopped/));
  const second = person();
  setTimeout(() => second.terminal.input.end(), 20);
  await assert.rejects(ask('Words: ', second.terminal, never), coded('CLI_STOPPED', /stopped/));
});

for (const [typed, agreed] of [
  ['y', true],
  ['YES', true],
  ['', false],
  ['n', false],
  ['yess', false],
  ['ja', false],
] as const) {
  it(`takes "${typed}" for ${agreed ? 'yes' : 'no'}`, async () => {
    const { terminal, types } = person();
    types(`${typed}\r`);
    assert.equal(await confirm('Send it?', terminal, never), agreed);
  });
}

it('does not take the silence of a script for an answer', async () => {
  const { terminal } = person(false);
  await assert.rejects(confirm('Send it?', terminal, never), coded('CLI_USAGE', /--yes/));
  const deps = { terminal, environment: {} };
  await assert.rejects(
    readPassphrase(argsOf({}), deps, never),
    coded('CLI_USAGE', /needs its passphrase.*BOMBYX_PASSPHRASE/),
  );
});

it('takes a passphrase from a file before the environment, and from there before asking', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-pass-'));
  const file = join(folder, 'passphrase');
  writeFileSync(file, 'from the file \r\nsecond line\n');
  const deps = { terminal: person(false).terminal, environment: { BOMBYX_PASSPHRASE: 'from the environment' } };
  assert.equal(await readPassphrase(argsOf({ 'passphrase-file': file }), deps, never), 'from the file ');
  assert.equal(await readPassphrase(argsOf({}), deps, never), 'from the environment');
  const missing = argsOf({ 'passphrase-file': join(folder, 'other') });
  await assert.rejects(readPassphrase(missing, deps, never), coded('CLI_CONFIG', /cannot be read/));
  rmSync(folder, { recursive: true });
});

it('asks for a new passphrase twice, and takes none that is short or differs', async () => {
  const choose = async (...keys: string[]) => {
    const { terminal, types } = person();
    types(...keys.map((key) => `${key}\r`));
    return await choosePassphrase(argsOf({}), { terminal, environment: {} }, never);
  };
  assert.equal(await choose('long enough', 'long enough'), 'long enough');
  await assert.rejects(choose('long enough', 'long Enough'), coded('CLI_USAGE', /differ/));
  await assert.rejects(choose('short'), coded('CLI_USAGE', /8 to 1024 characters/));
});
