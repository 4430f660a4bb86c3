import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { dataFile, scratchFolder } from '../../testing/attestation-cases.ts';
import { ended } from '../../testing/printed.ts';
import { type CliError, helpOf } from '../usage.ts';
import { attest } from './attest.ts';

const folder = scratchFolder();
after(() => folder[Symbol.dispose]());
const QUOTE = dataFile('tdx/quotes/cocoon-v4.bin');
const COLLATERAL = dataFile('tdx/collateral/90c06f-2026-01-12.json');
const AT = ['--at', '2026-02-05'];
const run = (...argv: readonly string[]) => ended(attest, argv, AbortSignal.timeout(30_000));

/** A mistake is one sentence, and nothing was printed before it. */
async function mistake(...argv: readonly string[]): Promise<string> {
  try {
    const { code, lines } = await run(...argv);
    return assert.fail(`ended with ${code}: ${lines.join('\n')}`);
  } catch (error) {
    const { code, message } = error as CliError;
    assert.match(code, /^CLI_(USAGE|CONFIG)$/, String(error));
    assert.doesNotMatch(message, /\n/);
    return `${code}: ${message}`;
  }
}

describe('a file that is no evidence', () => {
  const files: Readonly<Record<string, [Uint8Array | string, RegExp]>> = {
    empty: ['', /is empty/],
    garbage: [Buffer.concat([Buffer.of(0xee), randomBytes(1_048_575)]), /holds 1048576 bytes/],
    'web page': ['<!DOCTYPE html><html><body>503</body></html>', /is a web page/],
    'JSON of something else': ['{"hello":[1,2,3]}', /is JSON/],
    'private key': ['-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n', /PEM of the kind PRIVATE KEY/],
    'odd hexadecimal': ['abcdef0123', /holds 5 bytes in hexadecimal/],
    'base64 of a quote': [readFileSync(QUOTE).toString('base64'), /is base64 text of a TDX or SGX quote: decode it/],
    'base64 of a report': [
      readFileSync(dataFile('snp/gcp-v5-vmpl0.bin')).toString('base64'),
      /is base64 text of a SEV-SNP report: decode it/,
    ],
    'broken JSON': ['{"evidences": [}', /is not JSON: the fault is in line 1, column 16/],
    'half of some JSON': ['{"evidences": ["', /is not JSON: it ends too early, in line 1, column 17/],
    'a note': ['to whom it may concern', /holds 22 bytes of text/],
  };
  for (const [name, [content, reason]] of Object.entries(files)) {
    it(`${name}: show says what it is, and verify rejects it as a quote`, async () => {
      const file = folder.write(name, content);
      assert.match(await mistake('show', file), reason);
      const { code, lines } = await run('verify', file, '--json');
      const json = JSON.parse(lines.join('\n')) as { verdict: string; reason: string; failures: { message: string }[] };
      assert.deepEqual([code, json.verdict, json.reason], [1, 'rejected', 'QUOTE_FORMAT']);
      assert.match(json.failures[0]!.message, reason);
      const isRead = name === 'garbage' || name === 'odd hexadecimal';
      assert.equal(/as a quote it would be/.test(json.failures[0]!.message), isRead, 'no version is read from text');
      assert.match(
        await mistake('image-hash', file),
        name === 'garbage' ? /has more than 262144 bytes/ : isRead ? /quote of version/ : reason,
      );
    });
  }

  it('missing, a folder, too large: told in a sentence', async () => {
    const large = folder.write('large', Buffer.alloc(8 * 1024 * 1024 + 1));
    for (const action of ['show', 'verify']) {
      assert.match(await mistake(action, `${folder.path}/nowhere`), /nowhere is missing/);
      assert.match(await mistake(action, folder.path), /is a folder/);
      assert.match(await mistake(action, large), /more than the 8388608 that are read/);
    }
  });

  it('evidence that is cut short is told as that', async () => {
    const snp = readFileSync(dataFile('snp/gcp-v5-vmpl0.bin'));
    const quote = readFileSync(QUOTE).subarray(0, 700);
    assert.match(await mistake('show', folder.write('cut', quote)), /the quote .* cannot be read: truncated/);
    snp[1183] = 1;
    const { code, lines } = await run(
      ...['verify', folder.write('snp', snp), '--vcek', dataFile('snp/gcp-v5-vmpl0-vcek.pem')],
      ...['--chain', dataFile('snp/milan-ask-ark.pem'), '--json'],
    );
    assert.equal(code, 1);
    assert.equal((JSON.parse(lines[0]!) as { reason: string }).reason, 'SNP_FORMAT');
  });
});

describe('files made to hurt', () => {
  const bombs: Readonly<Record<string, string>> = {
    'nested lists': '['.repeat(1_000_000),
    'nested objects': '{"a":'.repeat(200_000),
    'white space': `[${' '.repeat(4_000_000)}`,
    entities: `<!DOCTYPE x [<!ENTITY a "${'b'.repeat(1_000)}">]><SoftwareIdentity>${'&a;'.repeat(100_000)}</SoftwareIdentity>`,
    'many certificates': '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n'.repeat(50_000),
    hexadecimal: 'ab'.repeat(2_000_000),
  };
  for (const [name, content] of Object.entries(bombs)) {
    it(`${name}: refused in a sentence, soon`, async () => {
      const began = performance.now();
      await mistake('show', folder.write('bomb', content));
      assert.ok(performance.now() - began < 10_000);
    });
  }
});

describe('what stands beside the evidence', () => {
  it('collateral that is a web page, half a file or a quote is told as that', async () => {
    const collateral = JSON.parse(readFileSync(COLLATERAL, 'utf8')) as Record<string, unknown>;
    const html = folder.write('c.html', '<html>502 Bad Gateway</html>');
    assert.match(
      await mistake('verify', QUOTE, ...AT, '--collateral', html),
      /c\.html is a web page; collateral is JSON with nine fields/,
    );
    const cut = folder.write('cut.json', JSON.stringify(collateral).slice(0, 5_000));
    assert.match(await mistake('verify', QUOTE, ...AT, '--collateral', cut), /is not JSON: it ends too early/);
    const other = folder.write('other.json', '{"tcbInfo":{}}');
    assert.match(
      await mistake('verify', QUOTE, ...AT, '--collateral', other),
      /lacks all of tcb_info, tcb_info_signature/,
    );
    const half = folder.write('half.json', JSON.stringify({ ...collateral, pck_crl: 1, qe_identity: undefined }));
    assert.match(await mistake('verify', QUOTE, ...AT, '--collateral', half), /lacks qe_identity, pck_crl/);
    assert.match(await mistake('verify', QUOTE, ...AT, '--collateral', QUOTE), /is a TDX or SGX quote/);
  });

  it('a folder without collateral for this platform is a check that failed', async () => {
    const { code, lines } = await run('verify', QUOTE, ...AT, '--collateral', folder.path, '--json');
    const { reason, failures } = JSON.parse(lines[0]!) as { reason: string; failures: { fix: string }[] };
    assert.deepEqual([code, reason], [1, 'COLLATERAL_MISSING']);
    assert.match(failures[0]!.fix, /collateral fetch --tee tdx --fmspc 90c06f000000 --ca platform/);
  });

  it('times, policies, roots and hashes that are none are refused by name', async () => {
    const verify = (...more: readonly string[]) => mistake('verify', QUOTE, '--collateral', COLLATERAL, ...more);
    for (const at of [
      'noon',
      '2026-13-01',
      '2026-02-30',
      '1770000000',
      '2026-02-05T00:00',
      '',
      '2026-02-05T25:00:00Z',
    ]) {
      assert.match(await verify('--at', at), /CLI_USAGE: --at must be a time/, at);
    }
    assert.match(await verify('--policy', 'tdxx'), /there is no policy "tdxx": .*sev-snp.*simulated/);
    const comma = folder.write('comma.json', '{"name":"x",');
    assert.match(await verify('--policy', comma), /comma\.json is not JSON: it ends too early, in line 1, column 13/);
    const word = folder.write('word.json', `{"name": ${' '.repeat(100)}secret}`);
    assert.match(await verify('--policy', word), /is not JSON: the fault is in line \d+, column \d+$/);
    assert.match(await verify('--policy', 'simulated'), /needs a file that lists its roots/);
    assert.match(await verify('--policy', './none.json'), /none.json is missing/);
    const doubled = folder.write('doubled.json', '{"name":"p","type":"tdx","measurements":[],"measurements":"any"}');
    assert.match(await verify('--policy', doubled), /CLI_CONFIG: .*the name "measurements" stands twice/);
    assert.match(await verify('--policy', 'tdx', '--image', 'abc'), /--image must be 64 hex digits/);
    assert.match(await verify('--image', 'ab'.repeat(32)), /--image needs --policy/);
    assert.match(await verify('--root', folder.write('root.pem', 'no')), /root.pem is no certificate/);
    assert.match(await verify('--root', folder.write('root.der', Buffer.of(0x30, 0x82, 0, 1, 2))), /is no certificate/);
    assert.match(await verify('--root', dataFile('snp/milan-ask-ark.pem')), /one certificate/);
    assert.match(await mistake('show', QUOTE, '--policy', 'tdx'), /"attest show" takes no --policy/);
    assert.match(await mistake('show'), /name one file/);
    assert.match(await mistake('look', QUOTE), /say what to do/);
    assert.match(await mistake('verify', QUOTE, QUOTE), /name one file/);
  });

  it('a policy file tells all its faults at once, and cannot take the name of a built-in one', async () => {
    const policy = { name: 'tdx', type: 'tdx', measurements: [], tcbStatsu: ['UpToDate'] };
    const told = await mistake('verify', QUOTE, ...AT, '--policy', folder.write('p.json', JSON.stringify(policy)));
    assert.match(told, /built-in/);
    assert.match(told, /tcbStatsu/);
    assert.match(told, /empty list/);
  });

  it('an option that the evidence has nothing to do with is refused, and evidence that is none is told first', async () => {
    const foreign: [file: string, refused: string, ...options: string[]][] = [
      [QUOTE, '--vcek, --nonce do', '--vcek', 'none.pem', '--nonce', '00'],
      [QUOTE, '--rim does', '--rim', 'none.xml'],
      [dataFile('snp/gcp-v5-vmpl0.bin'), '--collateral does', '--collateral', COLLATERAL],
      [dataFile('nvidia/evidence/h100-535.86.09.bin'), '--jwks does', '--jwks', 'none.json'],
      [dataFile('nvidia/nras/h100-v3-detached-eat.json'), '--role does', '--role', 'client'],
    ];
    for (const [file, refused, ...options] of foreign) {
      const told = await mistake('verify', file, ...options);
      assert.ok(told.startsWith('CLI_USAGE') && told.endsWith(`which ${refused} not belong to`), told);
    }
    const { lines } = await run('verify', folder.write('none', 'no evidence'), '--vcek', 'none.pem', '--json');
    assert.equal((JSON.parse(lines[0]!) as { reason: string }).reason, 'QUOTE_FORMAT');
  });

  it('what cannot be verified alone is told with what would help', async () => {
    assert.match(await mistake('verify', dataFile('tdx/report/google-tdreport.bin')), /only the machine that made it/);
    assert.match(await mistake('verify', dataFile('tdx/eventlog/dstack-lite.json')), /proves nothing by itself/);
    assert.match(await mistake('verify', COLLATERAL), /--collateral/);
    assert.match(await mistake('verify', dataFile('nvidia/evidence/h100-535.86.09.bin')), /--certificates/);
    assert.match(await mistake('verify', dataFile('nvidia/nras/h100-v3-detached-eat.json')), /--jwks/);
  });
});

describe('policies', () => {
  const verify = async (file: string, ...more: readonly string[]) => {
    const { code, lines } = await run('verify', dataFile(file), ...more, '--json');
    const json = JSON.parse(lines.join('\n')) as { failures: { code: string }[]; imageJudged?: boolean };
    return { code, json, codes: json.failures.map((failure) => failure.code) };
  };
  const cocoon = ['--collateral', COLLATERAL, ...AT];
  const IMAGE = '04b3afd931d28680af91a15b09d672c40ad6b141f7f9089a8d67d595220f7436';

  it('the debug TD that Intel calls UpToDate is refused by the policy tdx', async () => {
    const debug = ['--collateral', dataFile('tdx/collateral/50806f-2023-06.json'), '--at', '2023-07-01'];
    assert.equal((await verify('tdx/quotes/trustee-debug-v4.bin', ...debug)).code, 0);
    const { code, codes } = await verify('tdx/quotes/trustee-debug-v4.bin', ...debug, '--policy', 'tdx');
    assert.deepEqual([code, codes[0]], [1, 'POLICY_DEBUG']);
  });

  it('an image is judged when it is named, and the verdict says whether it was', async () => {
    const open = await verify('tdx/quotes/cocoon-v4.bin', ...cocoon, '--policy', 'tdx');
    assert.deepEqual([open.code, open.json.imageJudged], [0, false]);
    const named = await verify('tdx/quotes/cocoon-v4.bin', ...cocoon, '--policy', 'tdx', '--image', IMAGE);
    assert.deepEqual([named.code, named.json.imageJudged], [0, true]);
    const other = await verify('tdx/quotes/cocoon-v4.bin', ...cocoon, '--policy', 'tdx', '--image', '00'.repeat(32));
    assert.deepEqual([other.code, other.codes], [1, ['POLICY_IMAGE']]);
  });

  it('an SGX enclave is no TD, and a TD no SEV-SNP guest', async () => {
    const sgx = ['--collateral', dataFile('sgx/collateral/00a067-2025.json'), '--at', '2025-06-25', '--policy', 'tdx'];
    assert.equal((await verify('sgx/quotes/phala-v3.bin', ...sgx)).code, 1);
    assert.deepEqual((await verify('tdx/quotes/cocoon-v4.bin', ...cocoon, '--policy', 'sev-snp')).codes, [
      'POLICY_KIND',
    ]);
  });

  it("what breaks the vendor's rules is told first under every policy, and once", async () => {
    const late = ['--collateral', COLLATERAL, '--at', '2026-03-05'];
    const { codes: vendor } = await verify('tdx/quotes/cocoon-v4.bin', ...late);
    assert.equal(vendor[0], 'PCK_CRL_EXPIRED');
    const simulated = { name: 'desk', type: 'simulated', measurements: 'any', models: 'any', roots: ['11'.repeat(32)] };
    const desk = folder.write('desk.json', JSON.stringify(simulated));
    for (const policy of ['any', 'fake_tdx', 'tdx', 'sev-snp', desk]) {
      const { codes } = await verify('tdx/quotes/cocoon-v4.bin', ...late, '--policy', policy);
      assert.deepEqual(codes.slice(0, vendor.length), vendor, policy);
      assert.equal(codes.length > vendor.length, policy !== 'any' && policy !== 'tdx', codes.join());
    }
    const sgx = ['--collateral', dataFile('sgx/collateral/00a067-2025.json'), '--at', '2030-01-01', '--policy', 'tdx'];
    assert.match((await verify('sgx/quotes/phala-v3.bin', ...sgx)).codes.join(), /^(?!POLICY).*,POLICY_KIND$/);
    const none = await verify('tdx/quotes/cocoon-v4.bin', '--collateral', folder.path, ...AT, '--policy', 'tdx');
    assert.deepEqual(none.codes, ['COLLATERAL_MISSING'], 'a policy has nothing else against it');
  });

  it('an event log of another boot is refused', async () => {
    const log = ['--event-log', dataFile('tdx/eventlog/dstack-lite.json')];
    const { code, codes } = await verify('tdx/quotes/cocoon-v4.bin', ...cocoon, ...log);
    assert.deepEqual([code, new Set(codes)], [1, new Set(['LOG_REGISTER_MISMATCH'])]);
  });
});

it('a program that asks for JSON gets one object and an exit code, whatever is wrong', async () => {
  const main = fileURLToPath(new URL('../main.ts', import.meta.url));
  const cases: [string[], number][] = [
    [['verify', QUOTE, '--collateral', COLLATERAL, ...AT], 0],
    [['verify', QUOTE, '--collateral', COLLATERAL, '--at', '2026-03-01'], 1],
    [['verify', QUOTE, '--policy', 'tdxx'], 2],
    [['verify', '/nowhere'], 78],
  ];
  for (const [argv, expected] of cases) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'attest', ...argv, '--json'], {
      encoding: 'utf8',
    });
    assert.equal(status, expected, stderr);
    assert.equal(stderr, '');
    const json = JSON.parse(stdout) as { verdict?: string; code?: string };
    assert.equal(
      json.verdict ?? json.code,
      { 0: 'verified', 1: 'rejected', 2: 'CLI_USAGE', 78: 'CLI_CONFIG' }[expected],
    );
  }
});

it('the help of each action lists its own options, and that of none lists all', () => {
  const optionsIn = (words: readonly string[]) => {
    const help = helpOf(attest.part?.(words) ?? attest);
    assert.match(help, new RegExp(`^Usage: bombyx attest ${words[0] ?? ''}`, 'm'));
    return [...help.matchAll(/^ .{5}--([a-z-]+)/gm)].map(([, option]) => option);
  };
  assert.deepEqual(optionsIn(['show']), ['json', 'help']);
  assert.deepEqual(optionsIn(['model-hash', 'folder']), ['name', 'json', 'help']);
  assert.ok(optionsIn(['verify']).includes('vcek') && !optionsIn(['verify']).includes('fmspc'));
  assert.ok(optionsIn(['collateral', 'fetch']).includes('fmspc') && !optionsIn(['collateral']).includes('vcek'));
  assert.equal(optionsIn([]).length, Object.keys(attest.options).length + 2);
});
