/**
 * What every implementation of `Chain` must do; the embedded chain and the HTTP client run the same tests.
 *
 *     chainSuite('the embedded chain', async () => ({ chain, fund, tick, [Symbol.asyncDispose]: close }));
 *
 * The suite brings its own contract and signs nothing. It needs of a chain under test:
 *
 * - `chain`   what is tested. The HTTP client is opened with the network its server announces (hash of the zerostate and
 *             global id) and with a clock that agrees with the server's block time.
 * - `fund`    gives an account coins, with one transaction on that account for each call, a plain transfer that does not
 *             bounce. Resolved when `chain` shows the transaction.
 * - `tick`    resolved when every message handed in before, and every message these caused, has landed or is lost for
 *             good. A chain that works by itself may just wait.
 *
 * Methods that the HTTP client uses: `getMasterchainInfo`, `getBlockHeader`, `getAddressInformation`, `getTransactions`,
 * `sendBocReturnHash`, `runGetMethod`. A refused external is answered as the public API does it: status 500 and a JSON
 * object with `ok: false`, `code: 500`, `error: "LITE_SERVER_UNKNOWN: cannot apply external message to current state : …"`.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { Address, beginCell, internal, type TupleItem } from '@ton/core';
import type { Chain, ChainTransaction, TransactionId } from '../src/chain.ts';
import { ChainError, type ChainErrorCode } from '../src/chain-errors.ts';
import { previousOf } from '../src/toncenter-answers.ts';
import { type TestContract, testContract } from './chain-contract.ts';

export interface ChainUnderTest extends AsyncDisposable {
  readonly chain: Chain;
  /** @param amount nanoTON */
  fund(address: Address, amount: bigint): Promise<void>;
  tick(): Promise<void>;
}

/** Opens a fresh chain, or a shared one: the suite never uses an address twice. Called once for the whole suite. */
export type OpenChain = () => Promise<ChainUnderTest>;

const TON = 1_000_000_000n;
const coded = (code: ChainErrorCode) => (error: unknown) => error instanceof ChainError && error.code === code;
const anyAddress = () => new Address(0, randomBytes(32));
const anyContract = () => testContract(BigInt(`0x${randomBytes(32).toString('hex')}`));
const idOf = ({ lt, hash }: TransactionId) => `${lt} ${hash.toString('hex')}`;

export function chainSuite(name: string, open: OpenChain): void {
  describe(name, () => {
    let under: ChainUnderTest;
    let chain: Chain;
    before(async () => {
      under = await open();
      ({ chain } = under);
    });
    after(() => under[Symbol.asyncDispose]());

    /** A contract with coins and code, that has obeyed one order. */
    async function deployed(): Promise<TestContract> {
      const contract = await anyContract();
      await under.fund(contract.address, 5n * TON);
      await chain.send(contract.order(0, [], true));
      await under.tick();
      return contract;
    }
    const seqnoOf = async ({ address }: TestContract) => (await chain.run(address, 'seqno', [])).stack.readNumber();
    const newest = async (address: Address): Promise<ChainTransaction> => {
      const all = await chain.transactions(address, undefined, 100);
      return all.at(-1) ?? assert.fail('no transaction');
    };

    it('says that an account nobody has heard of is absent', async () => {
      const address = anyAddress();
      const account = await chain.account(address);
      assert.deepEqual([account.status, account.balance, account.last], ['absent', 0n, undefined]);
      assert.ok(account.address.equals(address));
      assert.deepEqual([account.code, account.data], [undefined, undefined]);
      assert.deepEqual(await chain.transactions(address, undefined, 10), []);
    });

    it('runs no get method where there is no code, and says so with an exit code', async () => {
      const { exitCode, stack } = await chain.run(anyAddress(), 'seqno', []);
      assert.ok(exitCode !== 0 && exitCode !== 1, `${exitCode}`);
      assert.equal(stack.remaining, 0);
    });

    it('shows coins that came to an account without code, and the skipped transaction that brought them', async () => {
      const address = anyAddress();
      await under.fund(address, 3n * TON);
      const account = await chain.account(address);
      assert.equal(account.status, 'absent');
      assert.equal(account.balance, 3n * TON);
      const [transaction, ...others] = await chain.transactions(address, undefined, 10);
      assert.ok(transaction !== undefined && others.length === 0);
      assert.deepEqual([transaction.skipped, transaction.succeeded], [true, false]);
      assert.ok(account.last !== undefined);
      assert.equal(idOf(transaction), idOf(account.last));
      assert.deepEqual(transaction.transaction.raw.hash(), transaction.hash);
      assert.equal(transaction.atSec, transaction.transaction.now);
      assert.equal(transaction.transaction.inMessage?.info.type, 'internal');
    });

    it('lands an external message that deploys, and shows code and data', async () => {
      const contract = await deployed();
      const account = await chain.account(contract.address);
      assert.equal(account.status, 'active');
      assert.deepEqual(account.code?.hash(), contract.init.code.hash());
      assert.equal(account.data?.beginParse().skip(256).loadUint(32), 1);
      const { succeeded, skipped } = await newest(contract.address);
      assert.deepEqual([succeeded, skipped], [true, false]);
      assert.equal(await seqnoOf(contract), 1);
    });

    it('tells block time that never goes back and is not before its transactions', async () => {
      const first = await chain.nowSec();
      const address = anyAddress();
      await under.fund(address, TON);
      const second = await chain.nowSec();
      assert.ok(second >= first && second >= (await newest(address)).atSec, `${first} ${second}`);
    });

    it('gives history oldest first, without a gap, in parts of any size', async () => {
      const address = anyAddress();
      for (let count = 1n; count <= 7n; count += 1n) await under.fund(address, count * TON);
      const all = await chain.transactions(address, undefined, 100);
      assert.equal(all.length, 7);
      all.forEach((transaction, i) => {
        const earlier = all[i - 1];
        assert.deepEqual(previousOf(transaction), earlier && { lt: earlier.lt, hash: earlier.hash });
        const info = transaction.transaction.inMessage?.info;
        assert.ok(info?.type === 'internal' && info.value.coins === BigInt(i + 1) * TON);
      });
      for (const size of [1, 2, 3, 7]) {
        const seen: string[] = [];
        let at: TransactionId | undefined;
        for (;;) {
          const part: readonly ChainTransaction[] = await chain.transactions(address, at, size);
          assert.ok(part.length <= size);
          if (part.length === 0) break;
          seen.push(...part.map(idOf));
          at = part.at(-1);
        }
        assert.deepEqual(seen, all.map(idOf), `in parts of ${size}`);
      }
      assert.equal(idOf((await chain.account(address)).last ?? assert.fail()), idOf(all.at(-1) ?? assert.fail()));
    });

    it('refuses to go on after a transaction that the account does not have', async () => {
      const address = anyAddress();
      await under.fund(address, TON);
      await under.fund(address, TON);
      const [first, last] = await chain.transactions(address, undefined, 2);
      assert.ok(first && last);
      const foreign = randomBytes(32);
      for (const after of [
        { lt: first.lt, hash: foreign },
        { lt: first.lt - 1n, hash: first.hash },
        { lt: first.lt + 1n, hash: foreign },
        { lt: last.lt, hash: foreign },
        { lt: last.lt + 1_000_000n, hash: foreign },
      ]) {
        await assert.rejects(chain.transactions(address, after, 10), coded('CHAIN_STALE'), `${after.lt - first.lt}`);
      }
      assert.deepEqual((await chain.transactions(address, first, 10)).map(idOf), [idOf(last)]);
    });

    it('carries a message from one account to another, with its body', async () => {
      const contract = await deployed();
      const receiver = anyAddress();
      const body = beginCell().storeUint(0xdecaf, 32).endCell();
      await chain.send(contract.order(1, [internal({ to: receiver, value: TON, bounce: false, body })]));
      await under.tick();
      const { transaction } = await newest(receiver);
      assert.deepEqual(transaction.inMessage?.body.hash(), body.hash());
      const info = transaction.inMessage?.info;
      assert.ok(info?.type === 'internal' && info.src.equals(contract.address) && info.value.coins === TON);
      assert.equal(await seqnoOf(contract), 2);
    });

    it('never lands an external message that its receiver does not accept', async () => {
      const contract = await deployed();
      const before = await newest(contract.address);
      for (const message of [contract.order(7, []), contract.order(0, [])]) {
        await chain.send(message).catch((error: unknown) => assert.ok(coded('CHAIN_REFUSED')(error), `${error}`));
      }
      await under.tick();
      assert.equal(await seqnoOf(contract), 1);
      assert.deepEqual(await chain.transactions(contract.address, before, 10), []);
    });

    it('lands an external message once, however often it is handed in', async () => {
      const contract = await deployed();
      const receiver = anyAddress();
      const message = contract.order(1, [internal({ to: receiver, value: TON, bounce: false })]);
      for (let time = 0; time < 3; time += 1) {
        await chain.send(message).catch((error: unknown) => assert.ok(coded('CHAIN_REFUSED')(error), `${error}`));
      }
      await under.tick();
      assert.equal(await seqnoOf(contract), 2);
      assert.equal((await chain.transactions(receiver, undefined, 10)).length, 1);
    });

    it('tells a failed transaction from one that bought no gas', async () => {
      const [sender, receiver] = [await deployed(), await deployed()];
      const before = await newest(receiver.address);
      const to = receiver.address;
      const body = beginCell().storeUint(1, 32).endCell();
      const failing = internal({ to, value: TON, bounce: true, body });
      const notice = internal({ to, value: 1n, bounce: false, body });
      await chain.send(sender.order(1, [failing, notice]));
      await under.tick();
      const seen = await chain.transactions(to, before, 10);
      assert.deepEqual(
        seen.map(({ succeeded, skipped }) => [succeeded, skipped]),
        [
          [false, false],
          [false, true],
        ],
      );
      const compute = seen[0]?.transaction.description;
      assert.ok(compute?.type === 'generic' && compute.computePhase.type === 'vm');
      assert.equal(compute.computePhase.exitCode, 55);
    });

    it('runs get methods with arguments and results of all kinds, and reports their exit codes', async () => {
      const { address } = await deployed();
      const int = (value: bigint): TupleItem => ({ type: 'int', value });
      const difference = async (a: bigint, b: bigint) =>
        (await chain.run(address, 'difference', [int(a), int(b)])).stack.readBigNumber();
      assert.equal(await difference(5n, 7n), -2n);
      assert.equal(await difference(2n ** 255n, 1n), 2n ** 255n - 1n);
      assert.equal(await difference(-(2n ** 256n), -1n), 1n - 2n ** 256n);
      const cell = beginCell().storeUint(3, 7).storeRef(beginCell().storeUint(1, 1).endCell()).endCell();
      const echo = await chain.run(address, 'echo', [
        { type: 'cell', cell },
        { type: 'slice', cell },
      ]);
      assert.equal(echo.exitCode, 0);
      assert.deepEqual(echo.stack.readCell().hash(), cell.hash());
      assert.deepEqual(echo.stack.readCell().hash(), cell.hash());
      assert.equal((await chain.run(address, 'nothing', [])).stack.readCellOpt(), null);
      const nested = (await chain.run(address, 'nested', [])).stack.readTuple();
      assert.equal(nested.readNumber(), 1);
      const inner = nested.readTuple();
      assert.deepEqual([inner.readNumber(), inner.readNumber()], [-2, 3]);
      assert.equal((await chain.run(address, 'fails', [])).exitCode, 77);
      assert.equal((await chain.run(address, 'no_such_method', [])).exitCode, 11);
    });

    it('answers many at once', async () => {
      const address = anyAddress();
      await under.fund(address, 2n * TON);
      const seen = await Promise.all(Array.from({ length: 8 }, () => chain.account(address)));
      assert.deepEqual(new Set(seen.map(({ balance }) => balance)), new Set([2n * TON]));
    });

    const everything = (contract: TestContract, signal?: AbortSignal): readonly (() => Promise<unknown>)[] => [
      () => chain.nowSec(signal),
      () => chain.account(contract.address, signal),
      () => chain.transactions(contract.address, undefined, 1, signal),
      () => chain.send(contract.order(1, []), signal),
      () => chain.run(contract.address, 'seqno', [], signal),
    ];

    it('does nothing for a caller that has left', async () => {
      const contract = await deployed();
      const reason = new Error('gone');
      for (const ask of everything(contract, AbortSignal.abort(reason))) {
        await assert.rejects(ask, (error) => error === reason);
      }
      await under.tick();
      assert.equal(await seqnoOf(contract), 1);
    });

    it('says that it is closed, once it is', async () => {
      const contract = await anyContract();
      await chain[Symbol.asyncDispose]();
      await chain[Symbol.asyncDispose]();
      for (const ask of everything(contract)) await assert.rejects(ask, coded('CHAIN_CLOSED'));
    });
  });
}
