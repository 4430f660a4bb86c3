/**
 * Two published verifiers are asked what ours is asked. Differences must be exactly those of docs/attestation-differences.md.
 * `BOMBYX_RUNS` above 500 asks more; `BOMBYX_SEED` asks others.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { type IntelQuestion, intelCases, questionOf } from '../../testing/intel-cases.ts';
import { mutate, randomFrom } from '../../testing/intel-mutations.ts';
import { type Oracle, type OracleAnswer, oracles } from '../../testing/intel-oracles.ts';
import { nodeCrypto as crypto } from '../crypto/node.ts';
import { readQuote } from './quote.ts';
import { type QuoteVerdict, verifyQuote } from './verify.ts';

const { BOMBYX_RUNS = '0', BOMBYX_SEED = '1' } = process.env;
const RUNS = Math.max(500, Number(BOMBYX_RUNS));

interface Difference {
  readonly by: Oracle['name'];
  readonly verdict: QuoteVerdict;
  readonly answer: OracleAnswer;
  readonly question: IntelQuestion;
  /** The same without the change. */
  readonly original: IntelQuestion;
}

const codesOf = ({ verdict }: Difference) => (verdict.ok ? [] : verdict.failures.map(({ code }) => code));
const onlyCodes = (difference: Difference, pattern: RegExp) =>
  difference.answer.ok && codesOf(difference).every((code) => pattern.test(code));
const isWeb = ({ by }: Difference) => by === '@phala/dcap-qvl-web';

/** In this order: the first that fits names a difference. */
const classes: Readonly<Record<string, (difference: Difference) => boolean>> = {
  debug: ({ verdict, answer }) => !answer.ok && /Debug/.test(answer.why) && verdict.policyFindings.includes('DEBUG'),
  td15: (difference) =>
    isWeb(difference) && difference.verdict.ok && difference.verdict.quote.version === 5 && !difference.answer.ok,
  'outer-header': (difference) => onlyCodes(difference, /^QUOTE_FORMAT$/) && sameButForHeaders(difference),
  'crl-chain': (difference) =>
    onlyCodes(difference, /^PCK_CRL_(ISSUER|SIGNATURE)$/) &&
    difference.question.collateral.pck_crl_issuer_chain !== difference.original.collateral.pck_crl_issuer_chain,
  'issue-date': (difference) => isWeb(difference) && onlyCodes(difference, /_FUTURE$/),
  crl: (difference) => !isWeb(difference) && onlyCodes(difference, /^(ROOT|PCK)_CRL_/),
  'qe-identity': (difference) => isWeb(difference) && onlyCodes(difference, /^(QE_IDENTITY|QEID_SIGN)_/),
  'own-root': (difference) =>
    isWeb(difference) &&
    onlyCodes(difference, /^((PCK|TCB_SIGN)_(CHAIN|VALIDITY)|PCK_CRL_ISSUER|TCB_INFO_SIGNATURE)$/) &&
    sameButForRoots(difference),
  'quoted-form': (difference) => onlyCodes(difference, /^PCK_FORMAT$/) && sameButForRoots(difference),
};

/** Everything but the length of the authentication data, and type and length around the QE report certification. */
function sameButForHeaders({ question, original }: Difference): boolean {
  const length = readQuote(original.quote).signed.length;
  const header = length + 4 + 128;
  const rest = (quote: Uint8Array) =>
    Buffer.concat([quote.subarray(0, length), quote.subarray(length + 4, header), quote.subarray(header + 6)]);
  return rest(question.quote).equals(rest(original.quote));
}

/** Leaf and CA of the quote, the signer of the TCB info and what it signed, whatever stands around them or between. */
function sameButForRoots({ question, original }: Difference): boolean {
  const signed = ({ collateral }: IntelQuestion) =>
    [...dersIn(collateral.tcb_info_issuer_chain, 1), collateral.tcb_info, collateral.tcb_info_signature].join();
  const quoted = ({ quote }: IntelQuestion) => dersIn(Buffer.from(quote).toString('latin1'), 4);
  const [leaf, ca] = quoted(original);
  const [first, ...others] = quoted(question);
  return first === leaf && others.some((other) => other === ca) && signed(question) === signed(original);
}

function dersIn(text: string, most: number): string[] {
  return [...text.matchAll(/BEGIN CERTIFICATE-----([A-Za-z0-9+/\s]*)/g)]
    .slice(0, most)
    .map(([, body = '']) => Buffer.from(body, 'base64').toString('hex'));
}

it('differs from two published verifiers only where the document says so', async (test) => {
  const others = await oracles();
  const seen = new Map<string, number>();
  const ask = (what: string, question: IntelQuestion, original: IntelQuestion) => {
    const { quote, collateral, atMs, root } = question;
    const verdict = verifyQuote(quote, collateral, { atMs, crypto, root });
    for (const other of others) {
      const answer = other.judge(question);
      if (verdict.ok && answer.ok) {
        assert.deepEqual([answer.status, answer.advisories], [verdict.tcbStatus, verdict.advisories], what);
        continue;
      }
      if (verdict.ok === answer.ok) continue;
      const difference = { by: other.name, verdict, answer, question, original };
      const [name] = Object.entries(classes).find(([, fits]) => fits(difference)) ?? [];
      const told = answer.ok ? 'accepts' : answer.why;
      assert.ok(name, `${what}: ${other.name} ${told}; ${codesOf(difference).join()}; BOMBYX_SEED=${BOMBYX_SEED}`);
      seen.set(name, (seen.get(name) ?? 0) + 1);
    }
  };
  const cases = intelCases();
  for (const one of cases) ask(one.id, questionOf(one), questionOf({ ...one, patch: [] }));
  const accepted = cases.filter(({ expect }) => expect.verdict === 'verified').map((one) => questionOf(one));
  const random = randomFrom(Number(BOMBYX_SEED));
  for (let run = 0; run < RUNS; run++) {
    const original = accepted[run % accepted.length] ?? assert.fail('no case');
    const mutation = mutate(original, random);
    ask(mutation.what, mutation, original);
  }
  test.diagnostic(JSON.stringify(Object.fromEntries(seen)));
  const written = readFileSync(new URL('../../../../docs/attestation-differences.md', import.meta.url), 'utf8');
  const documented = [...written.matchAll(/^\| `([a-z0-9-]+)` \|/gm)].map(([, name]) => name);
  assert.deepEqual([...seen.keys()].sort(), documented.sort());
  assert.deepEqual(Object.keys(classes).sort(), documented);
});
