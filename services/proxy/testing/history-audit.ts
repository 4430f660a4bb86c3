/** What the chain says of a history that has ended: who paid what, who got what, and where every coin is. */
import assert from 'node:assert/strict';
import {
  type Address,
  type ChainTransaction,
  type PaymentKind,
  parseAddress,
  type readCell,
  readProxyNotice,
  verifyPayment,
  writeCell,
} from '@bombyx/ton';
import { type History, type Place, type Totals, total } from './history.ts';
import { MACHINE_PUBLIC_KEY, type Person, TON } from './settlement-rig.ts';

const PAYOUT = 0xc59a7cd3;
const CLIENT_REQUEST = 0x65448ff4;
const [TOP_UP, REFUND_FORCED] = [0x5cfc6b87, 0xf4c354c9];
const [RAISE_STAKE, CLOSE_COMPLETE] = [0x9713f187, 0xe511abc7];
const PAYMENTS: ReadonlyMap<number, PaymentKind> = new Map([
  [0xbb63ff93, 'charge'],
  [0xefd711e1, 'refund'],
  [0xa040ad28, 'payout'],
  [0xf5f26a36, 'lastPayout'],
]);
/** What a contract keeps for storage when it has ended. */
const REMAINDER = TON / 100n;

/** What came of all histories: a property that nothing happens in proves nothing. */
export interface Tally {
  histories: number;
  deaths: number;
  charges: number;
  contracts: number;
  tokens: bigint;
  deposits: bigint;
  payments: number;
  forced: number;
}

interface Money {
  readonly deposits: Map<string, bigint>;
  readonly got: Map<string, bigint>;
  /** What the owner has added to the stake, and what clients have taken out of it. */
  backing: bigint;
  forced: bigint;
}

/** Every coin is accounted for, to the nanoTON. */
export async function audit(history: History, tally: Tally): Promise<void> {
  const { rig } = history;
  assert.equal(
    rig.ledger.records.audit().difference,
    0n,
    'all accounts, all fees and what is on its way are all there was',
  );
  const commits = await commitsOf(history);
  checkSigned(history, commits);
  for (const [contract, place] of history.places) {
    await checkPayments(history, contract, place, commits, tally);
    await checkMoney(history, contract, place, tally);
  }
  tally.histories += 1;
  tally.deaths += history.deaths;
  tally.charges += history.requests.charges;
  tally.contracts += history.places.size;
}

interface SeenCommit {
  readonly lt: bigint;
  readonly totals: Totals;
}

/** Commits of the proxy that are on the chain, oldest first. */
async function commitsOf({ rig, places, commits, beganLt }: History): Promise<readonly SeenCommit[]> {
  const seen: SeenCommit[] = [];
  for (const { proxy } of places.values()) {
    for (const { lt, transaction } of await allOf({ rig }, proxy)) {
      const { inMessage } = transaction;
      if (inMessage?.info.type !== 'internal' || !inMessage.info.src.equals(rig.wallet)) continue;
      const notice = readProxyNotice(inMessage.body);
      if (notice?.kind !== 'commit') continue;
      const totals = commits.get(`${notice.seqno}/${notice.session.toString('hex')}`);
      assert.ok(totals || lt < beganLt, 'a commit that was written down before it was sent');
      if (totals) seen.push({ lt, totals });
    }
  }
  return seen.sort((a, b) => (a.lt < b.lt ? -1 : 1));
}

function committed(commits: readonly SeenCommit[], lt: bigint, contract: string, owner: string): bigint {
  let level = 0n;
  for (const commit of commits) {
    if (commit.lt >= lt) break;
    const value = total(commit.totals, contract, owner);
    if (value > level) level = value;
  }
  return level;
}

/** No signed promise is above what the chain had been shown when it was given. */
function checkSigned({ requests: { signed } }: History, commits: readonly SeenCommit[]): void {
  for (const { party, kind, data, lt } of signed) {
    const contract = parseAddress(party.contract);
    const { tokens } = verifyPayment(data, { kind, contract, publicKey: MACHINE_PUBLIC_KEY });
    const level = committed(commits, lt, party.instance.contract, party.owner);
    assert.ok(tokens <= level, `a signed ${kind} of ${tokens} tokens, of which ${level} are committed`);
  }
}

/** What contracts of clients and workers were told by signed payments. */
async function checkPayments(
  history: History,
  contract: string,
  place: Place,
  commits: readonly SeenCommit[],
  tally: Tally,
): Promise<void> {
  const parties = [
    ...history.clients.map((who) => ['client', who] as const),
    ...history.workers.map((who) => ['worker', who] as const),
  ];
  for (const [kind, who] of parties) {
    const at = history.contractOf(kind, who, place);
    for (const { lt, transaction, succeeded } of await allOf(history, at)) {
      const { inMessage } = transaction;
      if (!succeeded || inMessage?.info.type !== 'internal' || inMessage.info.bounced) continue;
      const payment = PAYMENTS.get(opOf(inMessage.body));
      if (payment === undefined) continue;
      const data = writeCell(inMessage.body);
      const { tokens } = verifyPayment(data, { kind: payment, contract: at, publicKey: MACHINE_PUBLIC_KEY });
      const level = committed(commits, lt, contract, who.name);
      assert.ok(tokens <= level, `a ${payment} of ${tokens} tokens on chain, of which ${level} were committed`);
      tally.payments += 1;
    }
  }
}

async function checkMoney(history: History, contract: string, place: Place, tally: Tally): Promise<void> {
  const { rig, clients, workers } = history;
  const { used, earned } = history.requests;
  const { pricePerToken: price, workerFeePerToken: fee } = place.root;
  const money = moneyOf(await allOf(history, place.proxy), clients, history, place);
  const got = (who: Person) => money.got.get(who.address.toRawString()) ?? 0n;
  let tokens = 0n;
  let unpaid = 0n;
  for (const client of clients) {
    const own = total(used, contract, client.name);
    const paid = money.deposits.get(client.name) ?? 0n;
    const above = got(client) - (paid - own * price);
    // A client may take out of the proxy's own stake what the proxy did not charge within the delay.
    if (money.forced === 0n) assert.equal(above, 0n, 'a client gets back what it did not use');
    assert.ok(above >= 0n && above <= own * price, 'a forced refund is at most what was not charged');
    unpaid += above;
    tokens += own;
    tally.deposits += paid;
    const at = history.contractOf('client', client, place);
    if (!rig.isActive(at)) continue;
    const data = rig.clientData(at);
    assert.deepEqual([data.balance, data.debt], [0n, 0n], 'nothing is owed to a client, and nothing by it');
    // Without a proxy contract a client contract cannot close: nobody took what it sent.
    if (rig.isActive(place.proxy)) assert.equal(data.state, 'closed');
    if (above === 0n && paid > 0n) assert.equal(data.tokens, own, 'all that was used is charged');
    await checkRemainder(history, at);
  }
  let earnedTokens = 0n;
  for (const worker of workers) {
    const own = total(earned, contract, worker.name);
    assert.equal(got(worker), own * fee, 'a worker gets what it earned');
    earnedTokens += own;
    const at = history.contractOf('worker', worker, place);
    if (!rig.isActive(at)) continue;
    const data = rig.workerData(at);
    assert.equal(data.tokens, own, 'all that was earned is paid');
    assert.deepEqual(data.arrears, { worker: 0n, proxy: 0n });
    if (data.state === 'closed') await checkRemainder(history, at);
  }
  assert.equal(earnedTokens, tokens, 'each token used was earned by somebody');
  assert.equal(got(rig.owner), tokens * (price - fee) + money.backing - money.forced, 'the proxy keeps its share');
  tally.tokens += tokens;
  if (money.forced > 0n) tally.forced += 1;
  if (!rig.isActive(place.proxy)) return;
  const { state, balance, stake } = rig.proxyData(place.proxy);
  assert.deepEqual([state, balance, stake], ['closed', 0n, 0n], 'the end of a proxy contract');
  // What a client takes out of the stake stays in the pool as its deposit, and what it used comes out of that.
  await checkRemainder(history, place.proxy, money.forced - unpaid);
}

/** What went through the pool of a proxy contract. */
function moneyOf(all: readonly ChainTransaction[], clients: readonly Person[], history: History, place: Place): Money {
  const money: Money = { deposits: new Map(), got: new Map(), backing: 0n, forced: 0n };
  let isClosed = false;
  const ownerOf = new Map(clients.map((who) => [history.contractOf('client', who, place).toRawString(), who.name]));
  for (const { transaction, succeeded } of all) {
    const { inMessage, outMessages } = transaction;
    if (inMessage?.info.type !== 'internal' || !succeeded) continue;
    const [op, amount] = claimOf(inMessage.body);
    const owner = ownerOf.get(inMessage.info.src.toRawString());
    if (op === TOP_UP && owner !== undefined) {
      money.deposits.set(owner, (money.deposits.get(owner) ?? 0n) + amount);
    }
    if (opOf(inMessage.body) === RAISE_STAKE) money.backing += inMessage.body.beginParse().skip(96).loadCoins();
    if (opOf(inMessage.body) === CLOSE_COMPLETE) isClosed = true;
    for (const { info, body } of outMessages.values()) {
      if (info.type !== 'internal' || opOf(body) !== PAYOUT) continue;
      const to = info.dest.toRawString();
      money.got.set(to, (money.got.get(to) ?? 0n) + info.value.coins);
      if (op === REFUND_FORCED && !isClosed) money.forced += info.value.coins;
    }
  }
  return money;
}

/** What a client contract wants of the pool: op and nanoTON; zeros for everything else. */
function claimOf(body: ReturnType<typeof readCell>): readonly [op: number, amount: bigint] {
  if (opOf(body) !== CLIENT_REQUEST) return [0, 0n];
  const slice = body.beginParse().skip(96);
  slice.loadAddress();
  slice.loadRef();
  const payload = slice.loadMaybeRef()?.beginParse();
  const op = payload?.loadUint(32);
  return op === TOP_UP || op === REFUND_FORCED ? [op, payload!.loadCoins()] : [0, 0n];
}

/** A contract that has ended holds what storage needs, and what was sent to it with nothing to do. */
async function checkRemainder(history: History, at: Address, more = 0n): Promise<void> {
  let given = more;
  for (const { transaction } of await allOf(history, at)) {
    const { inMessage, outMessagesCount } = transaction;
    if (inMessage?.info.type === 'internal' && outMessagesCount === 0) given += inMessage.info.value.coins;
  }
  const left = history.rig.balance(at);
  assert.ok(left <= REMAINDER + given, `${left} nanoTON lie in a contract that has ended`);
}

function allOf({ rig }: Pick<History, 'rig'>, at: Address): Promise<readonly ChainTransaction[]> {
  return rig.chain.transactions(at, undefined, 10_000);
}

function opOf(body: ReturnType<typeof readCell>): number {
  return body.bits.length >= 32 ? body.beginParse().preloadUint(32) : 0;
}
