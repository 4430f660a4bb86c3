/** What no public data shows, under a root of our own. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { extension, integer, octets, pem, sequence, signingKey } from '../../testing/intel-der.ts';
import { intelWorld, sgxField, type TcbInfoJson, WORLD_AT_MS, type WorldChange } from '../../testing/intel-world.ts';
import { nodeCrypto as crypto } from '../crypto/node.ts';
import { type QuoteVerdict, verifyQuote } from './verify.ts';

function judge(change: WorldChange, atMs = WORLD_AT_MS): QuoteVerdict {
  const { quote, collateral, root } = intelWorld(change);
  return verifyQuote(quote, collateral, { atMs, crypto, root });
}

function accepted(change: WorldChange) {
  const verdict = judge(change);
  if (!verdict.ok) assert.fail(JSON.stringify(verdict.failures));
  const { tcbStatus, advisories, qeStatus, tdxModule } = verdict;
  return { tcbStatus, advisories, qeStatus, tdxModule };
}

/** The code of every failure. */
function refused(change: WorldChange, atMs?: number): string[] {
  const verdict = judge(change, atMs);
  return verdict.ok ? assert.fail('accepted') : verdict.failures.map(({ code }) => code);
}

/** The statuses of the two TCB levels. */
const platform =
  (...statuses: readonly string[]) =>
  (info: TcbInfoJson) => ({
    ...info,
    tcbLevels: info.tcbLevels.map((level, i) => ({ ...level, tcbStatus: statuses[i] ?? level.tcbStatus })),
  });

describe('a machine that is in order', () => {
  for (const body of ['td10', 'td15', 'sgx'] as const) {
    it(`is accepted: ${body}`, () => {
      const tdxModule = body === 'sgx' ? undefined : 'TDX_01';
      assert.deepEqual(accepted({ body }), { tcbStatus: 'UpToDate', advisories: [], qeStatus: 'UpToDate', tdxModule });
    });
  }

  it('has the evaluation number of the older statement, and a name that is a hash', () => {
    const verdict = judge({});
    assert.ok(verdict.ok);
    assert.equal(verdict.evaluationNumber, 17);
    assert.deepEqual(verdict.platform, crypto.hash('sha256', new Uint8Array(16).fill(0xaa)));
    assert.equal(verdict.fmspc, '90c06f000000');
    assert.equal(verdict.tcbDate, '2025-03-13T00:00:00Z');
    assert.equal(new Date(verdict.collateralExpiresAtMs).toISOString(), '2026-07-01T00:00:00.000Z');
  });

  it('is refused under the root of Intel', () => {
    const { quote, collateral } = intelWorld();
    const verdict = verifyQuote(quote, collateral, { atMs: WORLD_AT_MS, crypto });
    assert.ok(!verdict.ok);
    assert.equal(verdict.failures[0]?.code, 'ROOT_CRL_ISSUER');
    const codes = verdict.failures.map(({ code }) => code);
    for (const code of ['PCK_CHAIN', 'TCB_SIGN_CHAIN', 'QEID_SIGN_CHAIN', 'PCK_CRL_ISSUER'] as const)
      assert.ok(codes.includes(code), code);
  });
});

describe('revocation', () => {
  it('refuses a revoked PCK certificate', () => assert.deepEqual(refused({ revoke: ['pck'] }), ['PCK_REVOKED']));
  it('refuses a revoked CA', () => assert.deepEqual(refused({ revoke: ['ca'] }), ['PCK_REVOKED']));
  it('refuses a revoked signer of TCB info and QE identity', () =>
    assert.deepEqual(refused({ revoke: ['tcb'] }), ['TCB_SIGN_REVOKED', 'QEID_SIGN_REVOKED']));

  const partial: [string, string, boolean][] = [
    ['a delta list', '2.5.29.27', true],
    ['a list for some distribution point', '2.5.29.28', true],
    ['a delta list that does not say so critically', '2.5.29.27', false],
    ['a list with an unknown critical extension', '1.2.3.4', true],
  ];
  for (const [what, id, critical] of partial) {
    it(`refuses ${what}`, () => {
      const added = extension(id, integer(1), critical);
      const change = (of: 'root' | 'ca'): WorldChange => ({
        crl: (which, fields) => (which === of ? { ...fields, extensions: [...fields.extensions, added] } : fields),
      });
      assert.deepEqual(refused(change('root')), ['ROOT_CRL_FORMAT']);
      assert.deepEqual(refused(change('ca')), ['PCK_CRL_FORMAT']);
    });
  }

  it('refuses an indirect list, whose entries name other issuers', () => {
    const entryExtensions = [extension('2.5.29.29', sequence(), true)];
    assert.deepEqual(refused({ crl: (_, fields) => ({ ...fields, entryExtensions }) }), [
      'ROOT_CRL_FORMAT',
      'PCK_CRL_FORMAT',
    ]);
  });

  it('refuses a list with an extension that comes twice', () => {
    const twice: WorldChange['crl'] = (_, fields) => ({
      ...fields,
      extensions: [...fields.extensions, ...fields.extensions],
    });
    assert.deepEqual(refused({ crl: twice }), ['ROOT_CRL_FORMAT', 'PCK_CRL_FORMAT']);
  });

  it('refuses collateral for the other CA', () => {
    const { quote, root } = intelWorld();
    const other = intelWorld({
      certificate: (part, fields) => (part === 'ca' ? { ...fields, key: signingKey() } : fields),
    });
    const verdict = verifyQuote(quote, other.collateral, { atMs: WORLD_AT_MS, crypto, root });
    assert.ok(!verdict.ok);
    assert.equal(verdict.failures[0]?.code, 'PCK_CRL_ISSUER');
  });
});

describe('TCB levels', () => {
  it('refuses a revoked platform, module and quoting enclave', () => {
    assert.deepEqual(refused({ tcbInfo: platform('Revoked') }), ['TCB_REVOKED']);
    assert.deepEqual(refused({ quotedBody: (body) => body.set([2], 0) }), ['TCB_REVOKED']);
    assert.deepEqual(refused({ qeReport: (report) => report.set([4], 258) }), ['TCB_REVOKED']);
  });

  it('refuses a platform, a module and a quoting enclave below every level', () => {
    assert.deepEqual(refused({ quotedBody: (body) => body.set([2], 2) }), ['TCB_NOT_SUPPORTED']);
    assert.deepEqual(refused({ quotedBody: (body) => body.set([1], 0) }), ['TCB_NOT_SUPPORTED']);
    assert.deepEqual(refused({ qeReport: (report) => report.set([3], 258) }), ['TCB_NOT_SUPPORTED']);
    const tcbFields = (fields: Uint8Array[]) => fields.with(16, sgxField('2.17', integer(12)));
    assert.deepEqual(refused({ tcbFields }), ['TCB_NOT_SUPPORTED']);
  });

  it('compares all components of TDX for a module without a version, and those from the third on otherwise', () => {
    const versionless = (svn: number): WorldChange => ({ quotedBody: (body) => body.set([svn, 0], 0) });
    assert.deepEqual(accepted(versionless(5)), {
      tcbStatus: 'UpToDate',
      advisories: [],
      qeStatus: 'UpToDate',
      tdxModule: undefined,
    });
    assert.deepEqual(refused(versionless(4)), ['TCB_NOT_SUPPORTED']);
  });

  it('takes the first level reached, with its advisories', () => {
    const tcbFields = (fields: Uint8Array[]) => fields.with(3, sgxField('2.4', integer(4)));
    const { tcbStatus, advisories } = accepted({ tcbFields });
    assert.deepEqual({ tcbStatus, advisories }, { tcbStatus: 'OutOfDate', advisories: ['INTEL-SA-1'] });
  });

  const merged: [string, string][] = [
    ['UpToDate', 'OutOfDate'],
    ['SWHardeningNeeded', 'OutOfDate'],
    ['ConfigurationNeeded', 'OutOfDateConfigurationNeeded'],
    ['ConfigurationAndSWHardeningNeeded', 'OutOfDateConfigurationNeeded'],
    ['OutOfDate', 'OutOfDate'],
    ['OutOfDateConfigurationNeeded', 'OutOfDateConfigurationNeeded'],
  ];
  for (const [alone, together] of merged) {
    it(`makes ${together} of ${alone} when the quoting enclave or the module is out of date`, () => {
      const tcbInfo = platform(alone);
      assert.equal(accepted({ tcbInfo }).tcbStatus, alone);
      const qeReport = (report: Uint8Array) => report.set([7], 258);
      assert.deepEqual(accepted({ tcbInfo, qeReport, body: 'td10' }), {
        tcbStatus: together,
        advisories: ['INTEL-SA-3'],
        qeStatus: 'OutOfDate',
        tdxModule: 'TDX_01',
      });
      const { tcbStatus, advisories } = accepted({ tcbInfo, body: 'td10', quotedBody: (body) => body.set([5], 0) });
      assert.deepEqual({ tcbStatus, advisories }, { tcbStatus: together, advisories: ['INTEL-SA-2'] });
    });
  }
});

describe('TDX module', () => {
  it('refuses a module that Intel does not list', () =>
    assert.deepEqual(refused({ quotedBody: (body) => body.set([9], 1) }), ['TDX_MODULE_MISMATCH']));
  it('refuses a module signed by somebody else', () =>
    assert.deepEqual(refused({ quotedBody: (body) => body.set([1], 64) }), ['TDX_MODULE_MISMATCH']));
  it('refuses a module with attributes', () =>
    assert.deepEqual(refused({ quotedBody: (body) => body.set([1], 112) }), ['TDX_MODULE_MISMATCH']));
  it('refuses a foreign module without a version', () => {
    const quotedBody = (body: Uint8Array) => {
      body.set([5, 0], 0);
      body.set([1], 64);
    };
    assert.deepEqual(refused({ quotedBody }), ['TDX_MODULE_MISMATCH']);
  });
});

describe('TD relaunch', () => {
  /** The TD began under module SVN 5, which is out of date; `now` is the TCB it would begin under today. */
  const begunBefore = (now: readonly number[], change: WorldChange = {}): WorldChange => ({
    ...change,
    quotedBody: (body) => {
      body.set([5], 0);
      body.set(now, 584);
    },
  });

  it('is advised when the module was updated under a running TD', () => {
    assert.equal(accepted(begunBefore([6, 1, 3])).tcbStatus, 'TDRelaunchAdvised');
    assert.equal(accepted(begunBefore([3, 3, 3])).tcbStatus, 'TDRelaunchAdvised');
    assert.equal(accepted(begunBefore([5, 0, 3])).tcbStatus, 'TDRelaunchAdvised');
  });
  it('is not enough where the module is still old, or the microcode', () => {
    for (const now of [
      [5, 1, 3],
      [6, 1, 2],
      [2, 3, 3],
      [4, 0, 3],
    ])
      assert.equal(accepted(begunBefore(now)).tcbStatus, 'OutOfDate', now.join());
  });
  it('tells that configuration is needed, too', () => {
    const tcbInfo = platform('ConfigurationNeeded');
    assert.equal(accepted(begunBefore([6, 1, 3], { tcbInfo })).tcbStatus, 'TDRelaunchAdvisedConfigurationNeeded');
  });
  it('does not help a platform or a quoting enclave that is out of date', () => {
    const tcbInfo = platform('OutOfDate');
    assert.equal(accepted(begunBefore([6, 1, 3], { tcbInfo })).tcbStatus, 'OutOfDate');
    const qeReport = (report: Uint8Array) => report.set([7], 258);
    assert.equal(accepted(begunBefore([6, 1, 3], { qeReport })).tcbStatus, 'OutOfDate');
  });
  it('refuses a running module that Intel does not list', () =>
    assert.deepEqual(refused(begunBefore([6, 9, 3])), ['TDX_MODULE_MISMATCH']));
});

describe('quoting enclave', () => {
  const changes: [string, (report: Uint8Array) => void][] = [
    ['MISCSELECT', (report) => report.set([1], 16)],
    ['ATTRIBUTES', (report) => report.set([0x13], 48)],
    ['MRSIGNER', (report) => report.set([0], 128)],
    ['ISVPRODID', (report) => report.set([3], 256)],
  ];
  for (const [field, qeReport] of changes)
    it(`is refused for another ${field}`, () => assert.deepEqual(refused({ qeReport }), ['QE_IDENTITY_MISMATCH']));
  it('may have attributes that the mask leaves out', () =>
    assert.equal(accepted({ qeReport: (report) => report.set([0x15], 48) }).tcbStatus, 'UpToDate'));
  it('is refused when anything follows the hash in its report data', () =>
    assert.deepEqual(refused({ qeReport: (report) => report.set([1], 383) }), ['QE_REPORT_DATA']));
});

describe('certificates', () => {
  const sgxFields: [string, (fields: Uint8Array[]) => Uint8Array[]][] = [
    ['fields out of order', ([first, second, ...rest]) => [second!, first!, ...rest]],
    ['a field twice', ([first, ...rest]) => [first!, first!, ...rest]],
    ['a field missing', (fields) => fields.slice(0, 4)],
    ['something after the last field', (fields) => [...fields, sgxField('8', integer(1))]],
    ['a PPID of 15 bytes', (fields) => fields.with(0, sgxField('1', octets(new Uint8Array(15))))],
    ['an FMSPC that is a number', (fields) => fields.with(3, sgxField('4', integer(7)))],
  ];
  for (const [what, change] of sgxFields)
    it(`are refused for ${what} in the SGX extension`, () =>
      assert.deepEqual(refused({ sgxFields: change })[0], 'PCK_FORMAT'));

  const tcbFields: [string, (fields: Uint8Array[]) => Uint8Array[]][] = [
    ['out of order', ([first, second, ...rest]) => [second!, first!, ...rest]],
    ['twice', ([first, , ...rest]) => [first!, first!, ...rest]],
    ['missing', (fields) => fields.slice(1)],
    ['too many', (fields) => [...fields, fields[0]!]],
    ['negative', (fields) => fields.with(0, sgxField('2.1', Uint8Array.of(2, 1, 0xff)))],
    ['not minimal', (fields) => fields.with(0, sgxField('2.1', Uint8Array.of(2, 2, 0, 5)))],
  ];
  for (const [what, change] of tcbFields)
    it(`are refused for TCB components ${what}`, () =>
      assert.deepEqual(refused({ tcbFields: change })[0], 'PCK_FORMAT'));

  const ofPck = (extensions: (list: readonly Uint8Array[]) => Uint8Array[]): WorldChange => ({
    certificate: (part, fields) => (part === 'pck' ? { ...fields, extensions: extensions(fields.extensions) } : fields),
  });
  it('are refused for an extension that comes twice', () =>
    assert.deepEqual(refused(ofPck((list) => [...list, list[0]!])), ['PCK_FORMAT']));
  it('are refused for an unknown critical extension', () =>
    assert.deepEqual(refused(ofPck((list) => [...list, extension('1.2.3.4', integer(1), true)])), ['PCK_CHAIN']));
  it('are refused for a PCK that may sign certificates', () => {
    const constraints = extension('2.5.29.19', sequence(Uint8Array.of(1, 1, 0xff)), true);
    assert.deepEqual(refused(ofPck((list) => list.with(1, constraints))), ['PCK_CHAIN']);
  });
  it('are refused for a CA that may not', () => {
    const plain = [extension('2.5.29.19', sequence(), true)];
    const change: WorldChange = {
      certificate: (part, fields) => (part === 'ca' ? { ...fields, extensions: plain } : fields),
    };
    assert.deepEqual(refused(change), ['PCK_CHAIN']);
  });
  for (const [part, codes] of [
    ['ca', ['PCK_CRL_ISSUER', 'PCK_CHAIN']],
    ['pck', ['PCK_CHAIN']],
    ['tcb', ['TCB_SIGN_CHAIN', 'QEID_SIGN_CHAIN']],
  ] as const) {
    it(`are refused for another name of ${part}`, () => {
      const change: WorldChange = {
        certificate: (which, fields) => (which === part ? { ...fields, subject: 'Somebody Else' } : fields),
      };
      const found = refused(change);
      for (const code of codes) assert.ok(found.includes(code), `${code} in ${found.join()}`);
    });
  }

  it('are refused for a name that is no DER inside, where reading it threw out of the verdict', () => {
    const subject = sequence(Uint8Array.of(0x31, 0x7f, 0x30));
    const change = (part: string): WorldChange => ({
      certificate: (which, fields) => (which === part ? { ...fields, subject } : fields),
    });
    assert.equal(refused(change('pck'))[0], 'PCK_FORMAT');
    assert.equal(refused(change('ca'))[0], 'PCK_FORMAT');
    assert.equal(refused(change('tcb'))[0], 'TCB_SIGN_CHAIN');
  });

  it('are refused when they are not three, or not in their order', () => {
    const blocks = (chain: string) => chain.split(/(?<=-----END CERTIFICATE-----\n)/);
    assert.equal(blocks(pem(new Uint8Array(1), new Uint8Array(2))).length, 2);
    const refusedFor = (quotePem: (chain: string) => string) => refused({ quotePem })[0];
    assert.equal(
      refusedFor((chain) => blocks(chain).slice(0, 2).join('')),
      'PCK_FORMAT',
    );
    assert.equal(
      refusedFor((chain) => chain + (blocks(chain)[2] ?? '')),
      'PCK_FORMAT',
    );
    assert.equal(
      refusedFor((chain) => blocks(chain).reverse().join('')),
      'PCK_FORMAT',
    );
    assert.equal(
      refusedFor(() => ''),
      'PCK_FORMAT',
    );
    const [leaf = '', ca = '', root = ''] = blocks(intelWorldChain());
    assert.equal(
      refusedFor(() => leaf + root + ca),
      'PCK_CHAIN',
    );
  });

  function intelWorldChain(): string {
    let kept = '';
    intelWorld({ quotePem: (chain) => (kept = chain) });
    return kept;
  }

  const texts: [string, (chain: string) => string][] = [
    ['text before', (chain) => `x${chain}`],
    ['text between', (chain) => chain.replace('-----\n-----', '-----\nx\n-----')],
    ['text after', (chain) => `${chain}x`],
    ['a zero byte inside', (chain) => chain.replace('-----\n-----', '-----\n\0-----')],
    ['tabs', (chain) => chain.replace('\n', '\t')],
  ];
  for (const [what, quotePem] of texts)
    it(`are refused for PEM with ${what}`, () => assert.equal(refused({ quotePem })[0], 'PCK_FORMAT'));
  it('are refused for PEM with unused bits set', () => {
    const next = (digit: string) => String.fromCharCode(digit.charCodeAt(0) + 1);
    const padded = /([A-Za-z0-9+/])(=+\n)/; // as the length of a signature decides
    for (let changed = false; !changed; ) {
      const quotePem = (chain: string) => {
        changed = padded.test(chain);
        return chain.replace(padded, (_, last: string, rest: string) => next(last) + rest);
      };
      const verdict = judge({ quotePem });
      if (changed) assert.equal(!verdict.ok && verdict.failures[0]?.code, 'PCK_FORMAT');
    }
  });
  it('are read with the zero byte that ends the text in C', () =>
    assert.equal(accepted({ quotePem: (chain) => `${chain}\0` }).tcbStatus, 'UpToDate'));
});

describe('time', () => {
  it('refuses everything when everything is expired', () => {
    const codes = refused({}, Date.parse('2046-01-01T00:00:00Z'));
    assert.deepEqual(
      [...new Set(codes)],
      [
        'ROOT_CRL_EXPIRED',
        'PCK_CRL_EXPIRED',
        'PCK_VALIDITY',
        'TCB_SIGN_VALIDITY',
        'QEID_SIGN_VALIDITY',
        'TCB_INFO_EXPIRED',
        'QE_IDENTITY_EXPIRED',
      ],
    );
  });
  for (const atMs of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1, 0, 8.7e15, Number.MAX_VALUE])
    it(`refuses a clock that says ${atMs}`, () => assert.equal(refused({}, atMs)[0]?.startsWith('ROOT_CRL_'), true));
  it('includes the first and the last second', () => {
    const { quote, collateral, root } = intelWorld();
    const at = (iso: string) => verifyQuote(quote, collateral, { atMs: Date.parse(iso), crypto, root }).ok;
    assert.deepEqual(
      ['2026-05-31T23:59:59Z', '2026-06-01T00:00:00Z', '2026-07-01T00:00:00Z', '2026-07-01T00:00:01Z'].map(at),
      [false, true, true, false],
    );
  });
});
