import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pem } from '../../../../packages/attest/testing/devices-pki.ts';
import { snpChip } from '../../../../packages/attest/testing/peer-devices.ts';
import { dataFile, scratchFolder } from '../../testing/attestation-cases.ts';
import { ended } from '../../testing/printed.ts';
import { attest } from './attest.ts';

const RATLS = new URL('../../../../packages/transport/testing/ratls/', import.meta.url).pathname;
const data = <T>(file: string): T => JSON.parse(readFileSync(dataFile(file), 'utf8')) as T;

async function verdictOf(...argv: readonly string[]) {
  const { code, lines } = await ended(attest, ['verify', ...argv, '--json'], AbortSignal.timeout(30_000));
  const json = JSON.parse(lines.join('\n')) as Record<string, unknown>;
  return { code, json, codes: (json['failures'] as { code: string }[]).map((failure) => failure.code) };
}

interface DeviceEntry {
  readonly file: string;
  readonly index?: number;
  readonly signature: boolean;
  readonly fwidMatches: boolean | null;
  readonly driverVersion: string | undefined;
}

interface RimEntry {
  readonly file: string;
  readonly xmlSignature: boolean;
  readonly rootPinned: boolean;
  readonly chainSignatures: boolean;
}

interface SnpEntry {
  readonly file: string;
  readonly vcek: string;
  readonly chain: string;
  readonly policyFindings: readonly string[];
}

describe('attest verify of SEV-SNP reports', () => {
  const entries = data<readonly SnpEntry[]>('snp.json');
  const certificates = ({ vcek, chain }: SnpEntry) => ['--vcek', dataFile(vcek), '--chain', dataFile(chain)];
  const at = ['--at', '2026-02-01'];
  const milan = { name: 'milan', type: 'sev-snp', measurements: 'any' };

  for (const entry of entries) {
    it(`${entry.file} is good by AMD's rules, with the findings ${entry.policyFindings.join() || 'none'}`, async () => {
      const { code, json } = await verdictOf(dataFile(entry.file), ...certificates(entry), ...at);
      assert.deepEqual([code, json['verdict']], [0, 'verified']);
      for (const [field, value] of Object.entries(entry)) {
        if (field in json) assert.deepEqual(json[field], value, field);
      }
      assert.deepEqual(json['policyFindings'], entry.policyFindings);
    });
  }

  it('the certificate of another chip, a report that was changed and a missing certificate are refused', async () => {
    const [first, , other] = entries as [SnpEntry, SnpEntry, SnpEntry];
    const report = dataFile(first.file);
    assert.ok((await verdictOf(report, ...certificates(other), ...at)).codes.includes('SNP_CHIP_ID'));
    assert.deepEqual((await verdictOf(report, ...at, '--kds', 'http://127.0.0.1:1')).codes, [
      'SNP_CERTIFICATES_MISSING',
    ]);
    assert.equal(
      (await verdictOf(report, ...certificates(first), ...at, '--root', dataFile('tdx/roots/intel-sgx-root-ca.pem')))
        .json['reason'],
      'SNP_ROOT',
    );
  });

  it("under a policy for other machines AMD's reasons come first, and a certificate out of date is named with its dates", async () => {
    const [first] = entries as [SnpEntry];
    const report = [dataFile(first.file), ...certificates(first), '--at', '2046-01-01'];
    const vendor = (await verdictOf(...report)).codes;
    assert.equal(vendor[0], 'SNP_VALIDITY');
    for (const policy of ['tdx', 'fake_tdx']) {
      const { json, codes } = await verdictOf(...report, '--policy', policy);
      assert.deepEqual(codes, [...vendor, 'POLICY_KIND']);
      const [{ message }] = json['failures'] as [{ message: string }];
      assert.match(
        message,
        /certificate 1 of 3 \("SEV-VCEK"\) is valid from \d{4}-\S+Z to 20\d\d-\S+Z, judged at 2046-01-01T00:00:00Z/,
      );
    }
    const missing = await verdictOf(dataFile(first.file), ...at, '--kds', 'http://127.0.0.1:1', '--policy', 'tdx');
    assert.deepEqual(missing.codes, ['SNP_CERTIFICATES_MISSING', 'POLICY_KIND']);
  });

  it('a missing list of revoked chips is told with its address and the option that takes it', async () => {
    const [first] = entries as [SnpEntry];
    using folder = scratchFolder();
    const policy = folder.write('milan.json', JSON.stringify({ ...milan, products: ['Milan'] }));
    const { json } = await verdictOf(dataFile(first.file), ...certificates(first), ...at, '--policy', policy);
    const [{ fix }] = json['failures'] as [{ fix: string }];
    assert.match(fix, /kdsintf\.amd\.com\/vcek\/v1\/Milan\/crl .*--crl FILE/);
  });

  it('a guest that may be debugged is refused by the policy sev-snp, and one without a list of revoked chips', async () => {
    const debug = entries.find(({ policyFindings }) => policyFindings.includes('DEBUG'))!;
    const { code, codes } = await verdictOf(dataFile(debug.file), ...certificates(debug), ...at, '--policy', 'sev-snp');
    assert.equal(code, 1);
    assert.ok(codes.includes('POLICY_SNP_DEBUG') && codes.includes('SNP_CRL_MISSING'), codes.join());
  });

  it('a genuine Milan is refused by the policy sev-snp, and a policy that lists the product has nothing against it', async () => {
    const [first] = entries as [SnpEntry];
    using folder = scratchFolder();
    const file = folder.write('milan.json', JSON.stringify({ ...milan, products: ['Milan'] }));
    const report = [dataFile(first.file), ...certificates(first), ...at];
    assert.equal((await verdictOf(...report, '--policy', 'sev-snp')).json['reason'], 'POLICY_PRODUCT');
    assert.deepEqual(
      (await verdictOf(...report, '--policy', file)).codes,
      ['SNP_CRL_MISSING'],
      'only what was not given',
    );
  });

  it('a Milan with all that belongs to it is verified under a policy that lists the product, and under no other', async () => {
    const { trust, report } = snpChip('Milan');
    using folder = scratchFolder();
    const root = folder.write('ark.der', trust.chain[1]!);
    const argv = [
      folder.write('report.bin', report(new Uint8Array(64)).data),
      ...[
        '--vcek',
        folder.write('vcek.der', trust.vcek),
        '--chain',
        folder.write('chain.pem', trust.chain.map(pem).join('')),
      ],
      ...['--crl', folder.write('crl.der', trust.crl), '--root', root, ...at],
    ];
    const own = folder.write('milan.json', JSON.stringify({ ...milan, products: ['Milan'] }));
    const { code, codes } = await verdictOf(...argv, '--policy', own);
    assert.deepEqual([code, codes], [0, []]);
    const written = folder.write('default.json', JSON.stringify(milan));
    for (const policy of [written, 'sev-snp'])
      assert.deepEqual((await verdictOf(...argv, '--policy', policy)).codes, ['POLICY_PRODUCT']);
  });
});

describe('attest verify of what NVIDIA signs', () => {
  const chainOf = (file: string) => ['--certificates', dataFile(file.replace('.bin', '.chain.pem'))];
  const at = ['--at', '2025-05-01'];

  for (const { file, index, signature, fwidMatches, driverVersion } of data<readonly DeviceEntry[]>('nvidia.json')) {
    if (index !== undefined && index !== 0) continue; // several devices of one file are judged together
    it(`${file}: ${signature ? 'good' : 'refused for its signature'}`, async () => {
      const { code, json, codes } = await verdictOf(
        dataFile(file),
        ...(file.endsWith('.bin') ? chainOf(file) : []),
        ...at,
      );
      assert.equal(code, signature ? 0 : 1);
      assert.equal(codes.includes('GPU_SIGNATURE'), !signature);
      assert.equal(codes.includes('GPU_FWID'), fwidMatches === false);
      const [device] = json['devices'] as Record<string, unknown>[];
      assert.equal(device?.['driver'], driverVersion);
      if (signature) assert.deepEqual((json['policyFindings'] as string[]).includes('NO_REFERENCE_VALUES'), true);
    });
  }

  it('a device is shown as one whose certificates nobody asked about', async () => {
    const file = 'nvidia/evidence/h100-535.86.09.bin';
    const argv = ['verify', dataFile(file), ...chainOf(file), ...at];
    const { code, lines } = await ended(attest, argv, AbortSignal.timeout(30_000));
    assert.equal(code, 0);
    assert.match(lines.join('\n'), /\n {2}revocation +not asked: /);
    const { json } = await verdictOf(...argv.slice(1));
    assert.equal((json['devices'] as { revocation: string }[])[0]?.revocation, 'not given');
  });

  it('a nonce that is not ours is told, and so is a driver without reference values', async () => {
    const file = 'nvidia/evidence/h100-535.86.09.bin';
    const nonce = ['--nonce', '00'.repeat(32)];
    assert.deepEqual((await verdictOf(dataFile(file), ...chainOf(file), ...nonce, ...at)).codes, ['GPU_NONCE']);
    const rim = ['--rim', dataFile('nvidia/rim/vbios-1010_0200_882_96005E0001.xml')];
    const { codes, json } = await verdictOf(dataFile(file), ...chainOf(file), ...rim, ...at);
    assert.deepEqual(codes, ['GPU_DRIVER_RIM_MISSING']);
    const [device] = json['devices'] as { rims: { subject: string; matched: number; mismatched: number[] }[] }[];
    assert.deepEqual(
      device?.rims.map(({ subject, matched, mismatched }) => [subject, matched, mismatched.length]),
      [['vbios', 12, 0]],
    );
  });

  for (const { file, xmlSignature, rootPinned, chainSignatures } of data<{ rims: readonly RimEntry[] }>(
    'nvidia-rim.json',
  ).rims) {
    it(`${file}: ${xmlSignature && rootPinned ? 'good while its signer is' : 'refused'}`, async () => {
      const { code, codes } = await verdictOf(dataFile(file), ...at);
      assert.equal(code === 0, xmlSignature && rootPinned && chainSignatures, codes.join());
      if (!xmlSignature || !rootPinned) return;
      const { json } = await verdictOf(dataFile(file), '--at', '2030-01-01');
      assert.equal(json['reason'], 'RIM_VALIDITY');
      const [{ message }] = json['failures'] as [{ message: string }];
      assert.match(message, /is valid from 20\S+Z to 20\S+Z, judged at 2030-01-01T00:00:00Z$/);
    });
  }

  it('tokens of NRAS hold for their hour and their nonce; those of a local verifier are signed by nobody', async () => {
    const nonce = ['--nonce', '931d8dd0add203ac3d8b4fbde75e115278eefcdceac5b87671a748f32364dfcb'];
    const keys = ['--jwks', dataFile('nvidia/nras/jwks.json')];
    const file = dataFile('nvidia/nras/h100-v3-detached-eat.json');
    const good = await verdictOf(file, ...keys, ...nonce, '--at', '2025-06-11T00:40:00Z');
    assert.equal(good.code, 0, good.codes.join());
    assert.equal((await verdictOf(file, ...keys, ...nonce, '--at', '2025-06-12')).json['reason'], 'NRAS_EXPIRED');
    assert.ok(
      (await verdictOf(file, ...keys, '--nonce', '00'.repeat(32), '--at', '2025-06-11T00:40:00Z')).codes.includes(
        'NRAS_NONCE',
      ),
    );
    const local = dataFile('nvidia/nras/dstack-h100-local-claims.json');
    assert.equal((await verdictOf(local, ...keys, '--nonce', '11'.repeat(32), '--at', '2025-06-11')).code, 1);
  });
});

describe('attest verify of RA-TLS certificates', () => {
  interface RaTls {
    readonly file: string;
    readonly policy: Readonly<Record<string, 'accept' | 'reject'>>;
  }
  const { cases } = JSON.parse(readFileSync(join(RATLS, 'expected.json'), 'utf8')) as { cases: readonly RaTls[] };
  const collateral = ['--collateral', dataFile('tdx/collateral/90c06f-2026-01-12.json')];
  const at = ['--at', '2026-02-01T12:00:00Z'];

  for (const { file, policy } of cases) {
    for (const [name, expected] of Object.entries(policy)) {
      it(`${file} under the policy ${name}: ${expected}`, async () => {
        const { code, json, codes } = await verdictOf(join(RATLS, file), '--policy', name, ...collateral, ...at);
        assert.deepEqual(
          [code, json['verdict']],
          expected === 'accept' ? [0, 'verified'] : [1, 'rejected'],
          codes.join(),
        );
        assert.equal(codes.length > 0, expected === 'reject');
      });
    }
  }

  it('without a policy a certificate needs a quote that Intel vouches for and that is of its key', async () => {
    const codesOf = async (file: string) => (await verdictOf(join(RATLS, file), ...collateral, ...at)).codes;
    assert.deepEqual(await codesOf('fake-good.pem'), ['QUOTE_STAND_IN']);
    assert.deepEqual(await codesOf('no-quote.pem'), ['EVIDENCE_MISSING']);
    assert.deepEqual(await codesOf('real-quote-foreign-key.pem'), ['BINDING_REPORT_DATA']);
  });

  it('an event log that a policy would not look at is refused', async () => {
    const log = ['--event-log', dataFile('tdx/eventlog/dstack-lite.json')];
    const judged = verdictOf(join(RATLS, 'fake-good.pem'), '--policy', 'fake_tdx', ...log, ...at);
    await assert.rejects(judged, { code: 'CLI_USAGE', message: /leave --event-log or --policy out/ });
  });

  it('a certificate is refused a day later', async () => {
    const { code } = await verdictOf(join(RATLS, 'fake-good.pem'), '--policy', 'fake_tdx', '--at', '2026-02-03');
    assert.equal(code, 1);
  });
});
