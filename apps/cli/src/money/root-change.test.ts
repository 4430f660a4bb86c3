/** What we tell a person before he signs is what the contract does. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { nanoTon } from '@bombyx/base';
import { Address, initAddress, type RootData, readRootData } from '@bombyx/ton';
import fc from 'fast-check';
import { actor, code, TON, World } from '../../../../packages/ton/testing/contracts-world.ts';
import { MoneyError } from './errors.ts';
import { changed, type RootChange, requestOf } from './root-change.ts';
import { difference, rootLines } from './root-text.ts';
import { rootAtBirth, rootInit, USUAL_MULTIPLIERS, USUAL_TERMS } from './root-work.ts';

const owner = actor('owner of the network');
const birth = rootAtBirth(
  {
    terms: USUAL_TERMS,
    multipliers: USUAL_MULTIPLIERS,
    isTest: true,
    uniqueId: 17,
    proxies: ['203.0.113.5:1 203.0.113.5:2'],
    proxyImages: [Buffer.alloc(32, 9)],
    workerImages: [],
    models: [],
  },
  owner,
);

const hash = fc.constantFrom(1, 2, 9).map((byte) => Buffer.alloc(32, byte));
const text = fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 65_535 })).map(([host, port]) => `${host}:${port}`);
const coins = fc.bigInt(1n, 2n ** 63n - 1n).map(nanoTon);
const delay = fc.integer({ min: 0, max: 0xffff_ffff });
const change: fc.Arbitrary<RootChange> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('add', 'delete'),
    list: fc.constantFrom('workerImage', 'model', 'proxyImage'),
    hash,
  }),
  fc.record({ kind: fc.constant('register-proxy'), text }),
  fc.record({ kind: fc.constant('update-proxy'), seqno: fc.integer({ min: 1, max: 3 }), text }),
  fc.record({ kind: fc.constant('delete-proxy'), seqno: fc.integer({ min: 1, max: 3 }) }),
  fc.record({
    kind: fc.constant('terms'),
    terms: fc.record(
      {
        pricePerToken: coins,
        workerFeePerToken: coins,
        proxyDelayBeforeCloseSec: delay,
        clientDelayBeforeCloseSec: delay,
        minProxyStake: coins,
        minClientStake: coins,
      },
      { requiredKeys: [] },
    ),
  }),
  fc.constant({ kind: 'codes', proxyCode: code.proxy, workerCode: code.client, clientCode: code.worker } as const),
);

it('knows what the contract will hold after any change, and refuses what would be none', async () => {
  const world = await World.create();
  const init = rootInit(birth);
  const at = initAddress(init);
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
      await world.place(at, 'root', init.data, TON);
      let root = birth;
      for (const next of changes) {
        let expected: RootData;
        try {
          expected = changed(root, next);
        } catch (error) {
          assert.ok(error instanceof MoneyError && error.code === 'MONEY_ROOT', String(error));
          continue;
        }
        await world.send(owner, at, TON / 5n, requestOf(root, next, 7n));
        const held = readRootData(await world.data(at));
        assert.deepEqual(rootLines(held, true), rootLines(expected, true));
        assert.notEqual(difference(rootLines(root, true), rootLines(held, true)).length, 0);
        root = held;
      }
    }),
    { numRuns: 20 },
  );
});

it('gives the contract to another account of workchain 0 and to no other', () => {
  const next = { kind: 'owner', owner: new Address(-1, Buffer.alloc(32, 4)) } as const;
  assert.throws(() => changed(birth, next), /must be an account of workchain 0/);
  const heir = actor('heir');
  assert.ok(changed(birth, { kind: 'owner', owner: heir }).owner.equals(heir));
});

it('leaves the terms of a root with another layout alone, which its contract would not change', () => {
  const older = { ...birth, params: { ...birth.params, structVersion: 2 } };
  const terms = { pricePerToken: nanoTon(9n) };
  assert.throws(() => changed(older, { kind: 'terms', terms }), /layout 2, and the contract changes only 3/);
});
