/** Gas of every operation: ours against the two dialects that were measured before (FunC 0.4.6, Tolk 1.2). */
import { nanoTon } from '@bombyx/base';
import { type Address, beginCell, type Cell, internal } from '@ton/core';
import {
  actor,
  at,
  code,
  key,
  params,
  publicKey,
  START,
  type Step,
  signed,
  TON,
  World,
} from '../testing/contracts-world.ts';
import { clientBirthData, clientRequest } from './contracts/client.ts';
import { initAddress } from './contracts/data.ts';
import { proxyRequest, signClosing } from './contracts/proxy.ts';
import { rootDataCell } from './contracts/root.ts';
import { rootRequest } from './contracts/root-requests.ts';
import { walletBirthData, walletRequest } from './contracts/wallet.ts';
import { workerBirthData, workerRequest } from './contracts/worker.ts';
import { signWalletOrder } from './external-wallet.ts';
import { privateKeyFromSeed, publicKeyBytes } from './keys.ts';

interface Row {
  readonly operation: string;
  readonly ours: number;
  readonly b: number;
  readonly a: number;
  /** TON: fees of all contracts concerned. */
  readonly cost: string;
}

const rows: Row[] = [];
const owner = actor('client owner');
const earner = actor('worker owner');
const excess = actor('excess');
const request = { queryId: 1n, excess };

function row(operation: string, steps: readonly Step[], accounts: readonly Address[], b: number, a: number): void {
  const own = accounts.map((account) => at(steps, account));
  const failed = own.find(({ succeeded }) => !succeeded);
  if (failed && !operation.includes('refused'))
    throw new Error(`${operation}: exit ${failed.exit}, action ${failed.action}`);
  const gas = Number(own.reduce((sum, step) => sum + step.gas, 0n));
  const fees = own.reduce((sum, step) => sum + step.fees, 0n);
  rows.push({ operation, ours: gas, b, a, cost: (Number(fees) / 1e9).toFixed(5) });
}

const world = await World.create({ config: 'default' });
const party = { owner, proxy: world.proxy, publicKey };
const client = world.clientOf(owner);
const worker = world.workerOf(earner);
const normal = async (change = {}): Promise<void> => {
  await world.placeProxy({ stake: nanoTon(20n * TON), balance: nanoTon(2n * TON) });
  await world.placeClient(owner, { balance: nanoTon(10n * TON), stake: nanoTon(2n * TON), ...change });
  await world.placeWorker(earner);
};

{
  const deployer = actor('deployer');
  const wallet = walletBirthData({ publicKey, owner: deployer });
  const root = rootDataCell({
    owner: deployer,
    version: 1,
    proxyImages: [],
    workerImages: [],
    models: [],
    proxies: new Map(),
    lastProxySeqno: 0,
    params,
  });
  row('deploy proxy', await world.deploy(deployer, 'proxy', world.proxyBirth(), TON), [world.proxy], 741, 649);
  row('deploy client', await world.deploy(deployer, 'client', clientBirthData(params, party), TON), [client], 641, 597);
  row(
    'deploy worker',
    await world.deploy(deployer, 'worker', workerBirthData(params, { ...party, owner: earner }), TON),
    [worker],
    541,
    649,
  );
  row(
    'deploy root',
    await world.deploy(deployer, 'root', root, TON),
    [initAddress({ code: code.root, data: root })],
    493,
    649,
  );
  row(
    'deploy wallet',
    await world.deploy(deployer, 'wallet', wallet, TON),
    [initAddress({ code: code.wallet, data: wallet })],
    541,
    767,
  );
}

const both = [client, world.proxy];
const amount = nanoTon(3n * TON);
const secretHash = Buffer.alloc(32, 9);
await normal();
row(
  'client top-up',
  await world.send(owner, client, 4n * TON, clientRequest.topUp({ ...request, amount })),
  both,
  17869,
  22017,
);
row(
  'client top-up + secret',
  await world.send(owner, client, 4n * TON, clientRequest.topUpWithSecret({ ...request, amount, secretHash })),
  both,
  18231,
  22315,
);
row(
  'client register',
  await world.send(owner, client, TON, clientRequest.register({ ...request, nonce: 5n })),
  [client],
  9417,
  11318,
);
row(
  'client secret',
  await world.send(owner, client, TON, clientRequest.changeSecret({ ...request, secretHash })),
  [client],
  9117,
  11603,
);
row(
  'client raise stake',
  await world.send(owner, client, TON, clientRequest.raiseStake({ ...request, stake: amount })),
  [client],
  9293,
  11857,
);
row(
  'client charge',
  await world.send(owner, client, TON, signed('charge', client, 1000n, excess)),
  [client],
  11549,
  15937,
);
row('client withdraw', await world.send(owner, client, TON, clientRequest.withdraw(request)), both, 20522, 25462);
row(
  'client refund, signed',
  await world.send(owner, client, TON, signed('refund', client, 2000n, excess)),
  both,
  22794,
  30151,
);
await normal();
row(
  'client ask refund 1, with payment',
  await world.send(owner, client, TON, clientRequest.askRefund(request)),
  both,
  21583,
  27422,
);
world.wait(4000);
row('client ask refund 2', await world.send(owner, client, TON, clientRequest.askRefund(request)), both, 20577, 26185);
await normal({ balance: nanoTon(TON) });
row(
  'client ask refund 1, without',
  await world.send(owner, client, TON, clientRequest.askRefund(request)),
  [client],
  10712,
  13792,
);
await normal();
row('worker register', await world.send(earner, worker, TON, workerRequest.register(request)), [worker], 5187, 6486);
row(
  'worker payout',
  await world.send(earner, worker, TON, signed('payout', worker, 1000n, excess)),
  [worker, world.proxy],
  17982,
  22550,
);
row(
  'worker last payout',
  await world.send(earner, worker, TON, signed('lastPayout', worker, 2000n, excess)),
  [worker, world.proxy],
  18047,
  22609,
);
row(
  'proxy raise stake',
  await world.send(owner, world.proxy, 4n * TON, proxyRequest.raiseStake({ ...request, amount })),
  [world.proxy],
  5652,
  6438,
);
row(
  'proxy pay out earnings',
  await world.send(owner, world.proxy, TON, proxyRequest.payEarnings(request)),
  [world.proxy],
  6845,
  7535,
);
await normal();
row(
  'proxy text withdraw',
  await world.send(world.owner, world.proxy, TON, proxyRequest.text('w')),
  [world.proxy],
  5028,
  6920,
);
row(
  'proxy start closing: owner',
  await world.send(world.owner, world.proxy, TON, proxyRequest.close(request)),
  [world.proxy],
  7361,
  8866,
);
world.wait(90_000);
row(
  'proxy finish closing',
  await world.send(
    owner,
    world.proxy,
    TON,
    signClosing({ kind: 'closeComplete', contract: world.proxy, ...request }, key),
  ),
  [world.proxy],
  7440,
  8960,
);
await normal();
row(
  'proxy start closing: text',
  await world.send(world.owner, world.proxy, TON, proxyRequest.text('c')),
  [world.proxy],
  6589,
  9273,
);
await normal();
row(
  'proxy start closing: signed',
  await world.send(owner, world.proxy, TON, signClosing({ kind: 'close', contract: world.proxy, ...request }, key)),
  [world.proxy],
  8002,
  10076,
);
await normal();
{
  const forged = signed('charge', client, 1000n, excess).beginParse();
  const body = beginCell()
    .storeSlice(forged.clone().loadRef().beginParse().loadUint(32) === 0 ? forged : forged)
    .endCell();
  const wrong = beginCell()
    .storeBits(body.beginParse().loadBits(363))
    .storeBuffer(Buffer.alloc(64, 1))
    .storeRef(body.refs[0] as Cell)
    .endCell();
  row('charge with a bad signature (refused)', await world.send(owner, client, TON, wrong), [client], 2801, 4597);
}

const root = actor('the root contract');
const admin = actor('owner of root');
await world.place(
  root,
  'root',
  rootDataCell({
    owner: admin,
    version: 1,
    proxyImages: [],
    workerImages: [],
    models: [],
    proxies: new Map(),
    lastProxySeqno: 0,
    params,
  }),
  TON,
);
const asRoot = async (operation: string, body: Cell, b: number, a: number): Promise<void> =>
  row(`root ${operation}`, await world.send(admin, root, TON, body), [root], b, a);
const query = { queryId: 1n };
const entry = { ...query, hash: Buffer.alloc(32, 3) };
await asRoot('add worker image', rootRequest.add('workerImage', entry), 7567, 7199);
await asRoot('add model', rootRequest.add('model', entry), 7789, 7543);
await asRoot('add proxy image', rootRequest.add('proxyImage', entry), 8129, 7929);
await asRoot(
  'register proxy',
  rootRequest.registerProxy({ ...query, text: '10.0.0.1:1111 10.0.0.1:2222' }),
  8557,
  8419,
);
await asRoot('update proxy', rootRequest.updateProxy({ ...query, seqno: 1, text: '10.0.0.1:1111' }), 9222, 10028);
await asRoot('unregister proxy', rootRequest.deleteProxy({ ...query, seqno: 1 }), 8269, 8207);
await asRoot('delete worker image', rootRequest.delete('workerImage', entry), 7243, 7013);
await asRoot('delete model', rootRequest.delete('model', entry), 7583, 7365);
await asRoot('delete proxy image', rootRequest.delete('proxyImage', entry), 7823, 7651);
const prices = { ...query, pricePerToken: nanoTon(3n), workerFeePerToken: nanoTon(1n) };
await asRoot('fees', rootRequest.changePrices(prices), 8373, 11670);
await asRoot(
  'parameters',
  rootRequest.changeParams({
    ...prices,
    proxyDelayBeforeCloseSec: 5,
    clientDelayBeforeCloseSec: 6,
    minProxyStake: amount,
    minClientStake: amount,
  }),
  8705,
  11780,
);
await asRoot(
  'codes',
  rootRequest.changeCodes({ ...query, proxyCode: code.proxy, workerCode: code.worker, clientCode: code.client }),
  8705,
  11912,
);
await asRoot('reset', rootRequest.reset(query), 9286, 9095);
await asRoot('owner', rootRequest.changeOwner({ ...query, owner: admin }), 9546, 9312);
await asRoot('code', rootRequest.upgradeCode({ ...query, code: code.root }), 4896, 9271);
await asRoot(
  'data and code',
  rootRequest.upgrade({ ...query, code: code.root, data: await world.data(root) }),
  6427,
  7555,
);

const walletKey = privateKeyFromSeed(Buffer.alloc(32, 9));
const wallet = actor('wallet');
await world.place(wallet, 'wallet', walletBirthData({ publicKey: publicKeyBytes(walletKey), owner: admin }), 50n * TON);
for (const [messages, b, a] of [
  [1, 3467, 3445],
  [4, 5579, 5371],
] as const) {
  const message = internal({ to: excess, value: TON / 10n, bounce: false });
  const order = {
    subwallet: 0,
    validUntilSec: START + 900_000,
    seqno: messages === 1 ? 0 : 1,
    messages: Array.from({ length: messages }, () => ({ mode: 3, message })),
  };
  row(
    `wallet external, ${messages}`,
    await world.sendExternal(wallet, signWalletOrder(order, walletKey)),
    [wallet],
    b,
    a,
  );
}
const asOwner = async (operation: string, body: Cell, b: number, a: number): Promise<void> =>
  row(`wallet ${operation}`, await world.send(admin, wallet, TON, body), [wallet], b, a);
await asOwner(
  'owner sends',
  walletRequest.send({ ...query, mode: 3, message: internal({ to: excess, value: 5n, bounce: false }) }),
  2069,
  2513,
);
await asOwner('block', walletRequest.text('b'), 2520, 3306);
await asOwner('withdraw all', walletRequest.text('w'), 3530, 4400);

console.table(
  rows.map((r) => ({ ...r, saved: `${Math.round((1 - r.ours / r.b) * 100)} %`, bar: r.ours < r.b ? 'met' : 'missed' })),
);
