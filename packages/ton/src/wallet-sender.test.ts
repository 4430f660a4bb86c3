import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { silentLogger } from '@bombyx/base';
import { FakeClock, turn } from '@bombyx/testkit';
import { Address, beginCell, type Cell, internal, loadMessage, type TupleItem } from '@ton/core';
import fc from 'fast-check';
import { FakeChain } from '../testing/chain-fake.ts';
import { SimulatedWallet } from '../testing/chain-wallet.ts';
import {
  type Chain,
  type ChainAccount,
  ChainError,
  privateKeyFromSeed,
  readWalletState,
  signWalletOrder,
  type TransactionId,
  WalletError,
  type WalletErrorCode,
  type WalletMessage,
  type WalletReceipt,
  WalletSender,
  type WalletSenderOptions,
  walletAddress,
  walletExternal,
} from './index.ts';

const TON = 1_000_000_000n;
const privateKey = privateKeyFromSeed(Buffer.alloc(32, 3));
const receiver = new Address(0, Buffer.alloc(32, 9));
const coded = (code: WalletErrorCode) => (error: unknown) => error instanceof WalletError && error.code === code;

/** A message that is known by its body. */
function numbered(id: number, value = 10_000_000n, to = receiver): WalletMessage {
  return { mode: 1, message: internal({ to, value, bounce: true, body: beginCell().storeUint(id, 32).endCell() }) };
}
const idOf = ({ body }: { readonly body: Cell }) => body.beginParse().loadUint(32);

/** What the chain does to one call. */
type Fault = 'none' | 'error' | 'lost' | 'answer lost' | 'late' | 'falsely refused' | 'old' | 'twice';

/** Goes wrong as it is told, call by call, and is honest afterwards. */
class FaultyChain implements Chain {
  readonly #chain: FakeChain;
  readonly #wallet: SimulatedWallet;
  readonly #faults: Fault[];
  readonly #old: ChainAccount[] = [];
  handIns = 0;

  constructor(chain: FakeChain, wallet: SimulatedWallet, faults: readonly Fault[]) {
    this.#chain = chain;
    this.#wallet = wallet;
    this.#faults = [...faults];
  }

  #next(): Fault {
    const fault = this.#faults.shift() ?? 'none';
    if (fault === 'error') throw new ChainError('CHAIN_UNREACHABLE', 'no answer');
    return fault;
  }

  async nowSec(): Promise<number> {
    const old = this.#next() === 'old' ? 30 : 0;
    return (await this.#chain.nowSec()) - old;
  }

  async account(address: Address): Promise<ChainAccount> {
    const fault = this.#next();
    const fresh = await this.#chain.account(address);
    this.#old.push(fresh);
    return fault === 'old' ? (this.#old.at(-3) ?? fresh) : fresh;
  }

  async transactions(address: Address, after: TransactionId | undefined, limit: number) {
    const all = await this.#chain.transactions(address, after, limit);
    return this.#next() === 'old' ? all.slice(0, -1) : all;
  }

  async send(message: Cell): Promise<void> {
    this.handIns += 1;
    const fault = this.#next();
    const parsed = loadMessage(message.beginParse());
    if (fault === 'lost') return;
    this.#wallet.accept(parsed, fault === 'late' ? 59 : 1);
    if (fault === 'twice') this.#wallet.accept(parsed, 20);
    if (fault === 'answer lost') throw new ChainError('CHAIN_UNREACHABLE', 'no answer');
    if (fault === 'falsely refused') throw new ChainError('CHAIN_REFUSED', 'from an old state');
  }

  run(address: Address, method: string, args: readonly TupleItem[]) {
    return this.#chain.run(address, method, args);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function open(setup: { faults?: readonly Fault[]; balance?: bigint; options?: Partial<WalletSenderOptions> } = {}) {
  const clock = new FakeClock();
  const fake = new FakeChain(clock);
  const wallet = new SimulatedWallet(fake, createPublicKey(privateKey), clock, setup.balance ?? 100n * TON);
  const chain = new FaultyChain(fake, wallet, setup.faults ?? []);
  const sender = new WalletSender(
    { address: wallet.address, privateKey, ...setup.options },
    { chain, clock, log: silentLogger },
  );
  /** Seconds pass, with a block each. */
  const pass = async (seconds: number, each?: (second: number) => void) => {
    for (let second = 0; second < seconds; second += 1) {
      clock.advance(1_000);
      wallet.block();
      each?.(second);
      await turn();
    }
  };
  const delivered = () => wallet.delivered.map(idOf);
  return { clock, fake, wallet, chain, sender, pass, delivered };
}

describe('the external of a wallet', () => {
  it('carries a signature over the cell of all the rest', () => {
    const { wallet, fake, clock } = open();
    const order = {
      subwallet: 0,
      validUntilSec: clock.nowMs() / 1_000 + 60,
      seqno: 0,
      messages: [numbered(1), numbered(2)],
    };
    const external = walletExternal(wallet.address, signWalletOrder(order, privateKey));
    wallet.accept(loadMessage(external.beginParse()), 0);
    wallet.block();
    assert.deepEqual(wallet.delivered.map(idOf), [1, 2]);
    assert.equal(fake.at(wallet.address).history.length, 1);
    assert.throws(() => signWalletOrder({ ...order, messages: Array(5).fill(numbered(1)) }, privateKey), RangeError);
    const other = generateKeyPairSync('ed25519').privateKey;
    const forged = walletExternal(wallet.address, signWalletOrder({ ...order, seqno: 1 }, other));
    assert.throws(() => wallet.accept(loadMessage(forged.beginParse())), /1034/);
  });

  it('goes to an account whose data reads back, and nothing else does', () => {
    const { wallet, fake } = open();
    const data = fake.at(wallet.address).data;
    assert.ok(data);
    assert.deepEqual(readWalletState(data).seqno, 0);
    for (const cell of [beginCell().endCell(), beginCell().storeSlice(data.beginParse()).storeBit(1).endCell()]) {
      assert.throws(() => readWalletState(cell), coded('WALLET_FOREIGN'));
    }
  });
});

describe('a wallet sender', () => {
  it('sends in order, up to four in one external, one external at a time', async () => {
    const { sender, pass, delivered, wallet, chain } = open();
    const sent = Promise.all(Array.from({ length: 10 }, (_, id) => sender.send(numbered(id))));
    await pass(20);
    const receipts = await sent;
    assert.deepEqual(delivered(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.deepEqual(
      receipts.map(({ seqno }) => seqno),
      [0, 0, 0, 0, 1, 1, 1, 1, 2, 2],
    );
    assert.ok(receipts.every(({ transaction }) => transaction.succeeded));
    assert.deepEqual([wallet.seqno, chain.handIns, sender.pending], [3, 3, 0]);
  });

  it('sends again what comes the moment a message has landed', async () => {
    const { sender, pass, delivered } = open();
    const chained = sender.send(numbered(1)).then(() => sender.send(numbered(2)));
    await pass(20);
    await chained;
    assert.deepEqual(delivered(), [1, 2]);
  });

  it('leaves no timer behind', async () => {
    const { sender, pass, clock } = open();
    void sender.send(numbered(1));
    await pass(10);
    assert.equal(clock.pending, 0);
  });

  for (const fault of ['lost', 'answer lost', 'late', 'falsely refused', 'error', 'twice'] as const) {
    it(`delivers once when the hand-in is ${fault}`, async () => {
      const { sender, pass, delivered } = open({ faults: ['none', 'none', fault] });
      const sent = sender.send(numbered(1));
      await pass(200);
      await sent;
      assert.deepEqual(delivered(), [1]);
    });
  }

  it('hands in again, and signs again once the first is dead', async () => {
    const { sender, pass, delivered, fake, wallet } = open();
    fake.receivers.clear();
    const accept = wallet.accept.bind(wallet);
    let deaf = true;
    wallet.accept = (message, delay) => {
      if (!deaf) accept(message, delay);
    };
    const sent = sender.send(numbered(1));
    await pass(90);
    assert.deepEqual(delivered(), []);
    deaf = false;
    await pass(90);
    await sent;
    assert.deepEqual(delivered(), [1]);
  });

  it('takes a new number when somebody else has taken the one it had', async () => {
    const { sender, pass, delivered, wallet, clock } = open();
    const sent = sender.send(numbered(1));
    const validUntilSec = clock.nowMs() / 1_000 + 60;
    const foreign = signWalletOrder({ subwallet: 0, validUntilSec, seqno: 0, messages: [numbered(77)] }, privateKey);
    wallet.accept(loadMessage(walletExternal(wallet.address, foreign).beginParse()), 0);
    await pass(30);
    assert.equal((await sent).seqno, 1);
    assert.deepEqual(delivered(), [77, 1]);
  });

  it('after a restart goes on from the number on the chain', async () => {
    const { sender, pass, delivered, chain, clock, wallet } = open();
    sender.send(numbered(1)).catch(() => undefined);
    await turn();
    await sender[Symbol.asyncDispose]();
    const next = new WalletSender({ address: wallet.address, privateKey }, { chain, clock, log: silentLogger });
    const sent = next.send(numbered(2));
    await pass(100);
    await sent;
    assert.deepEqual(delivered().toSorted(), [1, 2]);
  });

  it('is quiet when nothing of a former life can land', async () => {
    const { sender, pass, delivered, wallet, clock } = open();
    const order = { subwallet: 0, validUntilSec: clock.nowMs() / 1_000 + 60, seqno: 0, messages: [numbered(1)] };
    wallet.accept(loadMessage(walletExternal(wallet.address, signWalletOrder(order, privateKey)).beginParse()), 59);
    let quiet = false;
    const waiting = sender.quiet().then(() => {
      quiet = true;
      assert.deepEqual(delivered(), [1]);
    });
    await pass(60);
    assert.equal(quiet, false);
    await pass(300);
    await waiting;
  });

  it('says exactly what is missing below 2 TON, and for an amount it does not have', async () => {
    const { sender, pass, fake, wallet, chain } = open({ balance: 2n * TON - 1n });
    const poor = assert.rejects(sender.send(numbered(1)), (error) => {
      assert.ok(coded('WALLET_BALANCE')(error) && error instanceof WalletError);
      assert.deepEqual(error.detail, { balance: 2n * TON - 1n, needed: 2n * TON });
      return true;
    });
    await pass(5);
    await poor;
    fake.at(wallet.address).balance = 3n * TON;
    const settled = Promise.allSettled([sender.send(numbered(2, 3n * TON)), sender.send(numbered(3, TON))]);
    await pass(10);
    const [large, small] = await settled;
    assert.ok(large.status === 'rejected' && coded('WALLET_BALANCE')(large.reason));
    assert.equal(small.status, 'fulfilled');
    assert.equal(chain.handIns, 1);
  });

  it('does not put more into one external than the balance covers', async () => {
    const { sender, pass, wallet, fake, delivered } = open({ balance: 10n * TON });
    const sent = [sender.send(numbered(1, 6n * TON)), sender.send(numbered(2, 6n * TON))];
    const settled = Promise.allSettled(sent);
    await turn();
    await pass(1);
    fake.at(wallet.address).balance += 10n * TON;
    await pass(20);
    assert.deepEqual(
      (await settled).map(({ status }) => status),
      ['fulfilled', 'fulfilled'],
    );
    assert.equal(wallet.failures, 0);
    assert.deepEqual(delivered(), [1, 2]);
  });

  it('gives a message that cannot be sent its own error, when it is dead, and sends its company', async () => {
    const { sender, pass, delivered, wallet, chain } = open();
    const nowhere = new Address(5, Buffer.alloc(32));
    const sent = [sender.send(numbered(1)), sender.send(numbered(2, TON, nowhere)), sender.send(numbered(3))];
    const settled = Promise.allSettled(sent);
    await pass(900);
    assert.deepEqual(
      (await settled).map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    assert.ok(coded('WALLET_FAILED')(((await settled)[1] as PromiseRejectedResult).reason));
    assert.deepEqual(delivered(), [1, 3]);
    assert.ok(wallet.failures > 0);
    assert.equal(chain.handIns, 4, 'all three, then each by itself; what failed is not handed in again');
  });

  it('says that it is blocked, foreign, or not there', async () => {
    const blocked = open();
    blocked.wallet.blocked = true;
    blocked.wallet.write();
    const absent = open();
    Object.assign(absent.fake.at(absent.wallet.address), { status: 'absent', code: undefined, data: undefined });
    const foreign = open({ options: { privateKey: generateKeyPairSync('ed25519').privateKey } });
    for (const [{ sender, pass, chain }, code] of [
      [blocked, 'WALLET_BLOCKED'],
      [absent, 'WALLET_ABSENT'],
      [foreign, 'WALLET_FOREIGN'],
    ] as const) {
      const refused = assert.rejects(sender.send(numbered(1)), coded(code));
      await pass(5);
      await refused;
      assert.equal(chain.handIns, 0);
    }
  });

  it('brings its code along while the wallet is not deployed', async () => {
    const init = { code: beginCell().storeUint(1, 1).endCell(), data: beginCell().endCell() };
    const { sender, pass, fake, wallet } = open({ options: { init } });
    Object.assign(fake.at(wallet.address), { status: 'absent', code: undefined, data: undefined });
    const accept = wallet.accept.bind(wallet);
    let inits = 0;
    wallet.accept = (message, delay) => {
      if (message.init?.code?.equals(init.code)) inits += 1;
      Object.assign(fake.at(wallet.address), { status: 'active', code: init.code });
      wallet.write();
      accept(message, delay);
    };
    const first = sender.send(numbered(1));
    await pass(10);
    await first;
    const second = sender.send(numbered(2));
    await pass(10);
    await second;
    assert.equal(inits, 1);
  });

  it('holds a bounded queue', async () => {
    const { sender } = open({ options: { maxQueue: 2 } });
    const waiting = [sender.send(numbered(1)), sender.send(numbered(2))];
    await assert.rejects(sender.send(numbered(3)), coded('WALLET_FULL'));
    await sender[Symbol.asyncDispose]();
    for (const { reason } of (await Promise.allSettled(waiting)) as PromiseRejectedResult[]) {
      assert.ok(coded('WALLET_CLOSED')(reason));
    }
    await assert.rejects(sender.send(numbered(4)), coded('WALLET_CLOSED'));
  });

  it('refuses nothing that may have landed behind an old answer', async () => {
    const { sender, pass, delivered, chain, wallet } = open({ faults: ['none', 'none', 'late'] });
    const fresh = chain.account.bind(chain);
    const sent = sender.send(numbered(1));
    await pass(5);
    const old = { ...(await fresh(wallet.address)), balance: TON };
    chain.account = async () => old;
    await pass(120);
    assert.deepEqual([delivered(), sender.pending], [[1], 1]);
    chain.account = fresh;
    await pass(10);
    assert.equal((await sent).seqno, 0);
  });

  it('takes no message that it could not send or follow', () => {
    const { sender } = open();
    let body = beginCell().endCell();
    for (let depth = 0; depth < 200; depth += 1) body = beginCell().storeUint(depth, 1_000).storeRef(body).endCell();
    const large = { mode: 1, message: internal({ to: receiver, value: 1n, body }) };
    for (const message of [large, { ...numbered(1), mode: 64 }, { ...numbered(1), mode: 33 }]) {
      assert.throws(() => sender.send(message), RangeError);
    }
  });

  it('sends everything there is, alone', async () => {
    const { sender, pass, wallet, chain } = open();
    const everything = { ...numbered(2, 0n), mode: 128 };
    const sent = Promise.all([sender.send(numbered(1)), sender.send(everything), sender.send(numbered(3))]);
    await pass(20);
    assert.deepEqual(
      (await sent).map(({ seqno }) => seqno),
      [0, 1, 2],
    );
    assert.deepEqual([wallet.seqno, chain.handIns], [3, 3]);
  });

  it('lets a caller take a message back that was not handed in', async () => {
    const { sender, pass, delivered } = open();
    const first = sender.send(numbered(1));
    await turn();
    const caller = new AbortController();
    const reason = new Error('gone');
    const second = assert.rejects(sender.send(numbered(2), caller.signal), (error) => error === reason);
    caller.abort(reason);
    await second;
    await assert.rejects(sender.send(numbered(3), AbortSignal.abort(reason)), (error) => error === reason);
    await pass(20);
    await first;
    assert.deepEqual(delivered(), [1]);
  });

  it('has the address that its key and owner give', () => {
    const publicKey = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32);
    assert.equal(walletAddress({ publicKey, owner: receiver }).workChain, 0);
  });
});

const anyFault = fc.constantFrom<Fault>(
  'none',
  'none',
  'error',
  'lost',
  'answer lost',
  'late',
  'falsely refused',
  'old',
  'twice',
);
const anyOrder = fc.record({
  kind: fc.constantFrom('plain', 'plain', 'plain', 'impossible', 'dear'),
  afterSec: fc.nat(120),
});

it('delivers every message once or says that it never will, whatever the chain does', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyFault, { maxLength: 60 }),
      fc.array(anyOrder, { minLength: 1, maxLength: 9 }),
      fc.array(fc.nat(200), { maxLength: 3 }),
      async (faults, orders, foreign) => {
        const { sender, pass, delivered, wallet, clock } = open({ faults, balance: 20n * TON });
        const outcomes: (WalletReceipt | WalletError | undefined)[] = orders.map(() => undefined);
        await pass(3_000, (second) => {
          orders.forEach(({ kind, afterSec }, id) => {
            if (second !== afterSec) return;
            const to = kind === 'impossible' ? new Address(5, Buffer.alloc(32)) : receiver;
            sender.send(numbered(id, kind === 'dear' ? 9n * TON : 1n, to)).then(
              (receipt) => (outcomes[id] = receipt),
              (error) => (outcomes[id] = error),
            );
          });
          for (const [index, atSec] of foreign.entries()) {
            if (second !== atSec) continue;
            const validUntilSec = clock.nowMs() / 1_000 + 30;
            const rival = { subwallet: 0, validUntilSec, seqno: wallet.seqno, messages: [numbered(1_000 + index)] };
            const external = walletExternal(wallet.address, signWalletOrder(rival, privateKey));
            if (wallet.takes) wallet.accept(loadMessage(external.beginParse()));
          }
        });
        orders.forEach(({ kind }, id) => {
          const times = delivered().filter((other) => other === id).length;
          const outcome = outcomes[id];
          assert.ok(outcome !== undefined, `order ${id} is still open`);
          assert.equal(times, outcome instanceof WalletError ? 0 : 1, `order ${id}: ${String(outcome)}`);
          if (kind === 'plain') assert.ok(!(outcome instanceof WalletError) || outcome.code === 'WALLET_BALANCE');
        });
        assert.equal(sender.pending, 0);
        assert.equal(clock.pending, 0);
      },
    ),
    { numRuns: 60 },
  );
});
