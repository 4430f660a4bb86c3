import assert from 'node:assert/strict';
import { it } from 'node:test';
import { tokens } from '@bombyx/base';
import { type Bench, createBench, turns } from '../testing/harness.ts';
import { head, lastPart, OWNER, run, someOwner, used } from '../testing/messages.ts';
import { checkLedger } from './ledger-check.ts';

/** A proxy that has served one request of 20 tokens. */
async function served(): Promise<Bench> {
  const bench = createBench();
  const [client, worker] = [await bench.client(), await bench.worker()];
  client.tell(run());
  const { request_id } = worker.the('bombyx.runJob');
  worker.tell(head(request_id));
  worker.tell(lastPart(request_id, 'x', used(10, 10)));
  await turns();
  return bench;
}
const checked = ({ keeper, core: { sessions } }: Bench) =>
  checkLedger(keeper, { parties: sessions.parties, publicKey: sessions.self.publicKey });

it('finds sound books sound, and says what is in them', async () => {
  using bench = await served();
  const { difference, contracts, records } = checked(bench);
  assert.equal(difference, undefined);
  assert.ok(records >= 2);
  assert.deepEqual(contracts, [
    {
      contract: bench.core.sessions.self.contract,
      phase: 'serving',
      clients: 1,
      workers: 1,
      tokens: '20',
      committed: '20',
      charged_on_chain: '0',
      paid_on_chain: '0',
    },
  ]);
});

it('names what memory has and the disk has not', async () => {
  using bench = await served();
  bench.core.sessions.parties.serving!.instance.accounts.book(someOwner(1), OWNER, tokens(1n));
  assert.deepEqual(checked(bench).difference, {
    between: 'memory and disk',
    what: `${bench.core.sessions.self.contract}: tokens used by ${someOwner(1)}`,
    left: '21',
    right: '20',
  });
});

it('names a signature that promises more than is committed', async () => {
  using bench = await served();
  const [party] = bench.core.sessions.parties.workers();
  party!.payments.sign(21n, true);
  const { difference } = checked(bench);
  assert.equal(difference?.between, 'accounts and signed payments');
  assert.deepEqual([difference?.left, difference?.right], ['20', '21']);
});
