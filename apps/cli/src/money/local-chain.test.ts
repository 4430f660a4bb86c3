/** What `bombyx up` prepares on a devnet in a process of its own, also after that process died. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it, type TestContext } from 'node:test';
import { nanoTon, silentLogger, systemClock } from '@bombyx/base';
import {
  type Chain,
  clientBirthData,
  formatAddress,
  initAddress,
  proxyBirthData,
  readContractCode,
  readRoot,
  rootConfig,
  workerBirthData,
} from '@bombyx/ton';
import { type DevnetChild, startDevnet } from '../../testing/devnet-child.ts';
import { eventually, openMoneyWorld, TON } from '../../testing/money-world.ts';
import { network } from '../commands/network.ts';
import { wallet } from '../commands/wallet.ts';
import { type Command, parseCommandLine } from '../usage.ts';
import { balancesText, localParties, readBalances } from './balances.ts';
import { openChain } from './chain-options.ts';
import { openKey, readKeyFile } from './key-file.ts';
import { type LocalChain, type LocalChainStep, prepareChain } from './local-chain.ts';
import { pay, purseOf, walletPlace } from './purse.ts';
import { loadRoot } from './root-work.ts';

const walletKeys = {
  proxy: Buffer.alloc(32, 1).toString('base64'),
  worker: Buffer.alloc(32, 2).toString('base64'),
  client: Buffer.alloc(32, 3).toString('base64'),
};
const machineKey = Buffer.alloc(32, 4).toString('base64');
const signal = AbortSignal.timeout(120_000);
/** Every test has wallets and a network of its own on it. */
const world = await openMoneyWorld();
after(() => world[Symbol.asyncDispose]());
const { api } = world;

interface Rig {
  readonly folder: string;
  /** A chain in a process of its own, which goes on where the last one stopped. */
  start(): Promise<DevnetChild>;
  prepare(api: string, proxyAddress: string): Promise<{ readonly local: LocalChain; readonly steps: LocalChainStep[] }>;
}

function rigFor(t: TestContext): Rig {
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-local-'));
  const children: DevnetChild[] = [];
  t.after(async () => {
    await Promise.all(children.map((child) => child.kill()));
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    folder,
    async start() {
      const child = await startDevnet(folder);
      children.push(child);
      return child;
    },
    async prepare(api, proxyAddress) {
      const steps: LocalChainStep[] = [];
      const deps = { clock: systemClock, log: silentLogger, progress: (step: LocalChainStep) => void steps.push(step) };
      const local = await prepareChain({ folder, api, proxyAddress, walletKeys }, deps, signal);
      writeConfigs(folder, local);
      return { local, steps };
    },
  };
}

/** As `bombyx up` writes them, as far as balances are concerned. */
function writeConfigs(folder: string, { rootAddress, owners, tonApi }: LocalChain): void {
  for (const role of ['proxy', 'worker', 'client'] as const) {
    const config = {
      is_test: true,
      is_testnet: true,
      root_contract_address: rootAddress,
      ton_api: tonApi,
      owner_address: owners[role],
      node_wallet_key: walletKeys[role],
      ...(role === 'proxy' ? { machine_specific_private_key: machineKey } : {}),
    };
    writeFileSync(join(folder, `${role}.json`), JSON.stringify(config));
  }
}

async function withChain<T>(
  folder: string,
  use: (chain: Chain, parties: NonNullable<ReturnType<typeof localParties>>) => Promise<T>,
): Promise<T> {
  const parties = localParties(folder);
  assert.ok(parties);
  await using chain = openChain(parties.chain.api);
  return await use(chain, parties);
}

it('gives every wallet coins once and creates the network once, whatever dies in between', async (t) => {
  const rig = rigFor(t);
  const first = await rig.start();
  const made = await rig.prepare(first.api, '127.0.0.1:1 127.0.0.1:2');
  const funded = made.steps.filter(({ event }) => event === 'funded').map((step) => 'whose' in step && step.whose);
  assert.deepEqual(funded.toSorted(), ['client', 'network', 'proxy', 'worker']);
  assert.deepEqual(made.steps.at(-1), { event: 'created', root: made.local.rootAddress });
  for (const name of readdirSync(join(rig.folder, 'wallets'))) {
    assert.equal(statSync(join(rig.folder, 'wallets', name)).mode & 0o077, 0, name);
  }

  await first.kill();
  const second = await rig.start();
  const again = await rig.prepare(second.api, '127.0.0.1:1 127.0.0.1:2');
  assert.deepEqual(again.steps, []);
  assert.deepEqual([again.local.rootAddress, again.local.owners], [made.local.rootAddress, made.local.owners]);

  const moved = await rig.prepare(second.api, '127.0.0.1:3 127.0.0.1:4');
  assert.deepEqual(moved.steps, [{ event: 'registered', proxyAddress: '127.0.0.1:3 127.0.0.1:4' }]);
  await withChain(rig.folder, async (chain, { rootAddress }) => {
    const { registeredProxies } = await readRoot(chain, rootAddress, true);
    const clients = { host: '127.0.0.1', port: 4 };
    assert.deepEqual(registeredProxies, [{ seqno: 1, workers: { host: '127.0.0.1', port: 3 }, clients }]);
  });
});

it('begins again on a new chain, with the same owners', async (t) => {
  const rig = rigFor(t);
  const made = await rig.prepare(api, '127.0.0.1:1');
  await using other = await openMoneyWorld();
  const again = await rig.prepare(other.api, '127.0.0.1:1');
  assert.equal(again.steps.length, 5);
  assert.deepEqual(again.local.owners, made.local.owners);
  assert.notEqual(again.local.rootAddress, made.local.rootAddress);
});

it('creates the network again when its file is damaged, and refuses a damaged key in one sentence', async (t) => {
  const rig = rigFor(t);
  const made = await rig.prepare(api, '127.0.0.1:1');
  writeFileSync(join(rig.folder, 'network.json'), '{"root_contract');
  const again = await rig.prepare(api, '127.0.0.1:1');
  assert.deepEqual(again.steps, [{ event: 'created', root: again.local.rootAddress }]);
  assert.notEqual(again.local.rootAddress, made.local.rootAddress);
  writeFileSync(join(rig.folder, 'wallets', 'proxy.json'), '{}');
  await assert.rejects(rig.prepare(api, '127.0.0.1:1'), /^MoneyError: .*proxy\.json is no key file, or it is damaged/);
});

for (const moment of ['funded', 'created'] as const) {
  it(`goes on where it was stopped when something was ${moment}`, async (t) => {
    const rig = rigFor(t);
    const stop = new AbortController();
    const seen: string[] = [];
    const progress = ({ event }: LocalChainStep) => {
      seen.push(event);
      if (event === moment) stop.abort();
    };
    const options = { folder: rig.folder, api, proxyAddress: '127.0.0.1:1', walletKeys };
    await assert.rejects(prepareChain(options, { clock: systemClock, log: silentLogger, progress }, stop.signal));
    const { steps } = await rig.prepare(api, '127.0.0.1:1');
    assert.equal(steps.at(-1)?.event, 'created');
    await withChain(rig.folder, async (chain, parties) => {
      const wallets = await Promise.all([parties.proxy, parties.worker].map(({ wallet }) => chain.account(wallet)));
      for (const { balance } of wallets) assert.ok(balance >= 100n * TON);
    });
  });
}

it('leaves files by which a person runs the network: its prices, its wallets', async (t) => {
  const rig = rigFor(t);
  await rig.prepare(api, '127.0.0.1:1');
  const [ton, wallets] = [join(rig.folder, 'network.json'), join(rig.folder, 'wallets')];
  const run = (command: Command, ...argv: readonly string[]) => {
    const key = ['--wallet', join(wallets, 'network.json'), '--passphrase-file', join(wallets, 'passphrase')];
    return command.run(parseCommandLine(command, [...argv, ...key, '--ton', ton, '--yes', '--json']), signal);
  };
  t.mock.method(console, 'log', () => {});
  assert.equal(await run(network, 'set-price', '3', '2'), 0);
  const worker = formatAddress(walletPlace(readKeyFile(join(wallets, 'worker.json'))).address, { testnet: true });
  assert.equal(await run(wallet, 'send', worker, '1.5'), 0);
  await withChain(rig.folder, async (chain, parties) => {
    assert.equal((await readRoot(chain, parties.rootAddress, true)).pricePerToken, 3n);
    await eventually(async () => (await chain.account(parties.worker.owner)).balance === (3n * TON) / 2n);
  });
});

it('tells the balances of everybody, before and after their contracts stand', async (t) => {
  const rig = rigFor(t);
  assert.equal(localParties(rig.folder), undefined);
  await rig.prepare(api, '127.0.0.1:1');
  await withChain(rig.folder, async (chain, parties) => {
    const before = await readBalances(parties, chain, signal);
    const coins = (whose: string, what: string, of = before) =>
      of.find((row) => row.whose === whose && row.what === what)?.coins;
    assert.deepEqual(
      (['proxy', 'worker', 'client'] as const).map((role) => [coins(role, 'wallet'), coins(role, 'owner')]),
      Array.from({ length: 3 }, () => [100n * TON, 0n]),
    );
    const network = coins('network', 'owner') ?? 0n;
    assert.ok(network > 19n * TON && network < 20n * TON, `${network}`);
    assert.match(balancesText(before, { testnet: true }), /^proxy +contract +0 +0Q\S{46} +not deployed$/m);

    const passphrase = readFileSync(join(rig.folder, 'wallets', 'passphrase'), 'utf8').trim();
    const key = readKeyFile(join(rig.folder, 'wallets', 'network.json'));
    const purse = purseOf(await openKey(key, passphrase), key.owner);
    const { rootAddress, proxy, worker, client } = parties;
    const root = rootConfig(await loadRoot(rootAddress, { chain }, signal));
    const { publicKey } = proxy;
    const pool = {
      code: readContractCode('proxy'),
      data: proxyBirthData(root, { owner: proxy.owner, publicKey, rootAddress }),
    };
    const party = (owner: typeof proxy.owner) => ({ owner, proxy: initAddress(pool), publicKey });
    const contracts = [
      pool,
      { code: readContractCode('worker'), data: workerBirthData(root, party(worker.owner)) },
      { code: readContractCode('client'), data: clientBirthData(root, party(client.wallet)) },
    ];
    const deps = { chain, clock: systemClock, log: silentLogger, pollMs: 20 };
    for (const init of contracts) {
      await pay(purse, { to: initAddress(init), amount: nanoTon(TON), bounce: false, init }, deps, signal);
    }
    const after = await readBalances(parties, chain, signal);
    assert.deepEqual(
      after.filter(({ what }) => what === 'contract').map(({ detail }) => detail),
      [
        'normal, earned and not paid out 0, stake 0',
        'normal, paid for 0 tokens',
        'normal, paid in and not used 0, of it stake 5, used 0 tokens',
      ],
    );
    assert.ok((coins('proxy', 'contract', after) ?? 0n) > 0n);
  });
});

it('says in one sentence that no chain answers', async (t) => {
  const rig = rigFor(t);
  await assert.rejects(rig.prepare('http://127.0.0.1:1/api/v2/jsonRPC', '127.0.0.1:1'), {
    code: 'CHAIN_UNREACHABLE',
    message: '127.0.0.1:1: no answer; does "bombyx devnet" run there?',
  });
});
