/** A proxy contract that the root makes, and that the books know nothing of. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nanoTon } from '@bombyx/base';
import { proxyRequest } from '@bombyx/ton';
import { Rig, TON } from '../../testing/settlement-rig.ts';
import { ProxyError } from '../errors.ts';

const closes = (rig: Rig) => ({
  to: rig.proxy,
  value: TON,
  body: proxyRequest.close({ queryId: 2n, excess: rig.owner.address }),
});

describe('a proxy contract that closes, and that the books do not know', () => {
  it('is brought to its end, so that the owner has his stake back, where no proxy ever served it', async () => {
    await using rig = await Rig.create();
    rig.losesExternals = true;
    await rig.start();
    await rig.stop(); // before anything landed: an address, and what makes the contract
    rig.losesExternals = false;
    const { proxy, owner } = rig;
    const stake = 7n * TON;
    const raise = proxyRequest.raiseStake({ queryId: 1n, excess: owner.address, amount: nanoTon(stake) });
    await owner.send({ to: proxy, value: stake + TON, init: rig.proxyInit(), body: raise }, closes(rig));
    assert.deepEqual([rig.proxyData(proxy).state, rig.proxyData(proxy).stake], ['closing', stake]);
    const had = rig.balance(owner.address);

    rig.path = `${rig.path}.new`;
    const settlement = await rig.start();
    assert.equal(settlement.serving, undefined);
    await rig.leap(610);
    await rig.until('it is closed', () => rig.proxyData(proxy).state === 'closed');
    await rig.until('its books end', () => [...rig.keeper.books.instances()].length === 0);
    assert.ok(rig.balance(owner.address) > had + stake - TON);
    assert.match(settlement.illness ?? '', /serves again after the next change of the parameters/);
    await rig.pass(60);
    assert.equal([...rig.keeper.books.instances()].length, 0, 'a closed one is opened no more');
  });

  it('is no way around the check of the books, where a proxy has served it', async () => {
    await using rig = await Rig.create();
    await rig.serve();
    await rig.owner.send(closes(rig));
    await rig.stop();
    rig.path = `${rig.path}.new`;
    await assert.rejects(rig.start(), (error) => error instanceof ProxyError && error.code === 'PROXY_ROLLBACK');
  });
});
