/** `bombyx keys` as a person and a script use it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { silentLogger, systemClock } from '@bombyx/base';
import { KEYS_FILE, Keys } from '@bombyx/gateway';
import { printed } from '../../testing/printed.ts';
import { prepareNetwork } from '../network.ts';
import { CliError, type CliErrorCode } from '../usage.ts';
import { keys } from './keys.ts';

const main = new URL('../main.ts', import.meta.url).pathname;

const run = (...args: string[]) => printed(keys, ...args);
/** The same from another process. */
const bombyx = async (...args: string[]) => (await promisify(execFile)(process.execPath, [main, ...args])).stdout;

async function networkFor(t: TestContext): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-keys-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  await prepareNetwork(folder, 10_000);
  return folder;
}

const json = (out: string) => JSON.parse(out) as Record<string, string | number | null>;

it('makes, lists and revokes a key before any gateway ran', async (t) => {
  const folder = await networkFor(t);
  const here = ['--data-dir', folder];
  assert.match(await run('list', ...here), /There are no keys/);
  const made = await bombyx('keys', 'create', '--name', 'laptop', '--cap-day', '0.5', '--cap-total', '2', ...here);
  const [key] = /bxk_[\w-]{43}/.exec(made) ?? [];
  assert.ok(key, made);
  assert.equal(statSync(join(folder, 'client', KEYS_FILE)).mode & 0o077, 0);
  const listed = await run('list', ...here);
  assert.match(
    listed,
    new RegExp(`^laptop +${key.slice(0, 12)}… +in use +\\d{4}-\\d\\d-\\d\\d +0 +0\\.5 +0 +2 +0$`, 'm'),
  );
  assert.equal(listed.includes(key), false);
  const revoked = await run('revoke', 'laptop', ...here);
  assert.match(revoked, /is revoked.*\n.*every request is refused/);
  assert.match(await run('list', ...here), /revoked/);
});

it('speaks JSON, one object a line, with amounts as exact text', async (t) => {
  const here = ['--data-dir', await networkFor(t), '--json'];
  const made = json(await run('create', '--name', 'ci', '--cap-total', '0.000000001', ...here));
  assert.match(String(made['key']), /^bxk_[\w-]{43}$/);
  assert.deepEqual(
    [made['event'], made['name'], made['capTotal'], made['capDay']],
    ['created', 'ci', '0.000000001', null],
  );
  const listed = json(await run('list', ...here));
  assert.deepEqual(
    [listed['key'], listed['state'], listed['spentTotal'], listed['held']],
    [String(made['key']).slice(0, 12), 'in use', '0', '0'],
  );
  const revoked = json(await run('revoke', String(listed['key']), ...here));
  assert.deepEqual([revoked['event'], revoked['state'], revoked['keysInUse']], ['revoked', 'revoked', 0]);
});

it('works while a gateway has the file open, which takes the change over', async (t) => {
  const folder = await networkFor(t);
  const here = ['--data-dir', folder, '--json'];
  await bombyx('keys', 'create', '--name', 'first', ...here);
  using gateway = new Keys(
    { path: join(folder, 'client', KEYS_FILE), required: false },
    { clock: systemClock, log: silentLogger },
  );
  const made = json(await bombyx('keys', 'create', '--name', 'second', ...here));
  const bearer = `Bearer ${made['key']}`;
  assert.equal(gateway.authenticate(bearer).name, 'second');
  await bombyx('keys', 'revoke', 'second', ...here);
  assert.throws(() => gateway.authenticate(bearer), /revoked/);
});

for (const [name, args, sentence] of [
  ['no action', [], /say what to do/],
  ['an unknown action', ['delete'], /say what to do/],
  ['a key without a name', ['create'], /give the key a name/],
  ['an amount that is none', ['create', 'a', '--cap-day', '1,5'], /--cap-day: "1,5" is no amount of TON/],
  ['a tenth decimal', ['create', 'a', '--cap-total', '0.0000000001'], /--cap-total/],
  ['a key that is not there', ['revoke', 'a'], /there are no keys/],
] as const) {
  it(`refuses ${name}, and makes no file`, async (t) => {
    const folder = await networkFor(t);
    await refused(['--data-dir', folder, ...args], 'CLI_USAGE', sentence);
    assert.equal(readdirSync(folder).includes('client'), false);
  });
}

it('says what is missing when the configuration names no folder', async (t) => {
  const folder = await networkFor(t);
  const file = join(folder, 'other.json');
  const { default: config } = (await import(join(folder, 'client.json'), { with: { type: 'json' } })) as {
    default: Record<string, unknown>;
  };
  writeFileSync(file, JSON.stringify({ ...config, data_dir: '' }));
  await refused(['list', '--config', file], 'CLI_CONFIG', /names no folder: add "data_dir"/);
});

async function refused(argv: readonly string[], code: CliErrorCode, sentence: RegExp): Promise<void> {
  await assert.rejects(run(...argv), (error) => {
    assert.ok(error instanceof CliError && error.code === code, String(error));
    assert.match(error.message, sentence);
    return true;
  });
}
