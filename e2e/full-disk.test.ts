/**
 * A network whose disk is really full: the kernel refuses the proxy's writes, and everybody's log. Once by a file system
 * without a free block (ENOSPC; needs the right to mount one), once by a limit on the size of files (EFBIG; any Linux).
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';
import { freePorts } from '../apps/cli/src/ports.ts';
import { bombyx, here, Up } from './testing/command.ts';

const succeeds = (command: string, ...args: string[]) => spawnSync(command, args).status === 0;

describe('a network on a full disk', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-full-'));
  const ballast = join(folder, 'ballast');
  const mounted = succeeds('mount', '-t', 'tmpfs', '-o', 'size=16m,mode=700', 'tmpfs', folder);
  const needsMount = { skip: !mounted && 'needs the right to mount a file system' };
  const needsLimits = { skip: !succeeds('prlimit', '--version') && 'needs prlimit of util-linux' };
  let port: number;
  let up: Up;
  let openai: OpenAI;
  /** Tokens of all answers that arrived whole. */
  let delivered = 0;

  const start = async () => {
    up = new Up(folder, port);
    await up.event(({ event }) => event === 'serving');
  };
  before(async () => {
    [port] = (await freePorts(1)) as [number];
    openai = new OpenAI({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey: 'none', maxRetries: 0 });
    await start();
  });
  after(async () => {
    await up[Symbol.asyncDispose]();
    if (mounted) assert.ok(succeeds('umount', folder));
    rmSync(folder, { recursive: true });
  });
  afterEach(async () => {
    assert.equal(await usedTokens(), delivered, 'what was delivered whole is charged, and nothing else');
    await ask();
    assert.equal(await usedTokens(), delivered, 'it charges again');
  });

  const question = () => ({
    model: 'bombyx-tiny',
    max_tokens: 8,
    messages: [{ role: 'user' as const, content: 'Hello!' }],
  });
  const ask = async () => {
    const { usage } = await openai.chat.completions.create(question());
    delivered += usage!.total_tokens;
  };
  const pidOf = async (name: string) => {
    const { stdout } = await here('status', '--json', '--data-dir', folder);
    const { processes } = JSON.parse(stdout) as { processes: { role: string; pid: number }[] };
    return processes.find(({ role }) => role === name)!.pid;
  };
  const usedTokens = async () => {
    const config = JSON.parse(readFileSync(join(folder, 'proxy.json'), 'utf8')) as Record<string, string>;
    const { http_port: httpPort, http_access_hash: hash } = config;
    const page = await fetch(`http://127.0.0.1:${httpPort}/jsonstats?access_hash=${hash}`);
    const { clients } = (await page.json()) as { clients: { used_tokens: number; reserved_tokens: number }[] };
    assert.ok(clients.every(({ reserved_tokens: reserved }) => Number(reserved) === 0));
    return clients.reduce((sum, { used_tokens: used }) => sum + Number(used), 0);
  };

  const fill = () => {
    const file = openSync(ballast, 'w');
    const block = Buffer.alloc(4096);
    const writeOn = () => {
      for (;;) writeSync(file, block);
    };
    assert.throws(writeOn, { code: 'ENOSPC' });
    closeSync(file);
  };
  const limitFiles = (pid: number, most: string) =>
    assert.ok(succeeds('prlimit', '--pid', String(pid), `--fsize=${most}:`));

  /** Coded errors, to whole answers and to streams, and a proxy that goes on. */
  const refuses = async () => {
    for (let attempt = 0; attempt < 3; attempt++) {
      await assert.rejects(ask(), (error) => {
        assert.ok(error instanceof OpenAI.APIError, String(error));
        assert.equal(error.status, 503, error.message);
        assert.equal(typeof error.code, 'string');
        return true;
      });
    }
    const stream = await openai.chat.completions.create({ ...question(), stream: true });
    const read = async () => {
      for await (const _ of stream);
    };
    await assert.rejects(read, (error) => error instanceof OpenAI.APIError && typeof error.code === 'string');
    assert.deepEqual(
      up.events.filter(({ event, role }) => event === 'exited' && role === 'proxy'),
      [],
    );
  };

  it('answers coded errors while no block is free, and charges when there is room', needsMount, async () => {
    await ask();
    fill();
    await refuses();
    rmSync(ballast);
  });

  it('answers coded errors while no file may grow, and charges when they may', needsLimits, async () => {
    await ask();
    const pid = await pidOf('proxy');
    limitFiles(pid, '0');
    await refuses();
    limitFiles(pid, 'unlimited');
  });

  it('starts a worker again that dies meanwhile', needsMount, async () => {
    const pid = await pidOf('worker');
    fill();
    const seen = up.events.length;
    process.kill(pid, 'SIGKILL');
    await up.event(({ event, role }) => event === 'restarted' && role === 'worker', seen);
    await up.event(({ event }) => event === 'warning', seen); // that "bombyx status" shows the worker before
    rmSync(ballast);
    for (;;) {
      const served = await ask().then(
        () => true,
        () => false,
      );
      if (served) return;
      await sleep(100);
    }
  });

  it('says in one sentence that it cannot start, and finds every charge again when it can', async () => {
    assert.equal(await up.stop('SIGTERM'), 0);
    if (mounted) {
      fill();
      const refused = await bombyx('up', '--data-dir', folder, '--port', String(port));
      rmSync(ballast);
      assert.notEqual(refused.code, 0);
      assert.match(refused.stderr, /^bombyx: .*(is full|ENOSPC).*\n$/);
    }
    await start();
  });
});
