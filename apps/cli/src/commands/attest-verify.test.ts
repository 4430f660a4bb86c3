import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { encodeEvidence } from '@bombyx/attest';
import { Machine, NOW_MS, signingKey } from '../../../../packages/attest/testing/peer-world.ts';
import { cases, dataFile, patched, scratchFolder } from '../../testing/attestation-cases.ts';
import { ended } from '../../testing/printed.ts';
import { attest } from './attest.ts';

const folder = scratchFolder();
after(() => folder[Symbol.dispose]());

/** What `attest verify --json` says, and how it ends. */
async function verdictOf(...argv: readonly string[]): Promise<{ code: number; json: Record<string, unknown> }> {
  const { code, lines } = await ended(attest, ['verify', ...argv, '--json'], AbortSignal.timeout(30_000));
  assert.equal(lines.length, 1, 'one object');
  return { code, json: JSON.parse(lines[0]!) as Record<string, unknown> };
}

describe('attest verify gives every case of the data the verdict that it must get', () => {
  assert.equal(cases.length, 67);
  for (const testCase of cases) {
    const { id, at, root, expect } = testCase;
    it(`${id}: ${expect.verdict}${expect.reason === undefined ? '' : `, ${expect.reason}`}`, async () => {
      const { quote, collateral } = patched(testCase);
      const file = folder.write(`${id}.bin`, quote);
      const from = folder.write(`${id}.json`, JSON.stringify(collateral));
      const rootOption = root === undefined ? [] : ['--root', dataFile(root)];
      const { code, json } = await verdictOf(file, '--collateral', from, '--at', at, ...rootOption);
      assert.equal(code, expect.verdict === 'verified' ? 0 : 1);
      for (const [field, value] of Object.entries(expect)) {
        if (field !== 'alsoTrue') assert.deepEqual(json[field], value, field);
      }
      const codes = (json['failures'] as { code: string; message: string }[]).map((failure) => failure.code);
      assert.equal(codes[0], expect.reason);
      for (const { message } of json['failures'] as { message: string }[]) assert.ok(message.length > 10, message);
    });
  }
});

describe('what the documentation shows', () => {
  const text = readFileSync(new URL('../../../../docs/attestation.md', import.meta.url), 'utf8');

  it('its policy is one, and refuses the image that it says it refuses', async () => {
    const [, policy] = /```json\n(.*?)```/s.exec(text) ?? [];
    const file = folder.write('documented.json', policy!);
    const where = [
      '--collateral',
      dataFile('tdx/collateral/90c06f-2026-01-12.json'),
      '--at',
      '2026-02-05',
      '--policy',
      file,
    ];
    assert.equal((await verdictOf(dataFile('tdx/quotes/cocoon-v4.bin'), ...where)).code, 0);
    const { code, json } = await verdictOf(dataFile('tdx/quotes/google-v5-td15.bin'), ...where);
    assert.deepEqual([code, json['reason']], [1, 'POLICY_IMAGE']);
  });

  it('a verdict is printed as it shows it', async () => {
    const { lines } = await ended(
      attest,
      [
        'verify',
        dataFile('tdx/quotes/cocoon-v4.bin'),
        '--collateral',
        dataFile('tdx/collateral/90c06f-2026-01-12.json'),
        '--at',
        '2026-02-05',
      ],
      AbortSignal.timeout(30_000),
    );
    assert.ok(text.includes(lines.join('\n')), lines.join('\n'));
  });
});

describe('a bundle of one of our own parts', () => {
  const machine = new Machine(signingKey());
  const binding = machine.connection();
  const bundle = folder.write('bundle', encodeEvidence(machine.prove(binding)));
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  const policy = {
    name: 'desk',
    type: 'simulated',
    measurements: 'any',
    models: 'any',
    roots: [hex(machine.root.publicKey)],
  };
  const connection = [
    '--nonce',
    hex(binding.nonce),
    '--exporter',
    hex(binding.exporter),
    '--at',
    new Date(NOW_MS).toISOString(),
  ];

  it('is verified for its own connection, and its tier is told', async () => {
    const file = folder.write('desk.json', JSON.stringify(policy));
    const { code, json } = await verdictOf(bundle, '--policy', file, ...connection);
    assert.deepEqual([code, json['tier']], [0, 'simulated'], JSON.stringify(json['failures']));
    const shown = await ended(attest, ['show', bundle], AbortSignal.timeout(30_000));
    assert.match(shown.lines.join('\n'), /SIMULATED machine: proves no enclave/);
  });

  it('is refused for another connection, and by every policy for real machines', async () => {
    const file = folder.write('desk.json', JSON.stringify(policy));
    const other = ['--nonce', '00'.repeat(32), ...connection.slice(2)];
    assert.equal((await verdictOf(bundle, '--policy', file, ...other)).json['reason'], 'BINDING_REPORT_DATA');
    for (const name of ['tdx', 'sev-snp']) {
      const { code, json } = await verdictOf(bundle, '--policy', name, ...connection);
      assert.deepEqual([code, json['reason']], [1, 'POLICY_KIND']);
    }
  });
});
