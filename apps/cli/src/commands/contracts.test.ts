import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { CliError, parseCommandLine } from '../usage.ts';
import { contracts } from './contracts.ts';

const run = (...argv: string[]) => contracts.run(parseCommandLine(contracts, argv), new AbortController().signal);

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-contracts-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

it('contracts build writes the code cells that the nodes use, and their hashes', async (t) => {
  const folder = join(folderFor(t), 'new');
  t.mock.method(console, 'log', () => {});
  assert.equal(await run('build', '--out', folder, '--json'), 0);
  const files = ['client.boc', 'hashes.json', 'proxy.boc', 'root.boc', 'wallet.boc', 'worker.boc'];
  assert.deepEqual(readdirSync(folder).sort(), files);
  const committed = new URL('../../../../packages/ton/contracts/build/', import.meta.url);
  for (const file of files) assert.deepEqual(readFileSync(join(folder, file)), readFileSync(new URL(file, committed)));
});

it('contracts build says in a sentence what is missing or in the way', async (t) => {
  const folder = folderFor(t);
  writeFileSync(join(folder, 'file'), '');
  await assert.rejects(run('build'), coded('CLI_USAGE'));
  await assert.rejects(run('destroy', '--out', folder), coded('CLI_USAGE'));
  await assert.rejects(run('build', '--out', join(folder, 'file')), coded('CLI_CONFIG'));
  await assert.rejects(run('build', '--out', '/proc/none/contracts'), coded('CLI_CONFIG'));
});

function coded(code: string): (error: unknown) => boolean {
  return (error) => error instanceof CliError && error.code === code;
}
