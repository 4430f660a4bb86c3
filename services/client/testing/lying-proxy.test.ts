/** Client hazard 5, with coins at stake: a proxy that claims more than it served. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ClientError } from '../src/errors.ts';
import { MoneyNetwork, TON } from './money-network.ts';
import { request, Transcript } from './network.ts';

const HALF = 500_000n;

/** It has paid once and used a little. */
async function honest(t: MoneyNetwork): Promise<MoneyNetwork> {
  await t.ready();
  t.serve(1_000n);
  await t.pass(20);
  assert.equal(t.said.fault, undefined);
  return t;
}

/** What a request may cost, and the part of a stake that is explained in advance after a crash. */
const lies: readonly [string, (net: MoneyNetwork) => Promise<void> | void, RegExp][] = [
  ['names a higher running total', (net) => net.bill(2_000n, 1_000n), /cumulative total/],
  ['signs a higher running total', (net) => net.bill(1_000n, 2_000n), /signed payment/],
  ['charges more on the chain', (net) => net.charge(2_000n), /what the contract was charged/],
  ['claims above the reservation of a request', (net) => void overcharge(net), /above the reservation/],
];

function overcharge(net: MoneyNetwork): void {
  net.client.run(request({ maxTokens: 10 }), new Transcript());
  const request_id = net.proxy.runId();
  const tokens_used = {
    kind: 'tokensUsed',
    prompt_tokens_used: 0n,
    cached_tokens_used: 0n,
    completion_tokens_used: 900_000n,
    reasoning_tokens_used: 0n,
    total_tokens_used: 900_000n,
  } as const;
  net.proxy.say({
    kind: 'bombyx.answerError',
    request_id,
    error_code: 602,
    reason: 'worker_error',
    message: 'no',
    http_status: 502,
    retry_after_ms: 0,
    flags: 1,
    final_info: { kind: 'bombyx.finalInfo', flags: 0, tokens_used },
  });
}

for (const [what, lie, why] of lies) {
  describe(`client hazard 5: a proxy that ${what}`, () => {
    it('gets no request and no coin any more, over a restart and a crash, until the owner trusts it again', async () => {
      await using net = await MoneyNetwork.start();
      await honest(net);
      await lie(net);
      await net.pass(90);
      const evidence = net.said.fault;
      assert.match(evidence?.failures.join() ?? '', why);
      assert.ok(BigInt(evidence?.claimed ?? 0) > BigInt(evidence?.explained ?? 0));
      assert.match(evidence?.signed_payment_hash ?? '', /^[0-9a-f]{64}$/);
      assert.ok(net.logged(/claims more than it served/).length >= 1);

      const begin = [
        async () => {},
        () => net.restart(),
        async () => {
          await net.crash();
          await net.live();
        },
      ];
      const runs = net.proxy.runs.length;
      for (const again of begin) {
        await again();
        await net.pass(40);
        const sink = new Transcript();
        net.client.run(request(), sink);
        await net.pass(1);
        assert.equal(sink.code, 'CLIENT_NOT_READY');
        assert.match(sink.failure?.message ?? '', /claimed more than it served/);
        assert.deepEqual(net.said.fault, evidence);
        assert.equal(net.client.ready, false);
      }
      assert.equal(net.proxy.runs.length, runs);
      const account = await net.account;
      assert.equal((await net.orders()).length, 2); // neither charged for it nor topped up
      await assert.rejects(
        net.client.management!.topup(net.proxyText),
        (error) => error instanceof ClientError && /claimed more than it served/.test(error.message),
      );
      assert.equal((await net.account).balance, account.balance);

      await net.client.management!.trust(net.proxyText);
      assert.equal(net.client.ready, true);
      net.client.run(request(), new Transcript());
      assert.equal(net.proxy.runs.length, runs + 1);
      await net.restart();
      await net.ready();
      assert.equal(net.said.fault, undefined);
    });
  });
}

it('a proxy that is honest is never blamed, whatever is charged, cut off and restarted', async () => {
  await using net = await MoneyNetwork.start({ wallet: 30n * TON });
  await net.ready();
  for (let i = 0; i < 6; i += 1) {
    net.serve(HALF / 2n);
    if (i % 2 === 0) await net.charge(net.total);
    await net.pass(30);
    if (i === 2) {
      net.proxy.options = { ...net.proxy.options, totals: { signed: net.total, max: net.total } };
      await net.restart();
    }
    if (i === 4) {
      net.client.run(request({ maxTokens: 70_000 }), new Transcript());
      await net.crash(); // the proxy goes on, and bills
      net.total += 70_000n;
      net.proxy.options = { ...net.proxy.options, totals: { signed: net.total, max: net.total } };
      await net.live();
    }
    await net.ready();
  }
  await net.pass(120);
  assert.equal(net.said.fault, undefined);
  assert.equal(net.client.snapshot().usage_checks.disagreements, 0);
});

it('lies that a crash could hide are worth a 64th of a stake at most', async () => {
  await using net = await MoneyNetwork.start();
  await honest(net);
  await net.crash();
  const forgiven = 1_000_000n / 64n;
  net.proxy.options = { ...net.proxy.options, totals: { signed: 0n, max: 1_000n + 2n * forgiven } };
  await net.live();
  await net.pass(30);
  assert.ok(net.said.fault);
});

it('shows numbers and hashes as evidence, and nothing of prompts, answers or keys', async () => {
  await using net = await MoneyNetwork.start({ config: { secret_string: 'very secret words' } });
  await honest(net);
  net.client.run(request({ body: Buffer.from('{"prompt":"silkworm"}') }), new Transcript());
  net.bill(10n ** 7n);
  await net.pass(30);
  const told = JSON.stringify(net.client.snapshot()) + net.lines.join('\n');
  assert.ok(net.said.fault && !/silkworm|very secret/.test(told));
});
