/** `bombyx attest image-hash` and `attest model-hash`, as a person and a script use them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { printed } from '../../testing/printed.ts';
import { type Arguments, CliError, type Command } from '../usage.ts';
import { imageHash, modelHash } from './attest-hashes.ts';

const vector = (name: string) => new URL(`../../../../vectors/attestation/${name}`, import.meta.url).pathname;
const certificate = (name: string) =>
  new URL(`../../../../packages/transport/testing/ratls/${name}.pem`, import.meta.url).pathname;
const COCOON = '04b3afd931d28680af91a15b09d672c40ad6b141f7f9089a8d67d595220f7436';

let exitCode: number | undefined;
const asCommand = (handler: (words: readonly string[], args: Arguments, signal: AbortSignal) => Promise<number>) =>
  ({
    name: 'attest',
    summary: '',
    positional: 'WORDS',
    options: { name: { type: 'string', help: '' } },
    examples: [],
    async run(args, signal) {
      exitCode = await handler(args.positionals, args, signal);
      return exitCode;
    },
  }) satisfies Command;
const image = (...argv: string[]) => printed(asCommand(imageHash), ...argv);
const model = (...argv: string[]) => printed(asCommand(modelHash), ...argv);
const refusal = (code: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof CliError, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, message);
  return true;
};

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-model-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  return folder;
}

function smallModel(t: TestContext): string {
  const folder = folderFor(t);
  writeFileSync(join(folder, 'config.json'), '{}\n', { mode: 0o644 });
  mkdirSync(join(folder, 'tokenizer'));
  chmodSync(join(folder, 'tokenizer'), 0o755);
  writeFileSync(join(folder, 'tokenizer/vocab'), 'a\n', { mode: 0o600 });
  chmodSync(join(folder, 'config.json'), 0o644);
  return folder;
}
/** As in the tests of the package: of GNU tar's archive, by another program. */
const SMALL_ROOT = 'e6aa1d2328707a69f983813ec26825b89bbf187da9849ac519cd6706e4c031fb';

it('prints the image hash of a quote, a certificate and a TDREPORT as hex and base64', async () => {
  const text = await image(vector('tdx/quotes/cocoon-v4.bin'));
  const base64 = Buffer.from(COCOON, 'hex').toString('base64');
  assert.ok(text.startsWith(`Image hash  ${COCOON}\nBase64      ${base64}\n`), text);
  assert.match(text, /Read from {3}quote \(TDX\)/);
  const json = JSON.parse(await image(certificate('real-quote-foreign-key'), '--json'));
  assert.deepEqual(json, {
    imageHash: COCOON,
    base64,
    source: 'certificate',
    tee: 'tdx',
  });
  assert.equal(JSON.parse(await image(vector('sgx/quotes/phala-v3.bin'), '--json')).tee, 'sgx');
});

it('says in one sentence why a file has no image hash', async (t) => {
  const folder = folderFor(t);
  const large = join(folder, 'large');
  writeFileSync(large, Buffer.alloc(256 * 1024 + 1));
  await assert.rejects(image(), refusal('CLI_USAGE', /image-hash FILE/));
  await assert.rejects(image('a', 'b'), refusal('CLI_USAGE', /image-hash FILE/));
  await assert.rejects(image(join(folder, 'missing')), refusal('CLI_CONFIG', /cannot be read/));
  await assert.rejects(image(folder), refusal('CLI_CONFIG', /cannot be read/));
  await assert.rejects(image(large), refusal('CLI_CONFIG', /more than 262144 bytes/));
  await assert.rejects(image(certificate('no-quote')), refusal('CLI_CONFIG', /the certificate has no quote; give a/));
  await assert.rejects(
    image(vector('snp/gcp-v5-vmpl0.bin')),
    refusal('CLI_CONFIG', /gcp-v5-vmpl0\.bin is a SEV-SNP report; a quote/),
  );
});

it('prints the verity root of a model, and with its name what the root contract lists', async (t) => {
  const folder = smallModel(t);
  assert.match(await model(folder), new RegExp(`^Verity root  ${SMALL_ROOT}\\nHashed {7}2 files, 5 bytes$`));
  assert.deepEqual(JSON.parse(await model(folder, '--json')), { root: SMALL_ROOT, files: 2, bytes: 5 });
  const name = `Qwen/Qwen3-8B@b968826d:${SMALL_ROOT}`;
  const listHash = createHash('sha256').update(name).digest('hex');
  const text = await model(folder, '--name', 'Qwen/Qwen3-8B@b968826d');
  assert.match(text, new RegExp(`^Model {8}${name}\\nListed as {4}${listHash}, `, 'm'));
  const json = JSON.parse(await model(folder, '--name', 'Qwen/Qwen3-8B@b968826d', '--json'));
  assert.deepEqual([json.name, json.listHash], [name, listHash]);
});

it('compares with a hash in the name, and fails when it is another one', async (t) => {
  const folder = smallModel(t);
  assert.doesNotMatch(await model(folder, '--name', `a@b:${SMALL_ROOT}`), /NOT THIS MODEL/);
  assert.equal(exitCode, 0);
  const other = SMALL_ROOT.replace('e', 'f');
  assert.match(await model(folder, '--name', `a@b:${other}`), new RegExp(`NOT THIS MODEL: .*${other}`));
  assert.equal(exitCode, 1);
  assert.equal(JSON.parse(await model(folder, '--name', `a@b:${other}`, '--json')).differs, true);
  for (const name of ['a', '@b', 'a@', 'a@b:c', 'a b@c', `a@b:${SMALL_ROOT}0`]) {
    await assert.rejects(model(folder, '--name', name), refusal('CLI_USAGE', /--name takes/), name);
  }
});

it('leaves out the download cache at the top, and times and owners', async (t) => {
  const folder = smallModel(t);
  mkdirSync(join(folder, '.cache'));
  writeFileSync(join(folder, '.cache/lock'), 'x');
  utimesSync(join(folder, 'config.json'), 1, 1);
  assert.equal(JSON.parse(await model(folder, '--json')).root, SMALL_ROOT);
  mkdirSync(join(folder, 'tokenizer/.cache'));
  assert.notEqual(JSON.parse(await model(folder, '--json')).root, SMALL_ROOT);
});

it('refuses what the archive of the reference would keep as something else', async (t) => {
  const cases: readonly [RegExp, (folder: string) => void][] = [
    [
      /model\.bin is a symbolic link; copy the model/,
      (folder) => symlinkSync('config.json', join(folder, 'model.bin')),
    ],
    [/is a second name of another file/, (folder) => linkSync(join(folder, 'config.json'), join(folder, 'again.json'))],
    [/pipe is neither a file nor a folder/, (folder) => void spawnSync('mkfifo', [join(folder, 'pipe')])],
    [/is dated before 1970/, (folder) => utimesSync(join(folder, 'config.json'), 1, new Date(-5_000))],
    [/not UTF-8/, (folder) => writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.of(0xff)]), '')],
  ];
  for (const [message, spoil] of cases) {
    const folder = smallModel(t);
    spoil(folder);
    await assert.rejects(model(folder), refusal('CLI_CONFIG', message));
  }
  await assert.rejects(model(join(folderFor(t), 'missing')), refusal('CLI_CONFIG', /there is no folder/));
  await assert.rejects(model(vector('cases.json')), refusal('CLI_CONFIG', /is not a folder/));
  await assert.rejects(model(), refusal('CLI_USAGE', /model-hash FOLDER/));
});

it('stops in the middle of a model when it is told to', async (t) => {
  const folder = smallModel(t);
  writeFileSync(join(folder, 'weights'), Buffer.alloc(8 << 20));
  const args = { positionals: [], flag: () => false, text: () => undefined } as unknown as Arguments;
  await assert.rejects(modelHash([folder], args, AbortSignal.abort()), { name: 'AbortError' });
  const late = new AbortController();
  const hashing = modelHash([folder], args, late.signal);
  setImmediate(() => late.abort());
  await assert.rejects(hashing, { name: 'AbortError' });
});
