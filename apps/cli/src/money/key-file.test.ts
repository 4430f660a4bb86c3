import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { Address } from '@bombyx/ton';
import fc from 'fast-check';
import { MoneyError, type MoneyErrorCode } from './errors.ts';
import { type KeyFile, openKey, parseKeyFile, readKeyFile, sealKey, writeKeyFile } from './key-file.ts';
import { NOBODY, purseOf } from './purse.ts';

/** The smallest scrypt: these tests are about the file. */
const CHEAP = { n: 2, r: 1, p: 1 };
const seed = Buffer.alloc(32, 5);
const passphrase = 'correct horse';

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-key-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function coded(code: MoneyErrorCode, sentence = /./) {
  return (error: unknown) => {
    assert.ok(error instanceof MoneyError && error.code === code, String(error));
    assert.match(error.message, sentence);
    return true;
  };
}

async function written(t: TestContext): Promise<string> {
  const path = join(folderFor(t), 'sub', 'wallet.json');
  writeKeyFile(path, await sealKey(seed, NOBODY, passphrase, CHEAP));
  return path;
}

it('gives back any key it sealed, to whoever has the passphrase and to nobody else', async () => {
  const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
  const words = fc.string({ unit: 'grapheme', maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(key, words, words, async (seed, passphrase, other) => {
      const file = await sealKey(seed, NOBODY, passphrase, CHEAP);
      assert.deepEqual(await openKey(file, passphrase), Buffer.from(seed));
      fc.pre(other.normalize('NFKC') !== passphrase.normalize('NFKC'));
      await assert.rejects(openKey(file, other), coded('MONEY_PASSPHRASE', /^the passphrase is wrong/));
    }),
    { numRuns: 50 },
  );
});

it('takes a passphrase however the keyboard composed it', async () => {
  const file = await sealKey(seed, NOBODY, 'caf\u00e9 \ufb01n', CHEAP);
  assert.deepEqual(await openKey(file, 'cafe\u0301 fin'), seed);
});

it('is for its user alone, leaves nothing beside it, and reads back', async (t) => {
  const path = await written(t);
  assert.deepEqual(readdirSync(join(path, '..')), ['wallet.json']);
  if (process.platform !== 'win32') assert.equal(statSync(path).mode & 0o777, 0o600);
  const file = readKeyFile(path);
  assert.deepEqual(file.publicKey, (await sealKey(seed, NOBODY, 'x', CHEAP)).publicKey);
  assert.deepEqual(await openKey(file, passphrase), seed);
});

it('keeps an owner of either workchain', async (t) => {
  for (const workChain of [0, -1]) {
    const owner = new Address(workChain, Buffer.alloc(32, 0xab));
    const path = join(folderFor(t), 'wallet.json');
    writeKeyFile(path, await sealKey(seed, owner, passphrase, CHEAP));
    assert.ok(readKeyFile(path).owner.equals(owner));
    assert.deepEqual(await openKey(readKeyFile(path), passphrase), seed);
  }
});

it('never replaces a key', async (t) => {
  const path = await written(t);
  const before = readFileSync(path);
  const other = await sealKey(Buffer.alloc(32, 6), NOBODY, passphrase, CHEAP);
  assert.throws(() => writeKeyFile(path, other), coded('MONEY_KEY_FILE', /holds a key already/));
  assert.deepEqual(readFileSync(path), before);
  assert.deepEqual(readdirSync(join(path, '..')), ['wallet.json']);
});

it('holds neither key nor passphrase in the clear', async (t) => {
  const text = readFileSync(await written(t), 'utf8');
  for (const form of ['hex', 'base64', 'base64url'] as const) assert.ok(!text.includes(seed.toString(form)));
  assert.ok(!text.includes(passphrase));
});

it('does not let a file lead to another address than its key', async () => {
  const file = await sealKey(seed, NOBODY, passphrase, CHEAP);
  const other = purseOf(Buffer.alloc(32, 9)).address;
  const thief = (await sealKey(Buffer.alloc(32, 9), NOBODY, passphrase, CHEAP)).publicKey;
  const changes: Partial<KeyFile>[] = [{ owner: other }, { publicKey: thief }];
  for (const change of changes) {
    await assert.rejects(openKey({ ...file, ...change }, passphrase), coded('MONEY_PASSPHRASE', /was changed/));
  }
});

it('answers any change of one character with its own error, or not at all where nothing is meant by it', async (t) => {
  const text = readFileSync(await written(t), 'utf8');
  const place = fc.nat({ max: text.length - 1 });
  await fc.assert(
    fc.asyncProperty(place, fc.string({ unit: 'binary', minLength: 0, maxLength: 2 }), async (at, inserted) => {
      const changed = text.slice(0, at) + inserted + text.slice(at + 1);
      let opened: Buffer;
      try {
        opened = await openKey(parseKeyFile(changed, 'wallet.json'), passphrase);
      } catch (error) {
        assert.ok(error instanceof MoneyError, String(error));
        return;
      }
      assert.deepEqual(opened, seed);
    }),
    { numRuns: 200 },
  );
});

it('answers hostile files with its own error and nothing else', () => {
  const hostile = fc.oneof(
    fc.string(),
    fc.json(),
    fc.jsonValue().map((value) => JSON.stringify({ format: value })),
  );
  fc.assert(fc.property(hostile, (text) => assert.throws(() => parseKeyFile(text, 'f'), coded('MONEY_KEY_FILE'))));
});

for (const [name, change, sentence] of [
  ['memory without a bound', { scrypt: { n: 2 ** 30, r: 8, p: 1 } }, /"scrypt" is out of bounds/],
  ['a cost that is no power of two', { scrypt: { n: 1_000, r: 8, p: 1 } }, /"scrypt" is out of bounds/],
  ['time without a bound', { scrypt: { n: 2, r: 1, p: 1_000_000 } }, /"scrypt.p" is wrong/],
  ['a member it does not know', { extra: 1 }, /is damaged/],
  ['a version to come', { version: 2, anything: [] }, /has version 2, newer than this program: update it$/],
  ['another format', { format: 'keystore' }, /"format" is wrong/],
] as const) {
  it(`refuses ${name}`, async (t) => {
    const path = await written(t);
    const json = JSON.parse(readFileSync(path, 'utf8')) as Record<string, object>;
    const changed = { ...json, ...change } as Record<string, unknown>;
    if ('scrypt' in change) changed['scrypt'] = { ...json['scrypt'], ...change.scrypt };
    writeFileSync(path, JSON.stringify(changed));
    assert.throws(() => readKeyFile(path), coded('MONEY_KEY_FILE', sentence));
  });
}

it('says what to do when there is no file, and what the system says about one that cannot be read', (t) => {
  const folder = folderFor(t);
  assert.throws(() => readKeyFile(join(folder, 'a')), coded('MONEY_KEY_FILE', /make one with "bombyx wallet create"/));
  mkdirSync(join(folder, 'b'));
  assert.throws(() => readKeyFile(join(folder, 'b')), coded('MONEY_KEY_FILE', /cannot be read: EISDIR/));
});

it('reads no more of a file than a key file has', (t) => {
  const path = join(folderFor(t), 'wallet.json');
  writeFileSync(path, `${' '.repeat(1_000_000)}{}`);
  assert.throws(() => readKeyFile(path), coded('MONEY_KEY_FILE', /it is not JSON/));
});
