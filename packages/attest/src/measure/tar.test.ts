/** The archive, compared with GNU tar to the byte. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { it } from 'node:test';
import fc from 'fast-check';
import { bytesOf, file, folder, gnuTar, gnuTarStart, onDisk, zeros } from '../../testing/folders.ts';
import { withoutGnuTar } from '../../testing/installed.ts';
import { MalformedError } from '../malformed.ts';
import { type FolderEntry, tarOf } from './tar.ts';

const like = (entries: readonly FolderEntry[]) =>
  onDisk(entries, async (path) => assert.deepEqual(await bytesOf(tarOf(entries)), gnuTar(path)));

const long = (letter: string, length: number) => letter.repeat(length);

it('writes what GNU tar 1.34 wrote for a small model', async () => {
  const entries = [folder(), file('config.json', '{}\n'), folder('tokenizer'), file('tokenizer/vocab', 'a\n', 0o600)];
  const archive = await bytesOf(tarOf(entries));
  assert.equal(archive.length, 10_240);
  assert.equal(createHash('sha256').update(archive).digest('hex'), SMALL_MODEL);
});

const SMALL_MODEL = '3ead92494106a94e9085d25ff28e0a791a4e434aa8e0e5f0f62739fde2a8b8e6';

it('is the archive of GNU tar: order, modes, sizes around a block', { skip: withoutGnuTar }, async () => {
  await like([folder()]);
  await like([
    folder('', 0o700),
    ...[0, 1, 511, 512, 513, 1_024, 9_000].map((size) => file(`of-${size}`, new Uint8Array(size).fill(size))),
    folder('a', 0o711),
    file('a/x', 'below a'),
    file('a-b', 'after a, for a is a name shorter'),
    file('a.b', 'after a-b'),
    folder('a/deep', 0o750),
    folder('empty', 0o555),
    ...[0o600, 0o640, 0o644, 0o666, 0o755, 0o777, 0o400, 0o500, 0o4755, 0o1644].map((mode) =>
      file(`mode-${mode.toString(8)}`, 'x', mode),
    ),
  ]);
});

it('writes long names and names beyond ASCII as GNU tar does', { skip: withoutGnuTar }, async () => {
  await like([
    folder(),
    ...[96, 97, 98, 99, 100, 101, 150, 255].map((length) => file(long('n', length), String(length))),
    folder(long('d', 95)),
    folder(long('e', 98)),
    file(`${long('e', 98)}/${long('f', 20)}`, 'x'),
    folder('ünï'),
    file('ünï/модель.bin', 'x'),
    file('日本', 'x'),
    file('with space\tand tab\nand line', 'x'),
    file('\u{1f600}', 'beyond the basic plane: sorted as bytes, not as UTF-16'),
    file('\uffee', 'x'),
    folder(`ünï/${long('д', 60)}`),
    file(`ünï/${long('д', 60)}/${long('e', 60)}`, 'x'),
  ]);
});

it('tells a size of 8 GiB and more in a pax header, as GNU tar does', { skip: withoutGnuTar }, async () => {
  for (const name of ['weights.bin', `${long('w', 120)}.bin`]) {
    for (const size of [8 ** 11 - 1, 8 ** 11, 9 * 2 ** 30 + 7]) {
      const entries = [folder(), zeros(name, size)];
      const start = await bytesOf(tarOf(entries), 8_192);
      assert.deepEqual(start, await onDisk(entries, (path) => gnuTarStart(path, 8_192)), `${name} of ${size} bytes`);
    }
  }
});

it('is the archive of GNU tar for any folder', { skip: withoutGnuTar }, async () => {
  const name = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
    .filter((text) => !/[/\0]|^\.\.?$/.test(text) && text.isWellFormed() && Buffer.byteLength(text) < 250);
  const entry = fc.record({
    names: fc.uniqueArray(name, { minLength: 1, maxLength: 3 }),
    mode: fc.constantFrom(0o644, 0o600, 0o755),
    content: fc.uint8Array({ maxLength: 1_500 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 6 }), async (listed) => {
      const made = new Map<string, FolderEntry>([['', folder()]]);
      for (const { names, mode, content } of listed) {
        const above = names.slice(0, -1).map((_, i) => names.slice(0, i + 1).join('/'));
        const path = names.join('/');
        if (made.has(path) || above.some((parent) => made.get(parent)?.kind === 'file')) continue;
        for (const parent of above) if (!made.has(parent)) made.set(parent, folder(parent));
        made.set(path, file(path, content, mode));
      }
      await like([...made.values()]);
    }),
    { numRuns: 40 },
  );
});

it('refuses paths that are none, come twice, or have no folder', async () => {
  const wrong: readonly (readonly FolderEntry[])[] = [
    [],
    [file('a', 'x')],
    [file('', 'x')],
    [folder(), file('a', 'x'), file('a', 'y')],
    [folder(), folder('a'), file('a', 'y')],
    [folder(), file('a/b', 'x')],
    [folder(), file('a', 'x'), file('a/b', 'x')],
    ...['/a', 'a/', 'a//b', '.', '..', '../a', './a', 'a/../b', 'a\0b'].map((path) => [folder(), file(path, 'x')]),
  ];
  for (const entries of wrong) await assert.rejects(bytesOf(tarOf(entries)), MalformedError);
});

it('refuses a file that grows or shrinks while it is read', async () => {
  for (const size of [2, 4]) {
    const entry = { ...file('a', 'abc'), size } as FolderEntry;
    await assert.rejects(bytesOf(tarOf([folder(), entry])), /a changed while it was read/);
  }
});
