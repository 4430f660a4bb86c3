import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { Collateral } from '@bombyx/attest';
import { PccsServer } from '../../../../packages/evidence/testing/pccs-server.ts';
import { dataFile, scratchFolder } from '../../testing/attestation-cases.ts';
import { ended } from '../../testing/printed.ts';
import type { CliError } from '../usage.ts';
import { attest } from './attest.ts';

const folder = scratchFolder();
after(() => folder[Symbol.dispose]());
const COLLATERAL = dataFile('tdx/collateral/90c06f-2026-01-12.json');
const QUOTE = dataFile('tdx/quotes/cocoon-v4.bin');
const AT = ['--at', '2026-02-05'];
const collateral = JSON.parse(readFileSync(COLLATERAL, 'utf8')) as Collateral;
const run = (...argv: readonly string[]) => ended(attest, argv, AbortSignal.timeout(30_000));
const codeOf = async (work: Promise<unknown>) => {
  try {
    await work;
  } catch (error) {
    return `${(error as CliError).code}: ${(error as Error).message}`;
  }
  return 'no error';
};
let folders = 0;
const fresh = () => ['--data-dir', join(folder.path, `data-${folders++}`)];

describe('attest collateral fetch', () => {
  it('writes what a PCCS serves, and a quote verifies with it', async () => {
    await using pccs = await PccsServer.open(collateral);
    const out = join(folder.path, 'fetched.json');
    const asked = ['--fmspc', '90C06F000000', '--ca', 'platform', '--pccs', pccs.url, '--out', out, ...fresh(), ...AT];
    const { code, lines } = await run('collateral', 'fetch', ...asked, '--json');
    assert.equal(code, 0);
    const told = JSON.parse(lines.join('\n')) as { file: string; fmspc: string };
    assert.deepEqual([told.file, told.fmspc], [out, '90c06f000000']);
    assert.deepEqual(JSON.parse(readFileSync(out, 'utf8')), collateral);
    assert.equal((await run('verify', QUOTE, '--collateral', out, ...AT)).code, 0);
    assert.equal((await run('collateral', 'show', out, ...AT)).code, 0);
  });

  it('takes its questions from a quote, writes into a folder, and that folder is a bundle', async () => {
    await using pccs = await PccsServer.open(collateral);
    const out = folder.path;
    assert.equal(
      (await run('collateral', 'fetch', '--for', QUOTE, '--pccs', pccs.url, '--out', out, ...fresh(), ...AT)).code,
      0,
    );
    assert.ok(readFileSync(join(out, 'tdx-90c06f000000-platform.json')).length > 10_000);
    assert.equal((await run('verify', QUOTE, '--collateral', out, ...AT)).code, 0);
  });

  it('of several in a folder, the newest that there was at the time is taken', async () => {
    const bundle = dataFile('tdx/collateral');
    const expiry = async (at: string) => {
      const { lines } = await run('verify', QUOTE, '--collateral', bundle, '--at', at, '--json');
      return (JSON.parse(lines[0]!) as { collateralExpiresAt?: string }).collateralExpiresAt;
    };
    assert.equal(await expiry('2026-01-31'), '2026-02-11T15:46:45Z'); // TCB info of January
    assert.equal(await expiry('2026-02-05'), '2026-02-11T15:52:37Z'); // that of February, and the PCK CRL of January
  });

  it('without --collateral, verify fetches once and then goes by what is kept', async () => {
    await using pccs = await PccsServer.open(collateral);
    const data = fresh();
    for (let time = 0; time < 2; time++) {
      assert.equal((await run('verify', QUOTE, '--pccs', pccs.url, ...data, ...AT)).code, 0);
    }
    assert.equal(pccs.asked.length, 4);
  });

  it('a PCCS that lies, answers a web page or is not there is a refusal, and a failed check of verify', async () => {
    await using pccs = await PccsServer.open(collateral);
    const asked = ['--fmspc', '90c06f000000', '--ca', 'platform', ...AT];
    pccs.behave = () => ({ headers: { 'content-type': 'text/html' }, body: '<html>' });
    assert.match(
      await codeOf(run('collateral', 'fetch', ...asked, '--pccs', pccs.url, ...fresh())),
      /^CLI_REFUSED: .*COLLATERAL_RESPONSE/,
    );
    pccs.behave = (_, honest) => honest;
    pccs.collateral = { ...collateral, tcb_info: collateral.tcb_info.replace('OutOfDate', 'UpToDate') };
    assert.match(
      await codeOf(run('collateral', 'fetch', ...asked, '--pccs', pccs.url, ...fresh())),
      /^CLI_REFUSED: .*COLLATERAL_REFUSED/,
    );
    const { code, lines } = await run('verify', QUOTE, '--pccs', 'http://127.0.0.1:1', ...fresh(), ...AT, '--json');
    assert.deepEqual([code, (JSON.parse(lines[0]!) as { reason: string }).reason], [1, 'COLLATERAL_MISSING']);
  });

  it('names what it needs', async () => {
    assert.match(await codeOf(run('collateral', 'fetch', '--ca', 'platform')), /--fmspc must be 12 hex digits/);
    assert.match(
      await codeOf(run('collateral', 'fetch', '--fmspc', '90c06f000000')),
      /--ca must be platform or processor/,
    );
    assert.match(
      await codeOf(run('collateral', 'fetch', '--fmspc', '90c06f000000', '--ca', 'platform', '--tee', 'snp')),
      /--tee/,
    );
    assert.match(await codeOf(run('collateral', 'fetch', '--for', COLLATERAL)), /is no quote/);
    assert.match(
      await codeOf(run('collateral', 'fetch', '--fmspc', '90c06f000000', '--ca', 'platform', '--pccs', 'ftp://x')),
      /--pccs must be a URL/,
    );
    assert.match(await codeOf(run('collateral', 'look')), /say "attest collateral fetch/);
  });
});

describe('attest collateral show', () => {
  it('judges every part at a time, and tells each that fails', async () => {
    const show = async (at: string) => {
      const { code, lines } = await run('collateral', 'show', COLLATERAL, '--at', at, '--json');
      return {
        code,
        json: JSON.parse(lines[0]!) as { verdict: string; failures: { code: string }[]; tcbInfo: { fmspc: string } },
      };
    };
    const good = await show('2026-02-05');
    assert.deepEqual([good.code, good.json.verdict, good.json.tcbInfo.fmspc], [0, 'good', '90c06f000000']);
    const late = await show('2026-03-01');
    assert.equal(late.code, 1);
    assert.deepEqual(
      late.json.failures.map(({ code }) => code),
      ['PCK_CRL_EXPIRED', 'TCB_INFO_EXPIRED', 'QE_IDENTITY_EXPIRED'],
    );
  });
});
