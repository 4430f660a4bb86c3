import assert from 'node:assert/strict';
import { it } from 'node:test';
import { FakeClock } from '@bombyx/testkit';
import { Registrations } from './registrations.ts';

function setUp(limit = 10) {
  const clock = new FakeClock();
  return { clock, all: new Registrations({ limit, timeoutMs: 1_000 }, { clock }) };
}

it('answers a waiting query when its nonce comes by', async () => {
  const { all } = setUp();
  const nonce = all.open('owner')!;
  const waiting = all.wait(nonce);
  assert.equal(all.register(nonce, 'somebody else'), false);
  assert.equal(all.register(nonce, 'owner'), true);
  assert.equal(await waiting, true);
});

it('hazard 16: a registration that precedes the query leaves nothing behind', async () => {
  const { all } = setUp();
  const nonce = all.open('owner')!;
  all.register(nonce, 'owner');
  assert.equal(await all.wait(nonce), true);
  all.close(nonce);
  assert.equal(all.size, 0);
  const unheard = all.open('owner')!;
  all.register(unheard, 'owner');
  all.close(unheard); // the connection went before it asked
  assert.equal(all.size, 0);
});

it('hazard 16: nonces do not repeat and cannot be told from one another', () => {
  const { all } = setUp(2_000);
  const nonces = new Set(Array.from({ length: 2_000 }, () => all.open('owner')));
  assert.equal(nonces.size, 2_000);
  assert.equal(all.open('owner'), undefined, 'bounded');
});

it('hazard 17: a held query ends at its deadline', async () => {
  const { clock, all } = setUp();
  const waiting = all.wait(all.open('owner')!);
  clock.advance(1_001);
  assert.equal(await waiting, false);
  assert.equal(clock.pending, 0);
});

it('refuses a second wait, and ends the first when its connection goes', async () => {
  const { clock, all } = setUp();
  const nonce = all.open('owner')!;
  const waiting = all.wait(nonce);
  assert.equal(await all.wait(nonce), 'duplicate');
  all.close(nonce);
  assert.equal(await waiting, false);
  assert.equal(clock.pending, 0);
});
