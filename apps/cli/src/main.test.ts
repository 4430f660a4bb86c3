/** What the command says to a person who gets it wrong. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { commands } from './commands.ts';
import { CliError, type CliErrorCode, parseCommandLine } from './usage.ts';

const main = new URL('main.ts', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'bombyx-cli-'));
after(() => rmSync(folder, { recursive: true }));

function run(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
  return { code: status, out: stdout, err: stderr };
}

/** The same without a process: what `main` makes its exit code and its line on stderr of. */
async function refused(args: readonly string[], code: CliErrorCode, sentence: RegExp): Promise<void> {
  const [name, ...rest] = args;
  const command = await commands.find((entry) => entry.name === name)!.load();
  const running = async () => command.run(parseCommandLine(command, rest), AbortSignal.timeout(30_000));
  await assert.rejects(running, (error) => {
    assert.ok(error instanceof CliError && error.code === code, String(error));
    assert.match(error.message, sentence);
    assert.ok(!error.message.includes('\n'), error.message);
    return true;
  });
}

const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

it('lists the commands, and explains each', () => {
  const { code, out } = run('--help');
  assert.equal(code, 0);
  for (const { name, summary } of commands) assert.match(out, new RegExp(`^ {2}${name} +${summary}$`, 'm'));
  const help = run('chat', '--help');
  assert.equal(help.code, 0);
  assert.match(help.out, /Usage: bombyx chat "TEXT" \[options\]\n[\s\S]*Examples:\n {2}bombyx chat/);
});

it('answers what is wrong with a code and one sentence', () => {
  const codes = [
    ['an unknown command', ['start'], 2, /there is no command "start"/],
    ['an unknown option', ['up', '--prot', '1'], 2, /Unknown option '--prot'/],
    ['no network to ask', ['chat', '--data-dir', folder, 'hi'], 1, /no network runs here: start one with "bombyx up"/],
    [
      'no configuration',
      ['engine', '--config', join(folder, 'none.json')],
      78,
      /configuration .*none\.json is missing/,
    ],
  ] as const;
  for (const [name, args, code, sentence] of codes) {
    const { code: status, err } = run(...args);
    assert.match(err, sentence, name);
    assert.equal(err.trimEnd().split('\n').length, 1, err);
    assert.equal(status, code, name);
  }
});

const refusals: readonly (readonly [name: string, args: readonly string[], code: CliErrorCode, sentence: RegExp])[] = [
  [
    'a port that is none',
    ['up', '--port', '70000'],
    'CLI_USAGE',
    /^--port must be an integer from 1024 to 65535, not "70000"$/,
  ],
  ['a gateway that is no URL', ['chat', '--base-url', 'foo', 'hi'], 'CLI_USAGE', /--base-url must be a URL/],
  ['a negative number', ['chat', 'hi', '--max-tokens', '-3'], 'CLI_USAGE', /--max-tokens/],
  ...['nonsense', '8000', 'host:', 'host:99999', 'http://127.0.0.1:8000'].map(
    (address) =>
      [
        `"${address}" for the address of an inference server`,
        ['doctor', '--forward-to', address],
        'CLI_USAGE',
        /--forward-to must be HOST:PORT, e\.g\. 127\.0\.0\.1:8000, not "/,
      ] as const,
  ),
  ['a question that is missing', ['chat'], 'CLI_USAGE', /say what to ask/],
  [
    'a configuration that is not JSON',
    ['engine', '--config', file('torn.json', '{"http_port":')],
    'CLI_CONFIG',
    /torn\.json is not JSON/,
  ],
  [
    'an unknown key',
    ['engine', '--config', file('key.json', '{"http_port":0,"prot":1}')],
    'CLI_CONFIG',
    /key\.json is wrong: unknown field "prot"/,
  ],
  [
    'a missing root configuration',
    ['proxy', '--config', file('proxy.json', '{}')],
    'CLI_CONFIG',
    /proxy\.json is wrong/,
  ],
];
for (const [name, args, code, sentence] of refusals) {
  it(`refuses ${name} in one sentence`, () => refused(args, code, sentence));
}

for (const damage of ['{"proxy"', 'null', '{}', '{"rootAddress":1}']) {
  it(`says that keys are damaged which read ${damage}`, async () => {
    file('identity.json', damage);
    try {
      const sentence = /identity\.json is damaged: restore it, or move it away to start as a new network$/;
      await refused(['up', '--data-dir', folder, '--port', '65012'], 'CLI_CONFIG', sentence);
    } finally {
      rmSync(join(folder, 'identity.json'));
    }
  });
}

it('ends, and names the fix, for a data folder that can never be made', () => {
  const { code, out } = run('doctor', '--data-dir', '/proc/none/folder');
  assert.equal(code, 1);
  assert.match(out, /cannot be written\n +-> choose a folder/);
  assert.match(run('up', '--data-dir', '/proc/none/folder', '--port', '65011').err, /data folder .* cannot be used/);
});

it('tells its version', () => assert.match(run('--version').out, /^\d+\.\d+\.\d+\n$/));

it('tells failures as JSON when asked to', () => {
  const { out } = run('engine', '--config', join(folder, 'none.json'), '--json');
  assert.deepEqual(Object.keys(JSON.parse(out) as object), ['event', 'code', 'message']);
});

it('doctor names a fix for whatever it does not like', () => {
  const { out } = run('doctor', '--json', '--data-dir', folder);
  const findings = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { level: string; check: string; fix?: string });
  assert.ok(findings.length >= 8);
  assert.deepEqual(
    findings.filter(({ level, fix }) => level === 'fail' && fix === undefined),
    [],
  );
});
