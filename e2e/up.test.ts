/** The network as a newcomer meets it: one command, real processes, the real model, and processes that die. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { builtinPolicy, judgePeer, withMeasurements } from '@bombyx/attest';
import { nodeCrypto } from '@bombyx/attest/node';
import OpenAI from 'openai';
import { freePorts } from '../apps/cli/src/ports.ts';
import { bombyx, here, Up } from './testing/command.ts';

/** Of `GET /v1/attestation`. */
interface Shown {
  role: 'proxy' | 'worker';
  proof: string;
  nonce: string;
  exporter: string;
  public_key: string;
}

interface Status {
  processes: { role: string; pid: number; state: string; restarts: number }[];
}

const question = { role: 'user', content: 'What is COCOON?' } as const;
const story = { role: 'user', content: 'Tell me a story about a fox.' } as const;

describe('bombyx up', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-up-'));
  let up: Up;
  let openai: OpenAI;
  let baseUrl: string;
  let port: number;

  before(async () => {
    [port] = (await freePorts(1)) as [number];
    up = new Up(folder, port);
    baseUrl = String((await up.event(({ event }) => event === 'serving'))['baseUrl']);
    openai = new OpenAI({ baseURL: baseUrl, apiKey: 'none', maxRetries: 0 });
  });
  after(async () => {
    await up[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const status = async () => JSON.parse((await here('status', '--json', '--data-dir', folder)).stdout) as Status;
  const pidOf = async (role: string) => (await status()).processes.find((child) => child.role === role)!.pid;
  const usedTokens = async () => {
    const config = JSON.parse(readFileSync(join(folder, 'proxy.json'), 'utf8')) as Record<string, string>;
    const page = await fetch(
      `http://127.0.0.1:${config['http_port']}/jsonstats?access_hash=${config['http_access_hash']}`,
    );
    const { clients } = (await page.json()) as {
      clients: { used_tokens: number | string; reserved_tokens: number | string }[];
    };
    return { used: Number(clients[0]?.used_tokens ?? 0), reserved: Number(clients[0]?.reserved_tokens ?? 0) };
  };

  /** Until a worker offers the model again: what restarts also has to find its peers. */
  const untilServing = async () => {
    for (let attempt = 0; attempt < 300; attempt++) {
      const models = (await (await fetch(`${baseUrl}/models`)).json()) as { data?: { workers?: unknown[] }[] };
      if (models.data?.some(({ workers }) => (workers?.length ?? 0) > 0)) return;
      await sleep(100);
    }
    assert.fail('the network does not serve again');
  };

  it('says where the API is, in the form an OpenAI client takes', () => {
    assert.equal(baseUrl, `http://127.0.0.1:${port}/v1`);
  });

  it('streams the answer of a real model token by token', async () => {
    const stream = await openai.chat.completions.create({
      model: 'bombyx-tiny',
      stream: true,
      temperature: 0,
      stream_options: { include_usage: true },
      messages: [question],
    });
    let text = '';
    let chunks = 0;
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) {
      const content = chunk.choices[0]?.delta.content ?? '';
      if (content !== '') chunks += 1;
      text += content;
      usage = chunk.usage ?? usage;
    }
    assert.match(text, /Confidential Compute Open Network/);
    assert.ok(chunks > 5, `${chunks} chunks`);
    assert.ok(usage && usage.completion_tokens >= chunks && usage.prompt_tokens > 0);
  });

  it('shows with each answer who has seen it, and proofs that anybody can judge again', async () => {
    const { response } = await openai.chat.completions
      .create({ model: 'bombyx-tiny', messages: [question], max_tokens: 4, stream: true })
      .withResponse();
    await response.text();
    assert.equal(response.headers.get('x-bombyx-tier'), 'simulated');
    const evidence = response.headers.get('x-bombyx-evidence') ?? '';
    const answer = await fetch(`${baseUrl}/attestation?evidence=${evidence}`);
    const { proxies } = (await answer.json()) as {
      proxies: (Shown & { workers: (Shown & { model_hash: string })[] })[];
    };
    const [proxy] = proxies;
    const [worker] = proxy!.workers;
    assert.equal(createHash('sha256').update(Buffer.from(worker!.proof, 'base64')).digest('hex'), evidence);
    assert.equal(worker!.model_hash, response.headers.get('x-bombyx-model-hash'));
    const config = JSON.parse(readFileSync(join(folder, 'client.json'), 'utf8')) as { simulated_roots: string[] };
    const roots = config.simulated_roots.map((hex) => Buffer.from(hex, 'hex'));
    const policy = withMeasurements(builtinPolicy('simulated', roots), { images: 'any', models: 'any' });
    for (const shown of [proxy!, worker!]) {
      const [bundle, nonce, exporter, publicKey] = [shown.proof, shown.nonce, shown.exporter, shown.public_key].map(
        (text) => Buffer.from(text, 'base64'),
      ) as [Buffer, Buffer, Buffer, Buffer];
      const binding = { role: shown.role, nonce, exporter, publicKey };
      const options = { atMs: Date.now(), crypto: nodeCrypto };
      const verdict = judgePeer(bundle, binding, policy, {}, options);
      assert.ok(verdict.ok, JSON.stringify(verdict));
      assert.equal(verdict.peer.tier, 'simulated');
      const elsewhere = judgePeer(bundle, { ...binding, exporter: Buffer.alloc(32) }, policy, {}, options);
      assert.ok(!elsewhere.ok);
    }
  });

  it('bills at the proxy what the answer says', async () => {
    const before = await usedTokens();
    const answer = await openai.chat.completions.create({ model: 'bombyx-tiny', temperature: 0, messages: [question] });
    const after = await usedTokens();
    assert.equal(after.used - before.used, answer.usage!.total_tokens);
    assert.equal(after.reserved, 0);
  });

  it('shows four processes in status, and answers chat on the command line', async () => {
    assert.deepEqual(
      (await status()).processes.map(({ role, state }) => `${role} ${state}`),
      ['engine ready', 'proxy ready', 'worker ready', 'client ready'],
    );
    const { code, stdout } = await bombyx('chat', '--data-dir', folder, 'Hello!');
    assert.equal(code, 0);
    assert.ok(stdout.trim().length > 0);
  });

  it('refuses to start twice in one folder, and on a port in use, in one sentence each', async () => {
    const twice = await bombyx('up', '--data-dir', folder, '--port', String(port));
    assert.equal(twice.code, 1);
    assert.match(twice.stderr, /^bombyx: this network runs already at http.*\n$/);
    const other = mkdtempSync(join(tmpdir(), 'bombyx-other-'));
    const taken = await bombyx('up', '--data-dir', other, '--port', String(port));
    rmSync(other, { recursive: true });
    assert.equal(taken.code, 78);
    assert.match(taken.stderr, /^bombyx: port \d+ is in use by another program; choose another with .*\n$/);
  });

  it('tells the caller within a second when the worker is killed during an answer, and serves again', async () => {
    const pid = await pidOf('worker');
    const seen = up.events.length;
    const stream = await openai.chat.completions.create({ model: 'bombyx-tiny', stream: true, messages: [story] });
    let killedAt = 0;
    await assert.rejects(async () => {
      for await (const _ of stream) {
        if (killedAt !== 0) continue;
        process.kill(pid, 'SIGKILL');
        killedAt = performance.now();
      }
    });
    const tookMs = performance.now() - killedAt;
    assert.ok(killedAt > 0 && tookMs < 1_000, `${Math.round(tookMs)} ms`);
    await up.event(({ event, role }) => event === 'restarted' && role === 'worker', seen);
    await untilServing();
    const again = await openai.chat.completions.create({ model: 'bombyx-tiny', messages: [question] });
    assert.ok((again.choices[0]?.message.content ?? '').length > 0);
  });

  it('loses no counted token when the proxy is killed under load', async () => {
    const before = await usedTokens();
    const seen = up.events.length;
    let delivered = 0;
    let running = true;
    const callers = Array.from({ length: 4 }, async () => {
      while (running) {
        try {
          const answer = await openai.chat.completions.create({
            model: 'bombyx-tiny',
            max_tokens: 4,
            messages: [question],
          });
          delivered += answer.usage!.total_tokens;
        } catch {
          await sleep(20);
        }
      }
    });
    await sleep(1_500);
    process.kill(await pidOf('proxy'), 'SIGKILL');
    await up.event(({ event, role }) => event === 'restarted' && role === 'proxy', seen);
    await sleep(500);
    running = false;
    await Promise.all(callers);
    await untilServing();
    const again = await openai.chat.completions.create({ model: 'bombyx-tiny', max_tokens: 4, messages: [question] });
    const perRequest = again.usage!.total_tokens;
    const counted = (await usedTokens()).used - before.used;
    const least = delivered + perRequest;
    assert.ok(delivered > 0);
    assert.ok(counted >= least, `counted ${counted}, delivered ${least}`);
    assert.ok(counted <= least + 4 * perRequest * 2, `counted ${counted}, delivered ${least}`); // requests cut off with the proxy
  });

  it('writes no prompt, answer or key into a log', () => {
    const keys = JSON.parse(readFileSync(join(folder, 'identity.json'), 'utf8')) as Record<
      string,
      Record<string, string>
    >;
    const secrets = ['fox', 'Confidential Compute', keys['proxy']!['machineKey']!, keys['client']!['walletKey']!];
    for (const file of readdirSync(join(folder, 'logs'))) {
      const text = readFileSync(join(folder, 'logs', file), 'utf8');
      for (const secret of secrets) assert.ok(!text.includes(secret), `${file} holds "${secret.slice(0, 4)}…"`);
    }
  });

  it('stops everything on Ctrl-C', async () => {
    const { processes } = await status();
    assert.equal(await up.stop('SIGINT'), 0);
    for (const { pid } of processes) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
    assert.equal((await bombyx('status', '--data-dir', folder)).code, 1);
  });
});
