import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { verifySimulated } from '@bombyx/attest';
import { nodeCrypto } from '@bombyx/attest/node';
import { createSimulatedMachine, createSimulatedRoot, EvidenceError, openSimulatedMachine } from '../index.ts';

const { signal } = new AbortController();
const measurement = Buffer.alloc(48, 5);
const reportData = Buffer.alloc(64, 6);
const unsound = (error: unknown) => error instanceof EvidenceError && error.code === 'SIMULATED_KEY';

async function network() {
  const folder = mkdtempSync(join(tmpdir(), 'simulated-'));
  const root = await createSimulatedRoot(folder);
  const file = join(folder, 'worker.json');
  await createSimulatedMachine({ root: folder, file, measurement });
  const [item] = await (await openSimulatedMachine(file)).collect({ reportData, signal });
  assert.ok(item);
  return { folder, root, file, data: item.data, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

it('a simulated machine passes under the root that made it, and under no other', async () => {
  using here = await network();
  using there = await network();
  const verdict = verifySimulated(here.data, [hex(here.root.publicKey)], nodeCrypto);
  assert.ok(verdict.ok);
  assert.deepEqual(Buffer.from(verdict.report.measurement), measurement);
  assert.deepEqual(Buffer.from(verdict.report.reportData), reportData);
  const refused = verifySimulated(here.data, [hex(there.root.publicKey)], nodeCrypto);
  assert.ok(!refused.ok && refused.failures[0]?.code === 'SIMULATED_ROOT');
});

it('keys are for their owner alone, and a file open to others is refused', async () => {
  using made = await network();
  for (const name of ['simulated-root.key', 'worker.json']) {
    assert.equal(statSync(join(made.folder, name)).mode & 0o777, 0o600, name);
  }
  chmodSync(made.file, 0o640);
  await assert.rejects(openSimulatedMachine(made.file), unsound);
  chmodSync(join(made.folder, 'simulated-root.key'), 0o604);
  await assert.rejects(createSimulatedRoot(made.folder), unsound);
});

it('a root is made once, even by several at a time', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'simulated-'));
  const roots = await Promise.all(Array.from({ length: 4 }, () => createSimulatedRoot(join(folder, 'root'))));
  assert.equal(new Set(roots.map(({ publicKey }) => hex(publicKey))).size, 1);
  rmSync(folder, { recursive: true });
});

it('a key file that is damaged, cut or not there is refused, and its content stays out of the error', async () => {
  using made = await network();
  const good = readFileSync(made.file, 'utf8');
  const broken = [
    '',
    '{}',
    good.slice(0, -40),
    good.replace('"version": 1', '"version": 2'),
    good.replace(/"endorsement": "../, '"endorsement": "'),
    good.replace('PRIVATE', 'PUBLIC'),
  ];
  for (const text of broken) {
    writeFileSync(made.file, text);
    await assert.rejects(openSimulatedMachine(made.file), (error: Error) => {
      assert.equal(error.cause, undefined);
      return unsound(error);
    });
  }
  await assert.rejects(openSimulatedMachine(join(made.folder, 'nobody.json')), unsound);
  await assert.rejects(createSimulatedMachine({ root: '/nowhere', file: made.file, measurement }), unsound);
});
