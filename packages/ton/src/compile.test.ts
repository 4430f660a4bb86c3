import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { buildContracts } from './compile.ts';
import { BUILD_FOLDER, CONTRACT_NAMES, readContractCode } from './contracts/code.ts';

it('builds, byte for byte, what is committed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-contracts-'));
  try {
    const hashes = await buildContracts(folder);
    for (const name of CONTRACT_NAMES) {
      assert.deepEqual(readFileSync(join(folder, `${name}.boc`)), readFileSync(new URL(`${name}.boc`, BUILD_FOLDER)));
      assert.equal(readContractCode(name).hash().toString('hex'), hashes[name]);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
