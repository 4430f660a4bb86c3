/** `bombyx costs` and `bombyx earnings` over diaries that other processes keep. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { silentLogger } from '@bombyx/base';
import { openDiary } from '@bombyx/diary';
import { FakeClock } from '@bombyx/testkit';
import { printed } from '../../testing/printed.ts';
import { COSTS_FILE, EARNINGS_FILE } from '../data-folder.ts';
import { prepareNetwork } from '../network.ts';
import { CliError } from '../usage.ts';
import { costs } from './costs.ts';
import { earnings } from './earnings.ts';

const main = new URL('../main.ts', import.meta.url).pathname;
/** From another process, with all that goes to its standard output. */
const bombyx = async (...args: string[]) => (await promisify(execFile)(process.execPath, [main, ...args])).stdout;

/** A local network that was used on two days. */
async function networkFor(t: TestContext, part: 'client' | 'worker', file: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-diary-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  await prepareNetwork(folder, 10_000);
  mkdirSync(join(folder, part));
  const clock = new FakeClock(Date.UTC(2026, 0, 31, 12));
  await using diary = openDiary({ path: join(folder, part, file) }, { clock, log: silentLogger });
  const tokens = { prompt: 3n, cached: 0n, completion: 4n, reasoning: 0n, total: 7n };
  diary.add({ model: 'tiny', party: 'laptop', tokens, nanoTon: 14n });
  diary.add({ model: 'tiny', party: '=1+1', tokens, nanoTon: 14n });
  clock.advance(86_400_000);
  diary.add({ model: 'tiny', party: 'laptop', tokens, nanoTon: 9_007_199_254_740_993n });
  return folder;
}

it('shows what was paid, for people, with a sum', async (t) => {
  const folder = await networkFor(t, 'client', COSTS_FILE);
  assert.equal(await printed(costs, '--data-dir', folder), TABLE.trimEnd());
});

const TABLE = `\
Day         Model  Requests  Tokens                TON
2026-01-31  tiny          2      14        0.000000028
2026-02-01  tiny          1       7  9007199.254740993
Sum                       3      21  9007199.254741021
`;

it('tells days, models and parties apart as asked, exactly, in JSON', async (t) => {
  const folder = await networkFor(t, 'worker', EARNINGS_FILE);
  const lines = await printed(earnings, '--data-dir', folder, '--json', '--by', 'party', '--from', '2026-02-01');
  assert.deepEqual(JSON.parse(lines), {
    party: 'laptop',
    requests: '1',
    prompt: '3',
    cached: '0',
    completion: '4',
    reasoning: '0',
    total: '7',
    nanoTon: '9007199254740993',
    ton: '9007199.254740993',
  });
});

it('writes CSV to a file or the terminal, and nothing else there', async (t) => {
  const folder = await networkFor(t, 'client', COSTS_FILE);
  const where = ['--data-dir', folder, '--by', 'party', '--to', '2026-01-31'];
  const csv = await bombyx('costs', ...where, '--csv', '-');
  assert.equal(csv.split('\r\n')[1], "'=1+1,1,3,0,4,0,7,14,0.000000014");
  assert.equal(csv.split('\r\n').length, 4);
  const file = join(folder, 'costs.csv');
  assert.match(await printed(costs, ...where, '--csv', file), /^2 lines written/);
  assert.equal(readFileSync(file, 'utf8'), csv);
});

it('says that nothing is recorded where there is no diary yet', async (t) => {
  const folder = await networkFor(t, 'client', COSTS_FILE);
  assert.match(await printed(earnings, '--data-dir', folder), /^Nothing is recorded in .*earnings\.sqlite\.$/m);
});

for (const [args, sentence] of [
  [['--by', 'day,week'], /--by takes day, model, party/],
  [['--from', '2026-02-30'], /--from: "2026-02-30" is no day/],
  [['--csv', join(tmpdir(), 'no-such-folder', 'costs.csv')], /cannot be written/],
] as const) {
  it(`refuses ${args[0]} ${args[1]}`, async (t) => {
    const folder = await networkFor(t, 'client', COSTS_FILE);
    await assert.rejects(printed(costs, '--data-dir', folder, ...args), (error) => {
      assert.ok(error instanceof CliError && error.code === 'CLI_USAGE');
      assert.match(error.message, sentence);
      return true;
    });
  });
}
