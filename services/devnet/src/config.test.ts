import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseDevnetConfig } from './index.ts';

it('needs a port only: this machine, memory, a block a second, no time travel', () => {
  assert.deepEqual(parseDevnetConfig({ http_port: 8081 }), {
    host: '127.0.0.1',
    port: 8081,
    dataDir: '',
    blockMs: 1_000,
    faucetMax: 10_000_000_000_000n,
    timeTravel: false,
  });
});

it('names every field at fault', () => {
  assert.throws(
    () => parseDevnetConfig({ http_port: 70_000, block_ms: 1, faucet: 3 }),
    (error: Error & { code?: string }) => {
      assert.equal(error.code, 'DEVNET_CONFIG');
      for (const word of ['http_port', 'block_ms', 'faucet'])
        assert.ok(error.message.includes(`"${word}"`), error.message);
      return true;
    },
  );
  assert.throws(() => parseDevnetConfig(null), { code: 'DEVNET_CONFIG' });
});
