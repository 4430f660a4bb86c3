import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Rig, TOKENS_OF_TON, TON } from '../../testing/settlement-rig.ts';

it('a full disk while committing: nothing is promised that is not written, and it goes on when there is room', async () => {
  await using rig = await Rig.create();
  await rig.serve();
  await rig.topUp(50n * TON);
  const books = () => rig.keeper.books;
  const client = () => books().active!.accounts.client(rig.client.name)!;
  await rig.until('the deposit is seen', () => books().active!.accounts.available(rig.client.name) > 0n);
  rig.charge(TOKENS_OF_TON / 2n);
  const { nextCommit } = books();
  const { externals } = rig;
  rig.keeper.limitPages(1);
  // What is left of the last page takes small records for a while.
  while (true) {
    try {
      rig.keeper.recordNow({ type: 'noted', name: 'n', value: '' });
    } catch {
      break;
    }
  }
  await rig.pass(120);
  assert.equal(books().nextCommit, nextCommit, 'no commit was written');
  assert.equal(rig.externals, externals, 'and none was sent');
  assert.equal(client().used.chain, 0n);
  assert.ok(rig.lines.some((line) => line.includes('PROXY_STORE')));
  rig.keeper.limitPages(1_000_000);
  await rig.until('it is committed', () => client().used.chain === client().used.max);
  assert.equal(books().audit(), undefined);
  const comparing = rig.settlement.compare();
  await rig.pass(20);
  assert.equal(await comparing, undefined);
});
