/** The public client library, as it is, against our server. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { silentLogger, systemClock } from '@bombyx/base';
import { Address, type Cell, internal, SendMode, type Transaction } from '@ton/core';
import { keyPairFromSeed } from '@ton/crypto';
import { TonClient, WalletContractV4, WalletContractV5R1 } from '@ton/ton';
import { TON, testConfig } from '../testing/harness.ts';
import { type Devnet, openDevnet } from './index.ts';

let devnet: Devnet;
let client: TonClient;

before(async () => {
  devnet = await openDevnet(testConfig(), { clock: systemClock, log: silentLogger });
  client = new TonClient({ endpoint: `http://127.0.0.1:${devnet.port}/api/v2/jsonRPC` });
});
after(() => devnet.close());

async function landed(check: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 20_000;
  while (!(await check())) {
    if (performance.now() > endMs) assert.fail('it never landed');
    await devnet.ledger.produce();
  }
}

/** Whole TON: the seconds that pass here cost some nanoTON of storage. */
function nearest(balance: bigint): bigint {
  return (balance + TON / 2n) / TON;
}

const wallets = {
  'V4 R2': (publicKey: Buffer) => WalletContractV4.create({ workchain: 0, publicKey }),
  'V5 R1': (publicKey: Buffer) => WalletContractV5R1.create({ workchain: 0, publicKey }),
};

for (const [name, create] of Object.entries(wallets)) {
  describe(`a wallet ${name} of @ton/ton`, () => {
    const keys = keyPairFromSeed(randomBytes(32));
    const wallet = create(keys.publicKey);
    const target = new Address(0, randomBytes(32));
    const transfer = (seqno: number): Cell => {
      const messages = [internal({ to: target, value: TON, bounce: false, body: `payment ${seqno}` })];
      const order = { seqno, secretKey: keys.secretKey, sendMode: SendMode.PAY_GAS_SEPARATELY, messages };
      return wallet instanceof WalletContractV4 ? wallet.createTransfer(order) : wallet.createTransfer(order);
    };

    it('is shown as uninitialized with its balance once it got coins', async () => {
      await devnet.faucet.give(wallet.address, 10n * TON);
      await landed(async () => (await client.getBalance(wallet.address)) > 0n);
      const state = await client.getContractState(wallet.address);
      assert.equal(state.balance, 10n * TON);
      assert.equal(state.state, 'uninitialized');
      assert.equal(await client.isContractDeployed(wallet.address), false);
    });

    it('deploys itself with its first transfer, then sends again', async () => {
      const opened = client.open(wallet);
      await opened.send(transfer(0));
      await landed(() => client.isContractDeployed(wallet.address));
      assert.equal(await opened.getSeqno(), 1);
      await opened.send(transfer(1));
      await landed(async () => (await opened.getSeqno()) === 2);
      assert.equal(nearest(await client.getBalance(target)), 2n);
      const spent = 10n * TON - (await opened.getBalance());
      assert.ok(spent > 2n * TON && spent < 2n * TON + TON / 50n, `two payments and their fees, not ${spent}`);
    });

    it('has its transactions in a chain of hashes, newest first, in pages', async () => {
      const all = await client.getTransactions(wallet.address, { limit: 10 });
      assert.equal(all.length, 3);
      all.slice(1).forEach((transaction, i) => {
        const newer = all[i] as Transaction;
        assert.equal(newer.prevTransactionLt, transaction.lt);
        assert.equal(newer.prevTransactionHash.toString(16).padStart(64, '0'), transaction.hash().toString('hex'));
      });
      const [newest, middle, oldest] = all as [Transaction, Transaction, Transaction];
      const hash = newest.hash().toString('base64');
      const rest = await client.getTransactions(wallet.address, { limit: 10, lt: `${newest.lt}`, hash });
      assert.deepEqual(
        rest.map((transaction) => transaction.hash().toString('hex')),
        [middle, oldest].map((transaction) => transaction.hash().toString('hex')),
      );
      const above = { limit: 10, lt: `${newest.lt}`, hash, to_lt: `${middle.lt}`, inclusive: true };
      assert.equal((await client.getTransactions(wallet.address, above)).length, 1);
      const one = await client.getTransaction(wallet.address, `${middle.lt}`, middle.hash().toString('base64'));
      assert.deepEqual(one?.hash(), middle.hash());
    });

    it('finds the other end of a message from either side', async () => {
      const [received] = await client.getTransactions(target, { limit: 1 });
      const info = received?.inMessage?.info;
      assert.ok(received && info?.type === 'internal');
      const createdLt = String(info.createdLt);
      const sender = await client.tryLocateSourceTx(wallet.address, target, createdLt);
      assert.equal([...sender.outMessages.values()].length, 1);
      const receiver = await client.tryLocateResultTx(wallet.address, target, createdLt);
      assert.deepEqual(receiver.hash(), received.hash());
      await assert.rejects(client.tryLocateResultTx(target, wallet.address, createdLt));
    });

    it('has no get method but its own: exit code 11', async () => {
      const missing = await client.runMethodWithError(wallet.address, 'no_such_method');
      assert.equal(missing.exit_code, 11);
    });

    it('is told what a transfer would cost', async () => {
      const balance = await client.getBalance(wallet.address);
      const args = { body: transfer(2), initCode: null, initData: null, ignoreSignature: true };
      const { source_fees: fees } = await client.estimateExternalMessageFee(wallet.address, args);
      assert.ok(fees.gas_fee > 0 && fees.fwd_fee > 0 && fees.in_fwd_fee > 0);
      await client.open(wallet).send(transfer(2));
      await landed(async () => nearest(await client.getBalance(target)) === 3n);
      const cost = balance - (await client.getBalance(wallet.address)) - TON;
      const told = BigInt(fees.in_fwd_fee + fees.gas_fee + fees.fwd_fee + fees.storage_fee);
      const storage = 10_000n; // what some seconds between question and block may cost
      assert.ok(cost >= told && cost < told + storage, `told ${told}, paid ${cost}`);
    });

    it('learns that a message signed twice is refused, and nothing is recorded', async () => {
      const { lastTransaction } = await client.getContractState(wallet.address);
      await assert.rejects(
        client.open(wallet).send(transfer(0)),
        (error: { response?: { data: unknown; status: number } }) => {
          assert.equal(error.response?.status, 500);
          const { ok, code, error: text } = error.response.data as { ok: boolean; code: number; error: string };
          assert.equal(ok, false);
          assert.equal(code, 500);
          assert.match(text, /^LITE_SERVER_UNKNOWN: cannot apply external message to current state : .*exitcode=\d+/);
          return true;
        },
      );
      await devnet.ledger.produce();
      assert.deepEqual((await client.getContractState(wallet.address)).lastTransaction, lastTransaction);
    });
  });
}

it('a get method on an account without code has exit code -13', async () => {
  const empty = await client.runMethodWithError(new Address(0, randomBytes(32)), 'seqno');
  assert.equal(empty.exit_code, -13);
});

it('blocks go on, and their transactions can be listed', async () => {
  const first = await client.getMasterchainInfo();
  assert.equal(first.initSeqno, 0);
  const account = new Address(0, randomBytes(32));
  await devnet.faucet.give(account, TON);
  await landed(async () => (await client.getBalance(account)) === TON);
  const { latestSeqno } = await client.getMasterchainInfo();
  assert.ok(latestSeqno > first.latestSeqno);
  for (let seqno = latestSeqno; ; seqno -= 1) {
    assert.ok(seqno > first.latestSeqno, 'no block holds the payment');
    const [shard] = await client.getWorkchainShards(seqno);
    assert.ok(shard);
    const transactions = await client.getShardTransactions(shard.workchain, shard.seqno, shard.shard);
    if (transactions.length === 0) continue;
    assert.equal(transactions.length, 2);
    assert.ok(transactions[1]?.account.equals(account));
    break;
  }
});
