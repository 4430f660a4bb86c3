import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { codecText } from '../generate.ts';

it('is what the schema says: after a change there, run `node packages/wire/generate.ts`', () => {
  const written = readFileSync(new URL('codec.generated.ts', import.meta.url), 'utf8');
  assert.ok(written === codecText(), 'codec.generated.ts is not what generate.ts writes');
});
