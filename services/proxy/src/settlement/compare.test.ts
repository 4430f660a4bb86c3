import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Rig, TON } from '../../testing/settlement-rig.ts';

const available = (rig: Rig) => rig.keeper.books.active!.accounts.available(rig.client.name);

describe('books and chain', () => {
  it('agree after a deposit and a charge, and not when coins are missing', async () => {
    await using rig = await Rig.create();
    await rig.serve();
    await rig.topUp(50n * TON);
    await rig.hire();
    await rig.until('the deposit is seen', () => available(rig) > 0n);
    rig.charge(3_000_000n);
    await rig.until('the client is charged', () => rig.keeper.books.active!.clientContract(rig.client.name)!.used > 0n);
    const { settlement } = rig;
    assert.equal(await settlement.compare(), undefined);

    /** Time passes while the difference is looked at again. */
    const compared = async () => {
      const comparing = settlement.compare();
      await rig.pass(12);
      return comparing;
    };
    rig.distort = (account) => (account.address.equals(rig.proxy) ? { ...account, balance: TON } : account);
    const short = await compared();
    assert.match(short?.what ?? '', /nanoTON that must be there/);
    assert.equal(short?.right, String(TON));
    rig.distort = (account) => account;
    assert.equal(await compared(), undefined);
  });
});
