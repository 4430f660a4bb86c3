/**
 * Random orders of everything that honest and hostile people can send. Coins are conserved, nobody gets more than he is
 * owed, and in the end all get what they are owed. `BOMBYX_RUNS` makes it longer.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { nanoTon } from '@bombyx/base';
import { type Address, Cell } from '@ton/core';
import fc from 'fast-check';
import { actor, key, publicKey, type Step, signed, TON, World } from '../../testing/contracts-world.ts';
import { clientBirthData, clientRequest } from './client.ts';
import { proxyRequest, signClosing } from './proxy.ts';
import { workerBirthData } from './worker.ts';

const RUNS = Number(process.env['BOMBYX_RUNS'] ?? 6);
const PAYOUT = 0xc59a7cd3;
const PRICE = 2n;
const FEE = 1n;
const payers = [actor('payer 0'), actor('payer 1')] as const;
const earner = actor('earner');
const stranger = actor('stranger');
const excesses = [actor('excess'), stranger, actor('masterchain', -1), actor('nowhere', 9)] as const;

type Action =
  | { readonly type: 'topUp' | 'use'; readonly who: 0 | 1; readonly ton: number; readonly excess: number }
  | { readonly type: 'charge' | 'withdraw' | 'ask' | 'refund' | 'stake'; readonly who: 0 | 1; readonly excess: number }
  | { readonly type: 'payout' | 'lastPayout' | 'earnings' | 'close' | 'complete' | 'plain'; readonly excess: number }
  | { readonly type: 'wait' };

const who = fc.constantFrom(0 as const, 1 as const);
const excess = fc.nat(excesses.length - 1);
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ type: fc.constantFrom('topUp' as const, 'use' as const), who, ton: fc.nat(40), excess }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constantFrom(
        'charge' as const,
        'withdraw' as const,
        'ask' as const,
        'refund' as const,
        'stake' as const,
      ),
      who,
      excess,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constantFrom(
        'payout' as const,
        'lastPayout' as const,
        'earnings' as const,
        'close' as const,
        'complete' as const,
        'plain' as const,
      ),
      excess,
    }),
  },
  { weight: 1, arbitrary: fc.constant({ type: 'wait' as const }) },
);

/** The proxy node's books: what each payer deposited and used, and what was paid to whom. */
class Network {
  readonly world: World;
  readonly clients: readonly Address[];
  readonly worker: Address;
  readonly deposited = [0n, 0n];
  readonly used = [0n, 0n];
  readonly paid = new Map<string, bigint>();

  constructor(world: World) {
    this.world = world;
    this.clients = payers.map((payer) => world.clientOf(payer));
    this.worker = world.workerOf(earner);
  }

  static async create(): Promise<Network> {
    const network = new Network(await World.create());
    const { world } = network;
    const party = { proxy: world.proxy, publicKey };
    await world.deploy(world.owner, 'proxy', world.proxyBirth(), TON);
    for (const owner of payers)
      await world.deploy(owner, 'client', clientBirthData(world.params, { owner, ...party }), TON);
    await world.deploy(earner, 'worker', workerBirthData(world.params, { owner: earner, ...party }), TON);
    return network;
  }

  async do(step: Action): Promise<void> {
    const { world, worker } = this;
    if (step.type === 'wait') return world.wait(100_000);
    const to = excesses[step.excess] as Address;
    const request = { queryId: world.nextQuery(), excess: to };
    const client = 'who' in step ? (this.clients[step.who] as Address) : world.proxy;
    const payer = 'who' in step ? payers[step.who] : stranger;
    const send = async (from: Address, account: Address, body: Cell, value = TON) =>
      this.note(await world.send(from, account, value, body));
    switch (step.type) {
      case 'topUp': {
        const amount = nanoTon(BigInt(step.ton) * TON);
        const before = (await world.client(client)).state;
        const steps = await world.send(stranger, client, amount + TON, clientRequest.topUp({ ...request, amount }));
        this.note(steps);
        const took = steps.some(({ account, succeeded }) => account.equals(world.proxy) && succeeded);
        assert.ok(!took || before === 'normal', 'only an account that is not closing takes deposits');
        if (took) this.deposited[step.who] = (this.deposited[step.who] ?? 0n) + amount;
        return;
      }
      case 'use': {
        const { balance, tokens, state } = await world.client(client);
        // The node serves paid tokens only, and nobody after final payments were signed.
        if (state === 'closed' || (await world.worker(worker)).state === 'closed') return;
        const pending = (this.used[step.who] ?? 0n) - tokens;
        const most = balance / PRICE - pending;
        const more = (BigInt(step.ton) * TON) / 4n;
        this.used[step.who] = (this.used[step.who] ?? 0n) + (more < most ? more : most > 0n ? most : 0n);
        return send(stranger, client, signed('charge', client, this.used[step.who] ?? 0n, stranger));
      }
      case 'charge':
        return send(stranger, client, signed('charge', client, this.used[step.who] ?? 0n, to));
      case 'refund':
        return send(stranger, client, signed('refund', client, this.used[step.who] ?? 0n, to));
      case 'withdraw':
        return send(payer, client, clientRequest.withdraw(request));
      case 'ask':
        return send(payer, client, clientRequest.askRefund(request));
      case 'stake':
        return send(payer, client, clientRequest.raiseStake({ ...request, stake: nanoTon(TON * 3n) }));
      case 'payout':
      case 'lastPayout':
        return send(stranger, worker, signed(step.type, worker, this.served(), to));
      case 'earnings':
        return send(stranger, world.proxy, proxyRequest.payEarnings(request));
      case 'close':
        return send(stranger, world.proxy, signClosing({ kind: 'close', contract: world.proxy, ...request }, key));
      case 'complete':
        return send(
          stranger,
          world.proxy,
          signClosing({ kind: 'closeComplete', contract: world.proxy, ...request }, key),
        );
      case 'plain':
        return send(stranger, world.proxy, Cell.EMPTY, TON / 10n);
      default:
        throw new TypeError('unreachable');
    }
  }

  served(): bigint {
    return this.used.reduce((sum, tokens) => sum + tokens, 0n);
  }

  note(steps: readonly Step[]): void {
    for (const { account, sent } of steps) {
      if (!account.equals(this.world.proxy)) continue;
      for (const { op, to, value } of sent) {
        if (op === PAYOUT) this.paid.set(to.toRawString(), this.paidTo(to) + value);
      }
    }
  }

  paidTo(account: Address): bigint {
    return this.paid.get(account.toRawString()) ?? 0n;
  }

  /** Everybody claims what is left. Arrears need a second claim. */
  async settle(): Promise<void> {
    for (const person of [0, 1] as const) await this.do({ type: 'refund', who: person, excess: 0 });
    for (let i = 0; i < 2; i++) await this.do({ type: 'lastPayout', excess: 0 });
    await this.do({ type: 'earnings', excess: 0 });
  }

  async check(): Promise<void> {
    const { world } = this;
    assert.equal((await world.total()) + world.fees, world.brought, 'coins are conserved');
    for (const [i, payer] of payers.entries())
      assert.ok(this.paidTo(payer) <= (this.deposited[i] ?? 0n), 'no refund above deposits');
    assert.ok(this.paidTo(earner) <= this.served() * FEE, 'no payout above what was earned');
    assert.ok(this.paidTo(world.owner) <= this.served() * (PRICE - FEE), 'no earnings above the share');
  }
}

it('conserves coins and owes nobody in the end, whatever is sent by whom', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 30 }), async (actions) => {
      const network = await Network.create();
      for (const next of actions) {
        await network.do(next);
        await network.check();
      }
      await network.settle();
      await network.check();
      const rest = payers.map(
        (payer, i) => (network.deposited[i] ?? 0n) - (network.used[i] ?? 0n) * PRICE - network.paidTo(payer),
      );
      assert.deepEqual(rest, [0n, 0n], 'payers get back what they did not use');
      assert.equal(network.paidTo(earner), network.served() * FEE, 'the worker gets what he earned');
      assert.equal(network.paidTo(network.world.owner), network.served() * (PRICE - FEE), 'the owner gets his share');
    }),
    { numRuns: RUNS },
  );
});
