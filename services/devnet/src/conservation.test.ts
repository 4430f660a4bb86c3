/** Coins are neither made nor lost, whatever is sent by whom. `BOMBYX_RUNS` makes it longer. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import { Address, internal } from '@ton/core';
import fc from 'fast-check';
import { openFaucet, openLedger, selfSender, TON, testWallet } from '../testing/harness.ts';
import { SUPPLY } from './genesis.ts';

const RUNS = Number(process.env['BOMBYX_RUNS'] ?? 5);
const wallets = Array.from({ length: 4 }, () => testWallet());
const strangers = Array.from({ length: 3 }, () => new Address(0, randomBytes(32)));
const contracts = [selfSender(), selfSender()];
const addresses = [...wallets.map(({ contract }) => contract.address), ...strangers];

const amount = fc.oneof(
  fc.bigInt({ min: 0n, max: 3n }),
  fc.bigInt({ min: 0n, max: TON / 100n }),
  fc.bigInt({ min: 0n, max: 30n * TON }),
);
const action = fc.oneof(
  fc.record({ kind: fc.constant('give' as const), to: fc.nat(addresses.length - 1), amount }),
  fc.record({
    kind: fc.constant('order' as const),
    from: fc.nat(wallets.length - 1),
    bounce: fc.boolean(),
    payments: fc.array(fc.record({ to: fc.nat(addresses.length - 1), amount }), { maxLength: 4 }),
  }),
  fc.record({ kind: fc.constant('deploy' as const), from: fc.nat(wallets.length - 1), which: fc.nat(1) }),
  fc.record({ kind: fc.constant('wait' as const), days: fc.nat(2_000) }),
  fc.record({ kind: fc.constant('block' as const) }),
);

it('supply = balances + fees + what is under way, to the nanoton, after every block', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 25 }), async (actions) => {
      await using ledger = await openLedger();
      const faucet = openFaucet(ledger);
      for (const { contract } of wallets) await faucet.give(contract.address, 20n * TON);
      await ledger.produce();
      const seqnoOf = (i: number) => {
        const { code, data } = ledger.account(wallets[i]!.contract.address);
        return code && data ? data.beginParse().loadUint(32) : 0;
      };
      const order = async (i: number, messages: ReturnType<typeof internal>[]) => {
        try {
          await ledger.send(wallets[i]!.order(seqnoOf(i), messages));
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'DEVNET_REFUSED'); // it ran out of coins, or is frozen
        }
      };
      let given = 4n * 20n * TON;
      for (const step of actions) {
        switch (step.kind) {
          case 'give':
            if (step.amount === 0n) break;
            await faucet.give(addresses[step.to]!, step.amount);
            given += step.amount;
            break;
          case 'order': {
            const { bounce } = step;
            await order(
              step.from,
              step.payments.map(({ to, amount }) => internal({ to: addresses[to]!, value: amount, bounce })),
            );
            break;
          }
          case 'deploy': {
            const init = contracts[step.which]!;
            await order(step.from, [internal({ to: init.address, value: TON / 20n, bounce: true, init })]);
            break;
          }
          case 'wait':
            await ledger.advance(step.days * 86_400);
            break;
          case 'block':
            await ledger.produce();
        }
        assert.equal(ledger.records.audit().difference, 0n);
      }
      await ledger.produce();
      const { balances, fees, inTransit, supply } = ledger.records.audit();
      assert.equal(supply, SUPPLY);
      assert.equal(balances + fees + inTransit, SUPPLY);
      assert.equal(ledger.records.given().sum, given);
      assert.ok(fees > 0n);
    }),
    { numRuns: RUNS },
  );
});
