/** Hash trees, against published roots, a second way to compute them, and `veritysetup` where it is installed. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import fc from 'fast-check';
import { readFile } from '../../testing/folders.ts';
import { withoutVeritysetup } from '../../testing/installed.ts';
import { fromHex, toHex } from '../bytes.ts';
import { nodeCrypto as crypto } from '../crypto/node.ts';
import { MalformedError } from '../malformed.ts';
import { VERITY_BLOCK, verityRoot } from './verity.ts';

const noSalt = new Uint8Array(0);
const rootOf = async (data: Uint8Array, salt: Uint8Array) => toHex(await verityRoot([data], { salt, crypto }));

/** Cuts the whole level into blocks, hashes each, and starts again with the hashes. */
function plainRoot(level: Buffer, salt: Uint8Array): string {
  const digests = Array.from({ length: Math.ceil(level.length / VERITY_BLOCK) }, (_, i) => {
    const block = Buffer.alloc(VERITY_BLOCK);
    level.copy(block, 0, i * VERITY_BLOCK);
    return createHash('sha256').update(salt).update(block).digest();
  });
  return digests.length === 1 ? digests[0]!.toString('hex') : plainRoot(Buffer.concat(digests), salt);
}

it('gives the roots that cryptsetup expects of 8 MiB of zeros', async () => {
  // cryptsetup, tests/verity-compat-test: check_root_hash 4096, format 1, sha256
  const salt = fromHex('e48da609055204e89ae53b655ca2216dd983cf3cb829f34f63a297d106d53e2d');
  const zeros = new Uint8Array(8 << 20);
  assert.equal(await rootOf(zeros, salt), 'e522df0f97da4febb882ac40f30b37dc0b444bf6df418929463fa25280f09d5c');
  assert.equal(await rootOf(zeros, noSalt), 'ef29c902d87350f1da4bfa536e16cebc162a909bf89abe448b81ec500d4fb9bf');
});

it('agrees with a tree made level by level, around every size where a level begins', async () => {
  const salt = randomBytes(17);
  for (const blocks of [1, 2, 3, 127, 128, 129, 255, 256, 257, 128 * 128, 128 * 128 + 1, 128 * 129]) {
    const data = Buffer.alloc(blocks * VERITY_BLOCK);
    for (let i = 0; i < blocks; i++) data.writeUInt32LE(i, i * VERITY_BLOCK);
    assert.equal(await rootOf(data, salt), plainRoot(data, salt), `${blocks} blocks`);
  }
});

it('does not depend on how the stream is cut', async () => {
  const data = randomBytes(130 * VERITY_BLOCK);
  const expected = plainRoot(data, noSalt);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat({ max: data.length }), { maxLength: 20 }), async (cuts) => {
      const at = [0, ...cuts.toSorted((a, b) => a - b), data.length];
      const parts = at.slice(1).map((end, i) => data.subarray(at[i], end));
      assert.equal(toHex(await verityRoot(parts, { salt: noSalt, crypto })), expected);
    }),
    { numRuns: 30 },
  );
});

it('changes with any block, with their order and with the salt', async () => {
  const data = randomBytes(300 * VERITY_BLOCK);
  const seen = new Set([
    await rootOf(data, noSalt),
    await rootOf(data, Buffer.of(0)),
    await rootOf(data, Buffer.of(1)),
  ]);
  for (const block of [0, 127, 128, 255, 256, 299]) {
    const changed = Buffer.from(data);
    changed[block * VERITY_BLOCK + 4_095]! ^= 1;
    seen.add(await rootOf(changed, noSalt));
  }
  const turned = Buffer.concat([data.subarray(VERITY_BLOCK), data.subarray(0, VERITY_BLOCK)]);
  seen.add(await rootOf(turned, noSalt));
  assert.equal(seen.size, 10);
});

it('holds a block a level, however long the stream is', async () => {
  const chunk = new Uint8Array(1 << 20);
  let fed = 0;
  let most = 0;
  const before = process.memoryUsage().arrayBuffers;
  function* stream() {
    for (; fed < 256; fed++) {
      most = Math.max(most, process.memoryUsage().arrayBuffers);
      yield chunk;
    }
  }
  await verityRoot(stream(), { salt: noSalt, crypto: { ...crypto, hash: (_, bytes) => bytes.slice(0, 32) } });
  assert.equal(fed, 256);
  assert.ok(most - before < 64 << 20, `${most - before} bytes held for a stream of 256 MiB`);
});

it('refuses no data, and a part of a block', async () => {
  for (const size of [0, 1, 4_095, 4_097]) await assert.rejects(rootOf(new Uint8Array(size), noSalt), MalformedError);
});

it('is the root that veritysetup prints', { skip: withoutVeritysetup }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-verity-'));
  try {
    for (const blocks of [1, 2, 128, 129, 16_385]) {
      const data = join(folder, 'data');
      writeFileSync(data, randomBytes(VERITY_BLOCK));
      truncateSync(data, blocks * VERITY_BLOCK);
      const salt = randomBytes(32);
      const printed = execFileSync(
        'veritysetup',
        ['format', `--salt=${toHex(salt)}`, data, join(folder, `tree-${blocks}`)],
        { encoding: 'utf8' },
      );
      const root = toHex(await verityRoot(readFile(data), { salt, crypto }));
      assert.equal(root, /Root hash:\s+([0-9a-f]{64})/.exec(printed)?.[1], `${blocks} blocks`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
