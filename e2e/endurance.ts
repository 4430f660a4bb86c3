/**
 * Minutes of mixed traffic on `bombyx up` while its proxy, worker, client and chain are killed at random; then everybody
 * leaves and takes his coins, and every answer and every nanoTON is accounted for.
 *
 *   node e2e/endurance.ts --minutes 10
 *
 * Prints what happens and the account at the end. Exit code 0: all of it is right; 1: a line says what is not.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { formatTon, parseTon } from '@bombyx/base';
import { chargesOf, compareBill } from './testing/bill.ts';
import { clientLeaves, ownerCollects, reckon, reckoningText, workerIsPaid } from './testing/farewell.ts';
import { LocalNetwork } from './testing/local-network.ts';
import { type Kind, Traffic } from './testing/traffic.ts';

const KINDS: readonly Kind[] = ['stream', 'stream', 'whole', 'whole', 'embedding', 'left', 'bad'];
const CALLERS = 5;
/** Who is killed, drawn evenly. */
const VICTIMS = ['proxy', 'proxy', 'worker', 'worker', 'client', 'devnet'] as const;
/** Between two kills, seconds. */
const PEACE = { from: 10, to: 35 };
/** Of the key that is made to run dry. */
const SMALL_CAP = '0.2';
/** One contract keeps gas that another had paid for, and who deploys an account of another puts in 0.11 TON that stay. */
const MOST_BESIDES = parseTon('0.12');

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, keep: { type: 'boolean' } } });
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new RangeError('--minutes takes a number above 0');

const startedAt = performance.now();
const faults: string[] = [];
const tell = (line: string) => {
  for (const each of line.split('\n'))
    console.log(`${((performance.now() - startedAt) / 1_000).toFixed(1).padStart(7)} s  ${each}`);
};
const check = (right: boolean, what: string) => {
  tell(`${right ? 'ok   ' : 'WRONG'} ${what}`);
  if (!right) faults.push(what);
};

const folder = mkdtempSync(join(tmpdir(), 'bombyx-endurance-'));
tell(`a new network in ${folder}`);
await using network = await LocalNetwork.start(folder);
tell(`it serves at ${network.baseUrl}`);

const keyOf = async (name: string, ...caps: string[]) =>
  (JSON.parse(await network.run('keys', 'create', name, ...caps, '--json')) as { key: string }).key;
const keys = await Promise.all(Array.from({ length: CALLERS }, (_, at) => keyOf(`caller-${at}`)));
const poor = await keyOf('poor', '--cap-total', SMALL_CAP);
const broke = await keyOf('broke', '--cap-total', '0.000000001');

const traffic = new Traffic(network.baseUrl);
const over = new AbortController();
const callers = [...keys, poor].map((key) => traffic.call(key, KINDS, over.signal));
callers.push(traffic.call(broke, ['whole'], over.signal));

let kills = 0;
let slowest = 0;
const until = performance.now() + minutes * 60_000;
for (;;) {
  const peaceMs = (PEACE.from + Math.random() * (PEACE.to - PEACE.from)) * 1_000;
  if (performance.now() + peaceMs > until) break;
  await sleep(peaceMs);
  const role = VICTIMS[Math.floor(Math.random() * VICTIMS.length)]!;
  const tookMs = await network.kill(role);
  kills += 1;
  slowest = Math.max(slowest, tookMs);
  tell(`killed the ${role}; served again after ${(tookMs / 1_000).toFixed(1)} s`);
  const { records, contracts } = await network.checkLedger();
  tell(
    `ledger check while it runs: clean, ${records} records, ${contracts[0]!.tokens} tokens; ${traffic.count('answered')} answers so far`,
  );
}
await sleep(Math.max(0, until - performance.now()));
over.abort();
await Promise.all(callers);
writeFileSync(join(folder, 'outcomes.json'), JSON.stringify(traffic.outcomes)); // for whoever looks into a fault
tell(
  `${kills} kills, the slowest recovery ${(slowest / 1_000).toFixed(1)} s; ${traffic.outcomes.length} requests: ${howEnded()}`,
);

await sleep(5_000); // callers who left: what they cost is still being settled
const running = await network.checkLedger();
check(running.chain, `ledger check of the quiet network: clean, ${running.records} records, chain included`);
const price = await spending();
tell((await network.run('stake')).trim());

const clientHas = await clientLeaves(network, tell);
tell(`the owner of the client has ${formatTon(clientHas)} TON`);
await workerIsPaid(network, tell);
const workerHas = await ownerCollects(network, 'worker', tell);
tell(`the owner of the worker has ${formatTon(workerHas)} TON`);
tell(`order to the proxy to withdraw: ${await network.order('proxy', 'withdraw')}`);
await ownerCollects(network, 'proxy', tell);
await network.checkLedger();

const reckoning = await reckon(network);
tell(reckoningText(reckoning));
check(reckoning.audit.difference === 0n, 'the chain: supply = balances + fees + in transit');
check(reckoning.missing === 0n, 'the faucet gave what all wallets and contracts hold and all fees');
const config = network.config('proxy');
await network[Symbol.asyncDispose]();
const offline = await network.checkLedger();
check(offline.difference === undefined, `ledger check of the stopped network: clean, ${offline.records} records`);

const bill = compareBill(traffic.outcomes, chargesOf(config));
tell(
  `${bill.answered} answers, ${bill.cut} cut; ${bill.charges} charges of ${bill.tokens} tokens, ${bill.cutAndBilled} of them for cut requests`,
);
check(bill.faults.length === 0, `every answer is billed once: ${bill.faults.join('; ') || 'no fault'}`);
const { pricePerToken, workerFee } = price;
const tokens = BigInt(bill.tokens);
settled('client', -tokens * pricePerToken);
settled('worker', tokens * workerFee);
settled('proxy', tokens * (pricePerToken - workerFee));
if (!values.keep && faults.length === 0) rmSync(folder, { recursive: true, force: true });
tell(faults.length === 0 ? 'ALL RIGHT' : `${faults.length} WRONG:\n${faults.join('\n')}`);
process.exitCode = faults.length === 0 ? 0 : 1;

/** What a party has from the others, all fees put aside, beside its tokens times their price. */
function settled(party: string, due: bigint): void {
  const { earned } = reckoning.sheets.get(party)!;
  const apart = earned - due;
  const is = `the ${party} has ${formatTon(earned)} TON from the others: ${formatTon(due)} for ${tokens} tokens, and ${apart} nanoTON`;
  check(apart < MOST_BESIDES && -apart < MOST_BESIDES, is);
}

/** What the keys say they spent, against what their callers were given. */
async function spending(): Promise<{ readonly pricePerToken: bigint; readonly workerFee: bigint }> {
  type Root = { root_contract_config: { price_per_token: number; worker_fee_per_token: number } };
  const { root_contract_config: root } = await network.page<Root>('proxy');
  const pricePerToken = BigInt(root.price_per_token);
  type Key = { name: string; key: string; spentTotal: string; held: string };
  const listed = (await network.run('keys', 'list', '--json'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Key);
  for (const { name, key: prefix, spentTotal, held } of listed) {
    const [full = ''] = [...keys, poor, broke].filter((key) => key.startsWith(prefix));
    const spent = parseTon(spentTotal);
    const given = BigInt(traffic.answeredByKey.get(full) ?? 0) * pricePerToken;
    check(
      spent >= given && held === '0',
      `key ${name} spent ${spentTotal} TON, whole answers ${formatTon(given)}, held ${held}`,
    );
    if (full === poor) check(spent <= parseTon(SMALL_CAP), `key ${name} stayed within its cap of ${SMALL_CAP} TON`);
    if (full === broke) check(spent === 0n, `key ${name} was given nothing`);
  }
  return { pricePerToken, workerFee: BigInt(root.worker_fee_per_token) };
}

function howEnded(): string {
  const counts = new Map<string, number>();
  for (const outcome of traffic.outcomes) {
    const how =
      outcome.kind === 'answered'
        ? 'answered'
        : outcome.kind === 'cut'
          ? `cut (${outcome.why})`
          : `${outcome.status} ${outcome.code}`;
    counts.set(how, (counts.get(how) ?? 0) + 1);
  }
  return [...counts].map(([how, count]) => `${count} ${how}`).join(', ');
}
