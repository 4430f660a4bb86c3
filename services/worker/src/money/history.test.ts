/** Any history of earnings, crashes, outages and lost messages ends with the owner paid exactly what was signed. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { MoneyRig } from '../../testing/money-rig.ts';

type Happening =
  | { readonly kind: 'earn'; readonly tokens: bigint }
  | { readonly kind: 'pass'; readonly seconds: number }
  | { readonly kind: 'crash' | 'land' | 'order' | 'overtake' }
  | { readonly kind: 'externals'; readonly become: 'run' | 'hold' | 'lose' }
  | { readonly kind: 'chain'; readonly isDown: boolean };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('earn' as const), tokens: fc.bigInt(1n, 30_000_000n) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), seconds: fc.nat(90) }) },
  fc.record({ kind: fc.constantFrom('crash' as const, 'land' as const, 'order' as const, 'overtake' as const) }),
  fc.record({
    kind: fc.constant('externals' as const),
    become: fc.constantFrom('run' as const, 'hold' as const, 'lose' as const),
  }),
  fc.record({ kind: fc.constant('chain' as const), isDown: fc.boolean() }),
);

it('paid on chain is never above signed, the owner gets fee times tokens, and in the end nothing is left', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { maxLength: 14 }), async (happenings) => {
      await using rig = await MoneyRig.start({ pool: 10n ** 12n, wallet: 20n * 10n ** 9n });
      let signed = 0n;
      for (const one of happenings) {
        switch (one.kind) {
          case 'earn':
            signed += one.tokens;
            rig.earn(signed);
            break;
          case 'pass':
            await rig.chain.pass(one.seconds);
            break;
          case 'crash':
            await rig.die();
            await rig.live();
            break;
          case 'land':
            await rig.chain.land();
            break;
          case 'order':
            await rig.money.payOut(rig.chain.world.proxy);
            break;
          case 'overtake':
            if ((await rig.paid()) !== undefined) await rig.cashAsProxy(signed);
            break;
          case 'externals':
            rig.chain.externals = one.become;
            break;
          case 'chain':
            rig.chain.isDown = one.isDown;
        }
        const { paid = 0n, received } = await rig.outcome();
        assert.ok(paid <= signed, `${paid} of ${signed}`);
        assert.equal(received, paid * 500n);
      }
      Object.assign(rig.chain, { isDown: false, externals: 'run' });
      await rig.chain.land();
      await rig.chain.pass(120);
      const left = signed - ((await rig.paid()) ?? 0n);
      assert.ok(left * 500n < 10n * 10n ** 9n, `${left} tokens`);
      if (left === 0n) return;
      assert.equal((await rig.money.payOut(rig.chain.world.proxy)).ok, true);
      await rig.chain.pass(30);
      assert.equal(await rig.received(), signed * 500n);
    }),
    { numRuns: 25 },
  );
});
