import assert from 'node:assert/strict';
import { it } from 'node:test';
import { compileContract } from './compile.ts';
import { readContractCode } from './contracts/code.ts';

it('compiles a contract to the code that is committed', async () => {
  // All of them are compared, byte for byte, by the test of "bombyx contracts build".
  assert.ok((await compileContract('wallet')).equals(readContractCode('wallet')));
});
