import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { dataFile, scratchFolder } from '../../testing/attestation-cases.ts';
import { printed } from '../../testing/printed.ts';
import { attest } from './attest.ts';

const folder = scratchFolder();
after(() => folder[Symbol.dispose]());
const data = (file: string) => JSON.parse(readFileSync(dataFile(file), 'utf8'));
const shown = async (file: string) =>
  JSON.parse(await printed(attest, 'show', file, '--json')) as Record<string, unknown>;

/** What the data tells beyond the bytes: results of checks, and the file itself. */
const NOT_SHOWN = new Set([
  'file',
  'bytes',
  'sha256',
  'signatures',
  'qeAuthBytes',
  'cpuSvn',
  'seamAttributes',
  'mrSignerSeam',
]);

describe('attest show tells what is in the evidence, in the words of the data', () => {
  for (const entry of data('quotes.json') as { file: string }[]) {
    it(entry.file, async () => {
      const json = await shown(dataFile(entry.file));
      assert.equal(json['kind'], 'quote');
      for (const [field, value] of Object.entries(entry)) {
        if (!NOT_SHOWN.has(field)) assert.deepEqual(json[field], value, field);
      }
    });
  }

  const SNP_WORDS = [
    'version',
    'policy',
    'vmpl',
    'measurement',
    'reportData',
    'hostData',
    'chipId',
    'reportedTcb',
    'policyFindings',
  ];
  for (const entry of data('snp.json') as { file: string; [word: string]: unknown }[]) {
    it(entry.file, async () => {
      const json = await shown(dataFile(entry.file));
      for (const word of SNP_WORDS) assert.deepEqual(json[word], entry[word], word);
    });
  }

  const GPU_WORDS = [
    'nonce',
    'driverVersion',
    'chipSku',
    'project',
    'projectSku',
    'measurementBlocks',
    'opaqueTypes',
    'fwidInReport',
  ];
  for (const entry of data('nvidia.json') as { file: string; index?: number; [word: string]: unknown }[]) {
    it(`${entry.file} ${entry.index ?? ''}`, async () => {
      const { devices } = (await shown(dataFile(entry.file))) as { devices: Record<string, unknown>[] };
      const device = devices[entry.index ?? 0]!;
      for (const word of GPU_WORDS) assert.deepEqual(device[word] ?? undefined, entry[word] ?? undefined, word);
    });
  }
});

describe('attest show knows evidence by its content', () => {
  const kinds: Readonly<Record<string, string>> = {
    'tdx/report/google-tdreport.bin': 'td-report',
    'tdx/eventlog/google-cos-ccel-data.bin': 'ccel-log',
    'tdx/eventlog/google-cos-ccel-table.bin': 'ccel-table',
    'tdx/eventlog/dstack-lite.json': 'dstack-log',
    'tdx/collateral/90c06f-2026-01-12.json': 'collateral',
    'nvidia/rim/vbios-1010_0200_882_96005E0001.xml': 'rim',
    'nvidia/nras/h100-v3-detached-eat.json': 'nras',
    'nvidia/nras/dstack-h100-local-claims.json': 'nras',
    'nvidia/evidence/h100x4-590.12-ppcie.json': 'gpu',
    'snp/milan-ask-ark.pem': 'certificates',
    'snp/google-v2-debug-vcek.der': 'certificates',
    '../../packages/transport/testing/ratls/real-quote-foreign-key.pem': 'certificates',
  };
  for (const [file, kind] of Object.entries(kinds)) {
    it(`${file} is ${kind}, whatever it is called`, async () => {
      const renamed = folder.write('evidence', readFileSync(dataFile(file)));
      assert.equal((await shown(renamed))['kind'], kind);
      assert.ok((await printed(attest, 'show', renamed)).split('\n').length >= 3);
    });
  }

  it('a quote may come as hexadecimal text', async () => {
    const quote = readFileSync(dataFile('tdx/quotes/phala-v4.bin'));
    const text = `0x${quote.toString('hex').replace(/.{64}/g, '$&\n')}\n`;
    assert.deepEqual(
      (await shown(folder.write('hex', text)))['mrTd'],
      (await shown(dataFile('tdx/quotes/phala-v4.bin')))['mrTd'],
    );
  });

  it('event logs lead to the registers of their quotes', async () => {
    for (const [log, quote] of [
      ['google-cos-ccel-data.bin', 'google-cos-v4.bin'],
      ['dstack-lite.json', 'dstack-lite-v4.bin'],
    ]) {
      const { rtmr } = await shown(dataFile(`tdx/eventlog/${log}`));
      assert.deepEqual(rtmr, (await shown(dataFile(`tdx/quotes/${quote}`)))['rtmr']);
    }
  });

  it('nothing in a file can steer the terminal', async () => {
    const collateral = data('tdx/collateral/90c06f-2026-01-12.json') as Record<string, string>;
    const tcb_info = JSON.stringify({ ...JSON.parse(collateral['tcb_info']!), fmspc: '\u001b[2J\u0007' });
    const text = await printed(attest, 'show', folder.write('steer.json', JSON.stringify({ ...collateral, tcb_info })));
    assert.ok(!text.includes('\u001b') && !text.includes('\u0007'), text);
  });
});
