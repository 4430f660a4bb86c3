/**
 * What a proxy spends on the chain: fees measured on the real executor, days simulated by the rules that decide.
 * `node services/proxy/src/settlement/chain-cost.bench.ts`
 */
import { initAddress } from '@bombyx/ton';
import { Rig, TON } from '../../testing/settlement-rig.ts';
import { isCommitDue } from './commits.ts';
import { defaultPolicy } from './policy.ts';

/** Where most proxies would be: the first public network took 20 nanoTON for a token; an answer has some hundred. */
const PRICE = 20n;
const TOKENS_OF_REQUEST = 500n;
const WORKER_SHARE = 0.95;
/** The reference commits every 30 to 60 s, used or not. Source: proxy.md §8.2. */
const REFERENCE_COMMITS = 86_400 / 45;
const DAY_SEC = 86_400;

const ton = (nano: number | bigint) => Number(nano) / Number(TON);

/** Fees of one order of the proxy's wallet, and of all that follows, nanoTON. */
async function feesOf(rig: Rig, what: () => Promise<void>): Promise<number> {
  const accounts = () => [rig.wallet, rig.proxy, initAddress(rig.clientInit()), initAddress(rig.workerInit())];
  const people = [rig.worker.address, rig.owner.address];
  const coins = () => [...accounts(), ...people].reduce((sum, address) => sum + rig.balance(address), 0n);
  const before = coins();
  await what();
  return Number(before - coins());
}

async function measured() {
  await using rig = await Rig.create({ policy: { commitLeastMs: 1_000, commitMostMs: 1_000, payoutAt: TON } });
  await rig.serve();
  await rig.topUp(100n * TON);
  await rig.hire();
  const { accounts } = rig.keeper.books.active!;
  await rig.until('the deposit is seen', () => accounts.available(rig.client.name) > 0n);
  const settled = () => rig.keeper.books.pending.length === 0 && accounts.client(rig.client.name)!.used.chain > 0n;
  const commit = await feesOf(rig, async () => {
    rig.charge(1n);
    await rig.until('a commit is seen', settled);
    await rig.blocks();
  });
  const contract = () => rig.keeper.books.active!.clientContract(rig.client.name)!;
  const paid = () => rig.keeper.books.active!.workerContract(rig.worker.name)?.paid ?? 0n;
  const all = await feesOf(rig, async () => {
    rig.charge(2_000_000n);
    await rig.until('a charge and a payout are seen', () => contract().used > 1n && paid() > 1n);
    await rig.blocks();
  });
  return { commit, chargeAndPayout: all - commit };
}

/** Commits of a day with so many requests, evenly spread. */
function commitsOf(requests: number): number {
  const worth = (BigInt(requests) * TOKENS_OF_REQUEST * PRICE) / BigInt(DAY_SEC);
  let [commits, uncommitted, sinceMs] = [0, 0n, defaultPolicy.commitMostMs];
  for (let second = 0; second < DAY_SEC; second += 1) {
    uncommitted += worth;
    sinceMs += 1_000;
    if (!isCommitDue({ uncommitted, awaited: false, first: false, sinceMs }, defaultPolicy)) continue;
    [commits, uncommitted, sinceMs] = [commits + 1, 0n, 0];
  }
  return commits;
}

const { commit, chargeAndPayout } = await measured();
console.table({
  commit: { TON: ton(commit).toFixed(5) },
  'charge of a client and payout of a worker': { TON: ton(chargeAndPayout).toFixed(5) },
});
const reference = ton(REFERENCE_COMMITS * commit);
console.table(
  [0, 10_000, 100_000, 1_000_000, 10_000_000].map((requests) => {
    const commits = commitsOf(requests);
    const turnover = ton(BigInt(requests) * TOKENS_OF_REQUEST * PRICE);
    const charges = Math.floor(turnover / ton(defaultPolicy.chargeAt));
    const payouts = Math.floor((turnover * WORKER_SHARE) / ton(defaultPolicy.payoutAt));
    const settling = ton((chargeAndPayout / 2) * (charges + payouts));
    return {
      'requests a day': requests,
      'turnover TON': turnover,
      commits,
      'commits TON': Number(ton(commits * commit).toFixed(3)),
      'charges and payouts TON': Number(settling.toFixed(3)),
      'of the reference for commits':
        commits === 0 ? 'none' : `${(reference / ton(commits * commit)).toFixed(1)} times less`,
    };
  }),
);
console.log(`The reference: ${Math.round(REFERENCE_COMMITS)} commits a day, ${reference.toFixed(2)} TON, used or not.`);
