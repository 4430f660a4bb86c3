import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { file, folder, gnuTar, onDisk } from '../../testing/folders.ts';
import { withoutGnuTar, withoutVeritysetup } from '../../testing/installed.ts';
import { toHex } from '../bytes.ts';
import { nodeCrypto as crypto } from '../crypto/node.ts';
import { webCrypto } from '../crypto/web.ts';
import { MalformedError } from '../malformed.ts';
import { modelListHash, modelName, modelRoot, readModelName, VERITY_SALT } from './model-hash.ts';
import type { FolderEntry } from './tar.ts';
import { verityRoot } from './verity.ts';

const small = [folder(), file('config.json', '{}\n'), folder('tokenizer'), file('tokenizer/vocab', 'a\n', 0o600)];
/** Of the archive that GNU tar 1.34 made of it, padded, with the tree computed by a script apart from this code. */
const SMALL_ROOT = 'e6aa1d2328707a69f983813ec26825b89bbf187da9849ac519cd6706e4c031fb';

it('hashes a model, in Node and in a page alike', async () => {
  assert.equal(toHex(await modelRoot(small, crypto)), SMALL_ROOT);
  assert.equal(toHex(await modelRoot(small, webCrypto)), SMALL_ROOT);
});

/** 20,480 bytes of archive are five blocks: the reference pads with a sixth. */
const aligned = [folder(), file('a', new Uint8Array(18_000).fill(7))];

function padded(archive: Buffer): Buffer {
  return Buffer.concat([archive, Buffer.alloc(4096 - (archive.length % 4096))]);
}

it('pads by a whole block where nothing is missing, as build-model does', { skip: withoutGnuTar }, async () => {
  for (const entries of [small, aligned]) {
    const archive = await onDisk(entries, gnuTar);
    assert.equal(archive.length % 4096 === 0, entries === aligned);
    const expected = await verityRoot([padded(archive)], { salt: VERITY_SALT, crypto });
    assert.equal(toHex(await modelRoot(entries, crypto)), toHex(expected));
  }
});

it('is what GNU tar and veritysetup make of the folder', { skip: withoutGnuTar || withoutVeritysetup }, async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'bombyx-model-'));
  try {
    const weights = file('model.safetensors', new Uint8Array(3_000_000).fill(3));
    const entries: FolderEntry[] = [...small, weights];
    const archive = join(scratch, 'model.tar');
    writeFileSync(archive, padded(await onDisk(entries, gnuTar)));
    const options = ['--uuid=645ac31f-7610-42e1-8434-9d733699eac0', `--salt=${toHex(VERITY_SALT)}`];
    const printed = execFileSync('veritysetup', ['format', ...options, archive, join(scratch, 'tree')], {
      encoding: 'utf8',
    });
    assert.equal(toHex(await modelRoot(entries, crypto)), /Root hash:\s+([0-9a-f]{64})/.exec(printed)?.[1]);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
});

it('reads back the names it writes, and the hash of the list is of the whole text', () => {
  const text = `Qwen/Qwen3-8B@b968826d9c46dd6066d109eabc6255188de91218:${'7e'.repeat(32)}`;
  const name = readModelName(text);
  assert.deepEqual([name.repository, name.commit, name.root[31]], ['Qwen/Qwen3-8B', text.slice(14, 54), 0x7e]);
  assert.equal(modelName(name), text);
  assert.equal(
    toHex(modelListHash('m@c:h', crypto)),
    '29c3c536205bf2aa4456d7a8f90f68577629bb414322a3649ebe30f4e86457cb',
  );
});

it('refuses names that could be read in two ways', () => {
  const hash = '7e'.repeat(32);
  const wrong = [
    '',
    'a',
    'a@b',
    `@b:${hash}`,
    `a@:${hash}`,
    `a@b:${hash}00`,
    `a@b:${hash.toUpperCase()}`,
    `a@b:c:${hash}`,
  ];
  for (const text of [...wrong, `a@b@c:${hash}`, `a b@c:${hash}`, `a@b:${hash}\n`]) {
    assert.throws(() => readModelName(text), MalformedError, text);
  }
});
