import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { it } from 'node:test';
import { rememberingCrypto } from '../../testing/devices-crypto.ts';
import {
  authority,
  extension,
  integer,
  makeCertificate,
  makeList,
  makeSigner,
  signPlain,
} from '../../testing/devices-pki.ts';
import { snpCases, snpInput, turnedBits } from '../../testing/devices-vectors.ts';
import { concat, utf8 } from '../bytes.ts';
import { nodeCrypto } from '../crypto/node.ts';
import { type ChipClaim, type SnpCertificates, type SnpOptions, verifyChip } from './chip.ts';
import { type SnpVerdict, verifySnp } from './verify.ts';

const crypto = rememberingCrypto();
const atMs = Date.parse('2026-02-01T00:00:00Z');

const codes = (verdict: SnpVerdict) => (verdict.ok ? [] : [...new Set(verdict.failures.map(({ code }) => code))]);

for (const expected of snpCases) {
  const { report, certificates } = snpInput(expected);

  it(`believes ${expected.file} and tells what it allows`, () => {
    const verdict = verifySnp(report, certificates, { atMs, crypto: nodeCrypto });
    assert.ok(verdict.ok);
    assert.equal(verdict.product, 'Milan');
    assert.equal(Buffer.from(verdict.chipId).toString('hex'), expected.chipId);
    assert.equal(Buffer.from(verdict.measurement).toString('hex'), expected.measurement);
    assert.deepEqual(verdict.policyFindings, expected.policyFindings);
    assert.equal(verdict.revocation, 'not given');
    assert.equal(verdict.expiresAtMs, Date.parse(expected.vcekNotAfter));
    const bytes = Buffer.from(expected.reportedTcb, 'hex');
    const [bootLoader, tee, snp, microcode] = [0, 1, 6, 7].map((at) => bytes[at]);
    assert.deepEqual(verdict.tcb, { bootLoader, tee, snp, microcode });
    const ark = certificates.chain[1] as Uint8Array;
    assert.equal(createHash('sha256').update(ark).digest('hex'), expected.arkSha256);
  });

  it(`refuses ${expected.file} outside of the life of its certificate`, () => {
    const at = (ms: number) => codes(verifySnp(report, certificates, { atMs: ms, crypto }));
    assert.deepEqual(at(Date.parse(expected.vcekNotBefore) - 1), ['SNP_VALIDITY']);
    assert.deepEqual(at(Date.parse(expected.vcekNotBefore)), []);
    assert.deepEqual(at(Date.parse(expected.vcekNotAfter)), []);
    assert.deepEqual(at(Date.parse(expected.vcekNotAfter) + 1), ['SNP_VALIDITY']);
    assert.deepEqual(at(Number.NaN), ['SNP_VALIDITY']);
  });

  it(`refuses ${expected.file} with any one bit turned`, () => {
    for (const { bit, copy } of turnedBits(report, [[0, report.length]], 1_000)) {
      const verdict = verifySnp(copy, certificates, { atMs, crypto });
      assert.equal(verdict.ok, false, `bit ${bit}`);
    }
  });

  it(`refuses ${expected.file} with one bit turned in a certificate`, () => {
    const [ask, ark] = certificates.chain as [Uint8Array, Uint8Array];
    const whole = concat(certificates.vcek, ask, ark);
    const [first, second] = [certificates.vcek.length, certificates.vcek.length + ask.length];
    for (const { bit, copy } of turnedBits(whole, [[0, whole.length]], 1_000)) {
      const cut = {
        vcek: copy.subarray(0, first),
        chain: [copy.subarray(first, second), copy.subarray(second)],
      };
      assert.equal(verifySnp(report, cut, { atMs, crypto }).ok, false, `bit ${bit}`);
    }
  });
}

const [newer, sameChip, debug] = snpCases.map(snpInput) as [Input, Input, Input];
type Input = ReturnType<typeof snpInput>;

it('refuses a report with the certificate of another chip, although both are genuine', () => {
  const verdict = verifySnp(newer.report, debug.certificates, { atMs, crypto });
  assert.deepEqual(codes(verdict), ['SNP_CHIP_ID', 'SNP_TCB', 'SNP_SIGNATURE']);
  assert.equal(verdict.ok, false);
  assert.ok('report' in verdict, 'what was seen is told all the same');
});

it('accepts the newer certificate that one chip has for the same TCB', () => {
  assert.deepEqual(codes(verifySnp(newer.report, sameChip.certificates, { atMs, crypto })), []);
});

it('refuses chains that are short, long, in another order or not certificates', () => {
  const [ask, ark] = newer.certificates.chain as [Uint8Array, Uint8Array];
  const { vcek } = newer.certificates;
  const judge = (certificates: SnpCertificates) => codes(verifySnp(newer.report, certificates, { atMs, crypto }));
  assert.deepEqual(judge({ vcek, chain: [ask] }), ['SNP_CERT_FORMAT']);
  assert.deepEqual(judge({ vcek, chain: [ask, ark, ark] }), ['SNP_CERT_FORMAT']);
  assert.deepEqual(judge({ vcek, chain: [ask, new Uint8Array(0)] }), ['SNP_CERT_FORMAT']);
  assert.deepEqual(judge({ vcek: concat(vcek, Uint8Array.of(0)), chain: [ask, ark] }), ['SNP_CERT_FORMAT']);
  assert.deepEqual(judge({ vcek: new Uint8Array(200_000), chain: [ask, ark] }), ['SNP_CERT_FORMAT']);
  assert.ok(judge({ vcek, chain: [ark, ask] }).includes('SNP_ROOT'));
  assert.ok(judge({ vcek: ask, chain: [ask, ark] }).includes('SNP_CHAIN'));
  const nonMinimal = concat(vcek.subarray(0, 1), Uint8Array.of(0x83, 0), vcek.subarray(2));
  assert.deepEqual(judge({ vcek: nonMinimal, chain: [ask, ark] }), ['SNP_CERT_FORMAT'], 'length is not minimal');
});

it('refuses a report that is no report', () => {
  for (const length of [0, 1, 672, 1183, 1185, 100_000])
    assert.deepEqual(codes(verifySnp(new Uint8Array(length), newer.certificates, { atMs, crypto })), ['SNP_FORMAT']);
});

// a maker of processors of our own, for what AMD's published data does not show

const TCB = `1.3.6.1.4.1.3704.1`;
const [fromMs, untilMs] = [Date.parse('2026-01-01T00:00:00Z'), Date.parse('2027-01-01T00:00:00Z')];

interface Shape {
  readonly product?: string;
  readonly chipId?: Uint8Array;
  readonly microcode?: number;
  readonly more?: readonly Uint8Array[];
  /** Rewrites the report before it is signed. */
  readonly edit?: (report: Uint8Array) => void;
}

const makers = new Map<string, ReturnType<typeof makeMaker>>();

function makeMaker(product: string) {
  const [ark, ask] = [makeSigner(`ARK-${product}`, 'rsa'), makeSigner(`SEV-${product}`, 'rsa')];
  const vcek = makeSigner('SEV-VCEK', 'p384');
  const common = { fromMs, untilMs, extensions: [authority] };
  const chain = [
    makeCertificate({ subject: ask, issuer: ark, serial: 7, ...common }),
    makeCertificate({ subject: ark, issuer: ark, serial: 1, ...common }),
  ];
  return { ark, ask, vcek, chain };
}

function make({ product = 'Genoa', chipId = new Uint8Array(64).fill(5), microcode = 4, more = [], edit }: Shape = {}) {
  const maker = makers.get(product) ?? makeMaker(product);
  makers.set(product, maker);
  const spl = (part: number, value: number) => extension(`${TCB}.3.${part}`, integer(value));
  const named = Uint8Array.of(0x16, product.length + 3);
  const vcek = makeCertificate({
    subject: maker.vcek,
    issuer: maker.ask,
    serial: 99,
    fromMs,
    untilMs,
    extensions: [
      extension(`${TCB}.2`, concat(named, utf8(`${product}-B0`))),
      spl(1, 1),
      spl(2, 2),
      spl(3, 3),
      spl(8, microcode),
      ...more,
      extension(`${TCB}.4`, chipId),
    ],
  });
  const report = new Uint8Array(1184);
  report.set([3], 0);
  report.set([2], 10); // policy bit 17
  report.set([1], 52);
  report.set([0x19, 0x11], 392);
  report.set(chipId, 416);
  report.set([1, 2, 0, 0, 0, 0, 3, 4], 384);
  edit?.(report);
  const signature = signPlain(report.subarray(0, 672), maker.vcek);
  report.set(signature.slice(0, 48).reverse(), 672);
  report.set(signature.slice(48).reverse(), 744);
  const root = maker.chain[1] as Uint8Array;
  return { maker, report, certificates: { vcek, chain: maker.chain }, root };
}

function judge(
  { report, certificates, root }: ReturnType<typeof make>,
  more: Partial<SnpOptions> & Pick<SnpCertificates, 'crl'> = {},
) {
  const { crl, ...options } = more;
  const all = { ...certificates, ...(crl && { crl }) };
  return verifySnp(report, all, { atMs, crypto: nodeCrypto, roots: [root], ...options });
}

it('believes Genoa and Turin under a root that the caller gives, and under no other', () => {
  const genoa = make();
  assert.deepEqual(codes(judge(genoa)), []);
  assert.deepEqual(codes(judge(genoa, { roots: [] })), ['SNP_ROOT']);
  const turin = make({
    product: 'Turin',
    chipId: new Uint8Array(8).fill(9),
    more: [extension(`${TCB}.3.9`, integer(6))],
    edit: (report) => {
      report.set([0x1a, 0x02], 392);
      report.set([6, 1, 2, 3, 0, 0, 0, 4], 384);
    },
  });
  const verdict = judge(turin);
  assert.ok(verdict.ok);
  assert.deepEqual(verdict.tcb, { fmc: 6, bootLoader: 1, tee: 2, snp: 3, microcode: 4 });
  assert.deepEqual(codes(judge(turin, { roots: [genoa.root] })), ['SNP_ROOT']);
});

it("refuses a root of ours that bears AMD's name when the pinned one is asked for", () => {
  const milan = make({ product: 'Milan', edit: (bytes) => bytes.set([0x19, 0x01], 392) });
  for (const { report, certificates } of [milan, make()]) {
    assert.deepEqual(codes(verifySnp(report, certificates, { atMs, crypto: nodeCrypto })), ['SNP_ROOT']);
  }
});

it('refuses a report of one product under the certificates of another', () => {
  assert.deepEqual(codes(judge(make({ edit: (report) => report.set([0x19, 0x01], 392) }))), ['SNP_PRODUCT']);
  assert.deepEqual(codes(judge(make({ edit: (report) => report.set([0x1a, 0x60], 392) }))), ['SNP_PRODUCT']);
  const [genoa, turin] = [make(), make({ product: 'Turin' })];
  const mixed = { ...genoa, certificates: { ...genoa.certificates, chain: turin.certificates.chain } };
  assert.deepEqual(codes(judge(mixed, { roots: [turin.root] })), ['SNP_PRODUCT', 'SNP_CHAIN']);
});

it('refuses a product that it does not know', () => {
  assert.deepEqual(codes(judge(make({ product: 'Naples' }))), ['SNP_PRODUCT']);
});

it('refuses a certificate made for an older TCB than the report names, and one that names none', () => {
  assert.deepEqual(codes(judge(make({ microcode: 3 }))), ['SNP_TCB']);
  assert.deepEqual(codes(judge(make({ microcode: 5 }))), ['SNP_TCB']);
  assert.deepEqual(codes(judge(make({ more: [extension(`${TCB}.3.9`, integer(0))] }))), ['SNP_TCB']);
  const unreadable = make({ more: [extension(`${TCB}.3.9`, utf8('no number'))] });
  assert.deepEqual(codes(judge(unreadable)), ['SNP_CERT_FORMAT']);
});

it('refuses a chip that hides, one of another length, and one of zeros', () => {
  const hidden = make({ edit: (report) => report.set([2], 72) });
  assert.deepEqual(codes(judge(hidden)), ['SNP_CHIP_ID']);
  assert.deepEqual(codes(judge(make({ chipId: new Uint8Array(7).fill(1) }))), ['SNP_CHIP_ID']);
  assert.deepEqual(codes(judge(make({ chipId: new Uint8Array(64) }))), ['SNP_CHIP_ID']);
  const longer = make({ chipId: new Uint8Array(8).fill(1), edit: (report) => report.set([1], 416 + 8) });
  assert.deepEqual(codes(judge(longer)), ['SNP_CHIP_ID']);
});

it('refuses a key that a cloud loaded in place of the one of the chip', () => {
  assert.deepEqual(codes(judge(make({ edit: (report) => report.set([1 << 2], 72) }))), ['SNP_SIGNER']);
});

it('judges the list of revoked certificates where one is given', () => {
  const made = make();
  const { ark, ask } = made.maker;
  const list = (revoked: readonly number[], issuer = ark, from = fromMs, until = untilMs) =>
    makeList({ issuer, fromMs: from, untilMs: until, revoked });
  const good = judge(made, { crl: list([1234]) });
  assert.ok(good.ok);
  assert.equal(good.revocation, 'good');
  assert.equal(good.expiresAtMs, untilMs);
  assert.deepEqual(codes(judge(made, { crl: list([7]) })), ['SNP_REVOKED'], 'the ASK');
  assert.deepEqual(codes(judge(made, { crl: list([5, 99]) })), [], 'numbers of chips are not what the ARK gave out');
  assert.deepEqual(codes(judge(made, { crl: list([], ask) })), ['SNP_CRL_SIGNATURE']);
  assert.deepEqual(codes(judge(made, { crl: list([], makeSigner('ARK-Genoa', 'rsa')) })), ['SNP_CRL_SIGNATURE']);
  assert.deepEqual(codes(judge(made, { crl: list([], ark, atMs + 1_000) })), ['SNP_CRL_FUTURE']);
  assert.deepEqual(codes(judge(made, { crl: list([], ark, fromMs, atMs - 1_000) })), ['SNP_CRL_EXPIRED']);
  assert.deepEqual(codes(judge(made, { crl: new Uint8Array(0) })), ['SNP_CRL_FORMAT']);
  assert.deepEqual(codes(judge(made, { crl: utf8('<html>busy</html>') })), ['SNP_CRL_FORMAT']);
});

it('judges the certificates of a chip without any report, as they come from the key service', () => {
  const { certificates, root, report } = make();
  const options = { atMs, crypto: nodeCrypto, roots: [root] };
  const chipId = report.subarray(416, 480);
  const tcb = { bootLoader: 1, tee: 2, snp: 3, microcode: 4 };
  const verdict = verifyChip(certificates, { product: 'Genoa', chipId, tcbOf: () => tcb }, options);
  assert.ok(verdict.ok);
  assert.deepEqual([verdict.product, verdict.tcb, verdict.revocation], ['Genoa', tcb, 'not given']);
  const reasons = (claim: Partial<ChipClaim>) => {
    const judged = verifyChip(certificates, { product: 'Genoa', chipId, tcbOf: () => tcb, ...claim }, options);
    return judged.ok ? [] : judged.failures.map(({ code }) => code);
  };
  assert.deepEqual(reasons({ product: 'Turin' }), ['SNP_PRODUCT']);
  assert.deepEqual(reasons({ chipId: new Uint8Array(64) }), ['SNP_CHIP_ID']);
  assert.deepEqual(reasons({ tcbOf: () => ({ ...tcb, snp: 2 }) }), ['SNP_TCB']);
});
