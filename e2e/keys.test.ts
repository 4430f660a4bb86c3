/** API keys over the whole chain: what a key spends is what the proxy bills, and a killed client forgets none of it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { KEYS_FILE, KeyStore } from '@bombyx/gateway';
import OpenAI from 'openai';
import { freePorts } from '../apps/cli/src/ports.ts';
import { here, Up } from './testing/command.ts';

/** Of the network that `bombyx up` makes, nanoTON. */
const PRICE_PER_TOKEN = 2n;
const question = { role: 'user', content: 'What is COCOON?' } as const;
const LONG = {
  model: 'bombyx-tiny',
  messages: [{ role: 'user', content: 'Tell me a story about a fox.' } as const],
  max_tokens: 400,
};

describe('API keys of a whole network', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-keys-'));
  const inFolder = ['--data-dir', folder, '--json'] as const;
  let up: Up;
  let baseUrl: string;
  let port: number;
  let openai: OpenAI;
  let store: KeyStore;
  let key: string;

  before(async () => {
    [port] = (await freePorts(1)) as [number];
    up = new Up(folder, port);
    baseUrl = String((await up.event(({ event }) => event === 'serving'))['baseUrl']);
    const { stdout } = await here('keys', 'create', 'laptop', ...inFolder);
    ({ key } = JSON.parse(stdout) as { key: string });
    store = new KeyStore(join(folder, 'client', KEYS_FILE));
    openai = new OpenAI({ baseURL: baseUrl, apiKey: key, maxRetries: 0 });
  });
  after(async () => {
    store[Symbol.dispose]();
    await up[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const books = () => store.list()[0]!.books;
  const untilHeld = async (held: boolean) => {
    for (let attempt = 0; attempt < 1_000; attempt++) {
      if (books().held > 0n === held) return;
      await sleep(10);
    }
    assert.fail(held ? 'nothing is ever held' : 'the hold is never settled');
  };

  /** The one line of a report, once there is one: diaries write once a second. */
  const reported = async (command: 'costs' | 'earnings', by: string) => {
    for (let attempt = 0; attempt < 300; attempt++) {
      const { stdout } = await here(command, '--by', by, ...inFolder);
      if (stdout !== '') return JSON.parse(stdout) as Record<string, string>;
      await sleep(100);
    }
    return assert.fail(`"bombyx ${command}" never shows the request`);
  };

  it('spends what was used at the price of the network, in the key and in the diary', async () => {
    const { usage } = await openai.chat.completions.create({
      model: 'bombyx-tiny',
      messages: [question],
      max_tokens: 16,
    });
    const cost = BigInt(usage!.total_tokens) * PRICE_PER_TOKEN;
    assert.deepEqual([books().spentTotal, books().held], [cost, 0n]);
    const { model, party, nanoTon } = await reported('costs', 'model,party');
    assert.deepEqual([model, party, nanoTon], ['bombyx-tiny', 'laptop', String(cost)]);
    const earned = await reported('earnings', 'model');
    assert.deepEqual([earned['total'], earned['nanoTon']], [String(usage!.total_tokens), String(usage!.total_tokens)]);
  });

  it('charges a caller who leaves for what was delivered, and not for all that was held', async () => {
    const { spentTotal } = books();
    const stream = await openai.chat.completions.create({ ...LONG, stream: true });
    for await (const _chunk of stream) break;
    await untilHeld(false);
    const cost = books().spentTotal - spentTotal;
    assert.ok(cost > 0n && cost < 450n * PRICE_PER_TOKEN, `${cost}`);
  });

  it('counts what ran as spent when the client is killed', async () => {
    const { processes } = JSON.parse((await here('status', ...inFolder)).stdout) as {
      processes: { role: string; pid: number }[];
    };
    const seen = up.events.length;
    const running = Array.from({ length: 8 }, () => openai.chat.completions.create(LONG).catch(() => {}));
    await untilHeld(true);
    process.kill(processes.find(({ role }) => role === 'client')!.pid, 'SIGKILL');
    await Promise.all(running);
    const { spentTotal, held } = books(); // where it has started again already, the sum is the same
    await up.event(({ event, role }) => event === 'restarted' && role === 'client', seen);
    assert.deepEqual([books().spentTotal, books().held], [spentTotal + held, 0n]);
    assert.ok(spentTotal + held > 1_000n * PRICE_PER_TOKEN, 'holds are larger than what was billed before');
  });

  it('answers "bombyx chat" with the key, and not without', async () => {
    const asked = ['hi', '--max-tokens', '4', '--data-dir', folder, '--json'];
    assert.equal((await here('chat', ...asked, '--api-key', key)).code, 0);
    const refused = await here('chat', ...asked);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /invalid_api_key/);
  });

  it('refuses everybody once the key is revoked', async () => {
    await here('keys', 'revoke', 'laptop', ...inFolder);
    await assert.rejects(openai.models.list(), (error) => error instanceof OpenAI.AuthenticationError);
    assert.equal((await fetch(`${baseUrl}/models`)).status, 401);
  });

  it('starts again where callers need a key', async () => {
    await up[Symbol.asyncDispose]();
    up = new Up(folder, port);
    await up.event(({ event }) => event === 'serving');
    assert.equal((await fetch(`${baseUrl}/models`)).status, 401);
  });
});
