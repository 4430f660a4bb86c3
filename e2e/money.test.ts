/** Money over a whole network: real processes on a real chain, some of them killed, and every coin accounted for. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatAddress, operatingWallet, parseAddress, privateKeyFromSeed, publicKeyBytes } from '@bombyx/ton';
import { freePorts } from '../apps/cli/src/ports.ts';
import { ask, type Reply } from './testing/ask.ts';
import { startBackend } from './testing/backend.ts';
import { chargesOf, compareBill } from './testing/bill.ts';
import { here, main } from './testing/command.ts';
import { clientLeaves, reckon, until, untilQuiet, workerIsPaid } from './testing/farewell.ts';
import { LocalNetwork, type Role } from './testing/local-network.ts';
import { Traffic } from './testing/traffic.ts';

const quiet = () => {};
const question = { model: 'bombyx-tiny', max_tokens: 8, messages: [{ role: 'user', content: 'What is COCOON?' }] };

/** NanoTON that stay in the account of a worker where the proxy deployed it, to pay it. */
const LEFT_BY_DEPLOYER = 110_000_000n;

interface ClientPage {
  /** NanoTON. */
  readonly money: { readonly topped_up_today: number };
}

interface ProxyPage {
  readonly clients: readonly { readonly available_tokens: number }[];
}

describe('money', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-money-'));
  let network: LocalNetwork;
  let traffic: Traffic;

  before(async () => {
    network = await LocalNetwork.start(folder);
    traffic = new Traffic(network.baseUrl);
  });
  after(async () => {
    await network?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  it('refuses a client whose wallet is empty, and says how much to send where', async () => {
    const { file, baseUrl, address, stop } = await startPoorClient(network, join(folder, 'poor'));
    try {
      const { status, error } = await untilRefusedFor(baseUrl);
      assert.equal(status, 402);
      assert.equal(error?.code, 'balance');
      const [, amount, to] = /send (?:at least )?([\d.]+) TON to ([\w-]+)/.exec(error?.message ?? '') ?? [];
      assert.equal(to, address, error?.message);
      assert.ok(Number(amount) > 5, `${amount} TON would be no stake`);
      const { stdout } = await here('stake', '--config', file);
      assert.match(stdout, new RegExp(`To do: .* TON to ${address}`));
    } finally {
      await stop();
    }
  });

  it('bills no answer twice and none for nothing, though proxy and worker are killed during answers', async () => {
    for (const role of ['proxy', 'worker'] as const satisfies readonly Role[]) {
      for (const kind of ['stream', 'whole', 'embedding', 'left', 'bad'] as const) await traffic.ask('', kind);
      const running = ['stream', 'whole', 'left', 'stream'] as const;
      const answers = running.map((kind) => traffic.ask('', kind));
      await network.kill(role);
      await Promise.all(answers);
    }
    await traffic.ask('', 'whole');
    assert.ok(traffic.count('answered') >= 7, `${traffic.count('answered')} answers`);
    assert.ok((await network.checkLedger()).chain);
  });

  it('pays one more stake in before the account is empty, while requests go on, and refuses none of them', async () => {
    await using backend = await startBackend(question.model);
    await network.serveFrom(backend.port);
    const paidIn = async () => (await network.page<ClientPage>('client')).money.topped_up_today;
    /** Of the first stake, which buys 100,000 tokens. */
    const before = await paidIn();
    const spend = async (tokens: number) => {
      const content = `[[lie=${tokens}]]`;
      const asked = { ...question, max_tokens: tokens, messages: [{ role: 'user', content }] };
      const { status, error, body } = await ask(network, asked);
      assert.equal(status, 200, error?.message);
      const { prompt_tokens: prompt, completion_tokens: completion } = body['usage'] as Record<string, number>;
      traffic.outcomes.push({ kind: 'answered', prompt: prompt!, completion: completion! });
    };
    for (let i = 0; i < 28; i += 1) await spend(2_000);
    await until('a stake is paid in, and the proxy has seen it', async () => {
      await spend(50);
      if ((await paidIn()) === before) return false;
      const { clients } = await network.page<ProxyPage>('proxy');
      return clients.some(({ available_tokens: tokens }) => tokens > 60_000);
    });
    assert.equal((await paidIn()) - before, before, 'once, as much as at first');
    for (let i = 0; i < 28; i += 1) await spend(2_000); // more than was left of the first stake
  });

  it('gives the client its coins back, pays the worker, and loses no nanoTON', async () => {
    const before = await network.holding('client', 'wallet');
    const has = await clientLeaves(network, quiet);
    assert.ok(has > before.coins + 3_000_000_000n, 'what was not used came back, too');
    await workerIsPaid(network, quiet);
    await untilQuiet(network);
    const { audit, missing, sheets } = await reckon(network);
    assert.deepEqual([audit.difference, missing], [0n, 0n]);
    assert.equal(
      [...sheets.values()].reduce((sum, { earned }) => sum + earned, 0n),
      0n,
    );
    await until('the client says what it lacks', async () => {
      const { lacking } = JSON.parse(await network.run('status', '--json')) as {
        lacking: { role: string; lack: string }[];
      };
      return /send .* TON to/.test(lacking.find(({ role }) => role === 'client')?.lack ?? '');
    });

    const config = network.config('proxy');
    await network[Symbol.asyncDispose]();
    await network.checkLedger();
    const { faults, tokens } = compareBill(traffic.outcomes, chargesOf(config));
    assert.deepEqual(faults, []);
    // 50,000 nanoTON a token from the client, 45,000 to the worker; what else moved is gas of others' messages.
    const besides = (party: string, price: bigint) => sheets.get(party)!.earned - price * BigInt(tokens);
    const isGas = (amount: bigint) => amount < 5_000_000n && -amount < 5_000_000n;
    const [client, worker] = [besides('client', -50_000n), besides('worker', 45_000n)];
    assert.ok(isGas(client), `the client: ${client} nanoTON`);
    assert.ok(isGas(worker) || isGas(worker - LEFT_BY_DEPLOYER), `the worker: ${worker} nanoTON`);
  });
});

/** A client of the same network with a wallet of its own in which nothing is. */
async function startPoorClient(network: LocalNetwork, dataDir: string) {
  const [port] = (await freePorts(1)) as [number];
  const seed = randomBytes(32);
  const file = `${dataDir}.json`;
  const config = {
    ...network.config('client'),
    http_port: port,
    node_wallet_key: seed.toString('base64'),
    data_dir: dataDir,
  };
  writeFileSync(file, JSON.stringify(config));
  const owner = parseAddress(String(network.config('client')['owner_address']));
  const party = { publicKey: publicKeyBytes(privateKeyFromSeed(seed)), owner };
  const child = spawn(process.execPath, [main, 'client', '--config', file, '--json'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) if (line.includes('"ready"')) break;
  child.stdout.resume();
  return {
    file,
    baseUrl: `http://127.0.0.1:${port}/v1`,
    address: formatAddress(operatingWallet(party, 'bombyx').address, { testnet: true }),
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** The first answer that is not about a connection still being made. */
async function untilRefusedFor(baseUrl: string): Promise<Reply> {
  for (let attempt = 0; attempt < 60; attempt += 1) {
    const reply = await ask({ baseUrl }, question);
    if (reply.status !== 503) return reply;
    await sleep(250);
  }
  return assert.fail('it is never said what is lacking');
}
