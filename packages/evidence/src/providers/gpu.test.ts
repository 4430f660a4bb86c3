import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { systemClock } from '@bombyx/base';
import { eventually } from '@bombyx/testkit';
import { vector } from '../../testing/vectors.ts';
import { EvidenceError, type EvidenceErrorCode, GpuCommand, GpuSocket } from '../index.ts';
import { readGpuAnswer } from './gpu-answer.ts';

interface Evidence {
  nonce: string;
  evidence: string;
  certificate: string;
}

const evidences = JSON.parse(vector('nvidia/evidence/h100x4-590.12-ppcie.json').toString()) as Evidence[];
const nonce = Buffer.from(evidences[0]?.nonce ?? '', 'hex');
const answer = (over: object = {}) => JSON.stringify({ result_code: 0, result_message: 'Ok', evidences, ...over });
const { signal } = new AbortController();
const coded = (code: EvidenceErrorCode, ...words: readonly string[]) => {
  return (error: unknown) => {
    assert.ok(error instanceof EvidenceError, `${error}`);
    assert.equal(error.code, code, error.message);
    for (const word of words) assert.ok(error.message.includes(word), `${word} in ${error.message}`);
    return true;
  };
};

describe('what the collecting program prints', () => {
  it('is evidence of every GPU, between lines of a log', () => {
    const log = '[info] {starting} with "{" in it\n{"level":"info","text":"{}"}\n';
    const items = readGpuAnswer(`${log}${answer()}\n[info] bye }\n`, nonce, 4);
    assert.equal(items.length, 4);
    for (const [i, { kind, data, certificates }] of items.entries()) {
      assert.equal(kind, 'nvidia-gpu');
      assert.equal(Buffer.from(data).toString('base64'), evidences[i]?.evidence);
      assert.match(String(certificates), /^-----BEGIN CERTIFICATE-----/);
    }
  });

  const other = { ...evidences[0], nonce: randomBytes(32).toString('hex') };
  const relabelled = {
    ...evidences[0],
    nonce: nonce.toString('hex'),
    evidence: vector('nvidia/evidence/h100-550.90.07.bin').toString('base64'),
  };
  const wrong: [string, string, number, EvidenceErrorCode][] = [
    ['a failure', answer({ result_code: 7, result_message: 'driver\u001b[2J missing' }), 4, 'GPU_REFUSED'],
    ['a code that is text', answer({ result_code: '0' }), 4, 'GPU_REFUSED'],
    ['fewer GPUs than expected', answer({ evidences: evidences.slice(1) }), 4, 'GPU_COUNT'],
    ['more GPUs than expected', answer(), 3, 'GPU_COUNT'],
    ['none at all', answer({ evidences: [] }), 1, 'GPU_COUNT'],
    ['another nonce in one of them', answer({ evidences: [other, ...evidences.slice(1)] }), 4, 'GPU_NONCE'],
    ['old evidence with a new label', answer({ evidences: [relabelled] }), 1, 'GPU_NONCE'],
    ['one GPU twice', answer({ evidences: [evidences[0], evidences[0]] }), 2, 'GPU_OUTPUT'],
    ['no base64', answer({ evidences: [{ ...evidences[0], evidence: '***' }] }), 1, 'GPU_OUTPUT'],
    ['no certificate', answer({ evidences: [{ ...evidences[0], certificate: undefined }] }), 1, 'GPU_OUTPUT'],
    ['half an answer', answer().slice(0, -2), 4, 'GPU_OUTPUT'],
    ['two answers', answer() + answer(), 4, 'GPU_OUTPUT'],
    ['a list', '[]', 4, 'GPU_OUTPUT'],
    ['nothing', '', 4, 'GPU_OUTPUT'],
    ['an open string without end', `{"${'\\"'.repeat(100_000)}`, 4, 'GPU_OUTPUT'],
    ['braces without end', '{'.repeat(1_000_000), 4, 'GPU_OUTPUT'],
  ];
  for (const [what, text, expected, code] of wrong) {
    it(`is ${code} for ${what}`, () => {
      assert.throws(() => readGpuAnswer(text, nonce, expected), coded(code));
    });
  }
});

const program = new URL('../../testing/gpu-program.ts', import.meta.url).pathname;
const run = (mood: string, file = '', timeoutMs = 60_000) =>
  new GpuCommand({ command: [process.execPath, program, mood, file], timeoutMs }, { clock: systemClock });

describe('the collecting command', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gpu-'));
  const file = join(folder, '$(touch injected); answer.json');
  writeFileSync(file, answer());

  it('is run without a shell, with the nonce where the template says', async () => {
    assert.equal((await run('print', file).collect({ nonce, expected: 4, signal })).length, 4);
    const echo = 'process.stderr.write(process.argv[1]); process.exit(1)';
    const told = new GpuCommand({ command: [process.execPath, '-e', echo, '--', '0x{nonce}'] }, { clock: systemClock });
    const hex = nonce.toString('hex');
    await assert.rejects(told.collect({ nonce, expected: 4, signal }), coded('GPU_REFUSED', `0x${hex}`));
  });

  it('that cannot be run is GPU_UNAVAILABLE', async () => {
    const missing = new GpuCommand({ command: ['/nowhere/nvattest'] }, { clock: systemClock });
    await assert.rejects(missing.collect({ nonce, expected: 1, signal }), coded('GPU_UNAVAILABLE', 'ENOENT'));
    assert.throws(() => new GpuCommand({ command: [] }, { clock: systemClock }), TypeError);
  });

  it('that fails is GPU_REFUSED with its words, made harmless', async () => {
    const refused = coded('GPU_REFUSED', 'ended with 3', 'no GPU in confidential-computing mode');
    await assert.rejects(run('fail').collect({ nonce, expected: 1, signal }), (error: Error) => {
      assert.ok(!error.message.includes('\u001b'));
      return refused(error);
    });
  });

  it('that hangs is ended in time, with what it started', async () => {
    const told = join(folder, 'pid');
    await assert.rejects(run('hang', told, 6_000).collect({ nonce, expected: 1, signal }), coded('GPU_TIMEOUT'));
    const started = readFileSync(told, 'utf8');
    await eventually('what it started is gone', () => !isRunning(started));
  });

  it('that prints without end is ended at 8 MiB', async () => {
    await assert.rejects(run('flood').collect({ nonce, expected: 1, signal }), coded('GPU_TOO_LARGE'));
  });

  it('is ended when the caller leaves', async () => {
    const leaving = new AbortController();
    const collecting = run('hang').collect({ nonce, expected: 1, signal: leaving.signal });
    leaving.abort(new Error('gone'));
    await assert.rejects(collecting, /gone/);
    rmSync(folder, { recursive: true });
  });
});

function isRunning(pid: string): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')); // nobody here waits for orphans
  } catch {
    return false;
  }
}

describe('the socket of a GPU helper', () => {
  async function helper(serve: (socket: Socket, asked: string) => void) {
    const folder = mkdtempSync(join(tmpdir(), 'gpu-'));
    const path = join(folder, 'helper.sock');
    const sockets = new Set<Socket>();
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.once('data', (asked) => serve(socket, asked.toString()));
    });
    server.listen(path);
    await once(server, 'listening');
    return {
      path,
      async [Symbol.asyncDispose]() {
        for (const socket of sockets) socket.destroy();
        server.close();
        rmSync(folder, { recursive: true });
      },
    };
  }
  const ask = (path: string, timeoutMs = 60_000) =>
    new GpuSocket({ path, timeoutMs }, { clock: systemClock }).collect({ nonce, expected: 4, signal });

  it('gives what the command would print', async () => {
    let request = '';
    await using server = await helper((socket, asked) => {
      request = asked;
      socket.end(`log\n${answer()}\n`);
    });
    assert.equal((await ask(server.path)).length, 4);
    assert.deepEqual(JSON.parse(request), { nonce: nonce.toString('hex') });
  });

  it('that is silent is GPU_TIMEOUT, that is not there is GPU_UNAVAILABLE, that pours is GPU_TOO_LARGE', async () => {
    await using silent = await helper(() => {});
    await assert.rejects(ask(silent.path, 100), coded('GPU_TIMEOUT'));
    await assert.rejects(ask('/nowhere/helper.sock'), coded('GPU_UNAVAILABLE'));
    await using pouring = await helper((socket) => {
      const pour = () => {
        while (socket.write(Buffer.alloc(65_536)));
        socket.once('drain', pour);
      };
      pour();
    });
    await assert.rejects(ask(pouring.path), coded('GPU_TOO_LARGE'));
  });
});
