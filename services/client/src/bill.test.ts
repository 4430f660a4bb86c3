/** What the payer of a request hears: one bill from each proxy that got it, whatever becomes of the request. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { turn } from '@bombyx/testkit';
import type { Tl } from '@bombyx/wire';
import { network, request, Transcript } from '../testing/network.ts';
import { httpResponse, type ScriptedProxy, usage } from '../testing/scripted-proxy.ts';
import type { Payer } from './api.ts';
import type { CostDiary } from './bill.ts';

/** Of the recorded root configuration, nanoTON. */
const PRICE = 2n;
const USED = { prompt: 10n, cached: 0n, completion: 20n, reasoning: 0n, total: 30n };

class Purse implements Payer {
  readonly name = 'laptop';
  readonly holds: bigint[] = [];
  readonly bills: (bigint | undefined)[] = [];
  holdsAtMost = Number.POSITIVE_INFINITY;

  hold(most: bigint): ((bill: bigint | undefined) => void) | undefined {
    if (this.holds.length >= this.holdsAtMost) return undefined;
    this.holds.push(most);
    return (bill) => this.bills.push(bill);
  }
}

function diary(): CostDiary & { readonly entries: unknown[] } {
  const entries: unknown[] = [];
  return { entries, add: (entry) => entries.push(entry) };
}

const head = (proxy: ScriptedProxy, id = proxy.runId()) =>
  proxy.say({ kind: 'bombyx.answerHead', request_id: id, answer: httpResponse(), flags: 0 });
const final = (tokens: Tl<'tokensUsed'>) => ({ kind: 'bombyx.finalInfo', flags: 0, tokens_used: tokens }) as const;
const last = (proxy: ScriptedProxy, tokens = usage(10n, 20n)) =>
  proxy.say({
    kind: 'bombyx.answerPart',
    request_id: proxy.runId(),
    data: Buffer.from('{}'),
    flags: 1,
    final_info: final(tokens),
  });
const fail = (proxy: ScriptedProxy, reason: string, tokens: Tl<'tokensUsed'> | undefined) =>
  proxy.say({
    kind: 'bombyx.answerError',
    request_id: proxy.runId(),
    error_code: 651,
    reason,
    message: reason,
    http_status: 503,
    retry_after_ms: 0,
    flags: tokens ? 1 : 0,
    ...(tokens && { final_info: final(tokens) }),
  });

it('holds the most it can cost before it is sent, and bills what was used, into the diary too', async () => {
  const book = diary();
  const { client, proxy } = await network([{}], {}, book);
  const purse = new Purse();
  const paid = request({ payer: purse });
  client.run(paid, new Transcript());
  const query = proxy.messages.find((message) => message.kind === 'bombyx.runQuery')?.query;
  const most = BigInt(100 + query!.length) * 4n * PRICE; // max_tokens, every byte a token, coefficient 4.0
  assert.deepEqual([purse.holds, purse.bills], [[most], []]);
  const bound = client.mostCost(paid);
  assert.ok(bound >= most && bound <= most + 32n * 4n * PRICE, `${bound} for ${most}`);
  head(proxy);
  last(proxy);
  assert.deepEqual(purse.bills, [30n * PRICE]);
  assert.deepEqual(book.entries, [{ model: paid.model, party: 'laptop', tokens: USED, nanoTon: 60n }]);
});

it('writes requests without a payer into the diary, and those that cost nothing not', async () => {
  const book = diary();
  const { client, proxy } = await network([{}], {}, book);
  client.run(request(), new Transcript());
  head(proxy);
  last(proxy);
  client.run(request(), new Transcript());
  fail(proxy, 'worker_error', usage(0n, 0n));
  assert.deepEqual(book.entries, [{ model: request().model, party: '(no key)', tokens: USED, nanoTon: 60n }]);
});

it('is not sent when the payer does not pay', async () => {
  const { client, proxy } = await network();
  const purse = new Purse();
  purse.holdsAtMost = 0;
  const sink = new Transcript();
  client.run(request({ payer: purse }), sink);
  await turn();
  assert.equal(sink.code, 'CLIENT_BALANCE');
  assert.equal(
    proxy.messages.some(({ kind }) => kind === 'bombyx.runQuery'),
    false,
  );
  assert.deepEqual(purse.bills, []);
});

it('bills a failed answer with what the proxy names, and a refusal without numbers with nothing', async () => {
  const { client, proxy } = await network();
  const purse = new Purse();
  client.run(request({ payer: purse }), new Transcript());
  head(proxy);
  fail(proxy, 'worker_error', usage(1n, 2n));
  client.run(request({ payer: purse }), new Transcript());
  fail(proxy, 'bad_request', undefined);
  assert.deepEqual(purse.bills, [3n * PRICE, 0n]);
});

for (const [what, reply, bill] of [
  ['in the last word of the proxy', (proxy: ScriptedProxy) => fail(proxy, 'cancelled', usage(1n, 4n)), 5n * PRICE],
  ['as a payment of an older proxy', payment(7n), 7n * PRICE],
  ['as a payment above the reservation', payment(1_000_000n), undefined],
  ['as a negative payment', payment(-1n), undefined],
] as const) {
  it(`hears the bill of a request whose caller left ${what}`, async () => {
    const { client, proxy, clock } = await network();
    const purse = new Purse();
    const running = client.run(request({ payer: purse }), new Transcript());
    head(proxy);
    running.cancel();
    assert.deepEqual(purse.bills, []);
    reply(proxy);
    reply(proxy);
    clock.advance(600_000);
    assert.deepEqual(purse.bills, [bill]);
  });
}

it('gives a bill up that never comes, in bounded time', async () => {
  const { client, proxy, clock } = await network();
  const purse = new Purse();
  client.run(request({ payer: purse }), new Transcript()).cancel();
  client.run(request({ payer: purse }), new Transcript());
  head(proxy);
  clock.advance(5_000); // idle
  clock.advance(29_000);
  assert.deepEqual(purse.bills, [undefined]);
  clock.advance(2_000);
  assert.deepEqual(purse.bills, [undefined, undefined]);
});

it('cannot know the bill of a proxy that is lost, running or stopped', async () => {
  const { client, proxy } = await network();
  const purse = new Purse();
  client.run(request({ payer: purse }), new Transcript()).cancel();
  client.run(request({ payer: purse }), new Transcript());
  proxy.lose();
  await turn();
  assert.deepEqual(purse.bills, [undefined, undefined]);
});

it('holds once more for each further proxy, and stays where it is when that is not paid for', async () => {
  for (const holdsAtMost of [2, 1]) {
    const { client, proxies } = await network([{}, {}]);
    const purse = new Purse();
    purse.holdsAtMost = holdsAtMost;
    const sink = new Transcript();
    client.run(request({ payer: purse }), sink);
    const [first, second] = proxies[0]!.messages.some(({ kind }) => kind === 'bombyx.runQuery')
      ? [proxies[0]!, proxies[1]!]
      : [proxies[1]!, proxies[0]!];
    first.lose();
    await turn();
    assert.deepEqual([purse.holds.length, purse.bills], [holdsAtMost, [undefined]]);
    if (holdsAtMost === 1) {
      assert.equal(sink.code, 'CLIENT_PROXY_LOST');
      continue;
    }
    head(second);
    last(second);
    assert.deepEqual(purse.bills, [undefined, 30n * PRICE]);
  }
});

function payment(request_tokens: bigint): (proxy: ScriptedProxy) => void {
  return (proxy) =>
    proxy.say({
      kind: 'proxy.clientRequestPayment',
      request_id: proxy.runId(),
      signed_payment: { kind: 'proxy.signedPaymentEmpty' },
      db_tokens: 0n,
      max_tokens: 0n,
      request_tokens,
    });
}
