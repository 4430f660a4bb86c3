/** A TDX quote under a policy: Intel's rules, then ours. Source: attestation.md §6, §8.3. */
import { attempt } from '../attempt.ts';
import { toHex } from '../bytes.ts';
import { type Quote, readQuote, type TdBody } from '../intel/quote.ts';
import { collateralRootHash } from '../intel/root.ts';
import { type QuoteVerdict, verifyQuote } from '../intel/verify.ts';
import { MalformedError } from '../malformed.ts';
import { imageHash as tdImageHash } from '../measure/image-hash.ts';
import type { TdxPolicy } from '../policy/policy.ts';
import { registerFaults, registersInHex } from '../policy/registers.ts';
import { admittedImage, imageFaults, platformFaults } from '../policy/rules.ts';
import { tcbFaults } from '../policy/tcb-rules.ts';
import { tdFaults } from '../policy/td-rules.ts';
import type { Failure } from '../verdict.ts';
import type { JudgedMachine, Machine } from './machine.ts';
import { isFakeQuote } from './pretended.ts';
import type { JudgeOptions, Trust } from './trust.ts';

export function judgeTdx(data: Uint8Array, policy: TdxPolicy, trust: Trust, options: JudgeOptions): JudgedMachine {
  if (isFakeQuote(data)) return { failures: [fakeQuote] };
  const { intel } = trust;
  const verdict =
    intel === undefined
      ? withoutCollateral(data)
      : verifyQuote(data, intel.collateral, { ...options, root: intel.root });
  const failures: Failure[] = verdict.ok ? [] : [...verdict.failures];
  const { quote } = verdict;
  if (quote === undefined) return { failures };
  const { body } = quote;
  if (body.kind === 'sgx') return { failures: [enclave, ...failures] };

  const { crypto, platformPeers } = options;
  const imageHash = tdImageHash(body, crypto);
  const root = collateralRootHash(crypto, intel?.root);
  failures.push(
    ...tdFaults(quote, body, policy, admittedImage(policy.measurements, imageHash)),
    ...(verdict.ok ? tcbFaults(policy, verdict) : []),
    ...registerFaults(policy, { ...body, collateralRootHash: root }),
    ...imageFaults(policy.measurements, imageHash),
    ...(verdict.ok ? platformFaults(policy.platforms, verdict.platform, platformPeers) : []),
  );
  const machine: Machine = {
    tier: 'tdx',
    attestation: 'tdx',
    genuine: verdict.ok,
    imageHash,
    measurements: measurementsOf(body),
    reportData: body.reportData,
    registers: body.rtmr,
    ...(verdict.ok ? statementsOf(verdict) : { advisories: [], expiresAtMs: options.atMs }),
  };
  return { machine, failures };
}

type Unjudged = { readonly ok: false; readonly failures: readonly Failure[]; readonly quote?: Quote };

function withoutCollateral(data: Uint8Array): Unjudged {
  const missing: Failure = {
    code: 'COLLATERAL_MISSING',
    message: "Intel's statements about this platform are not at hand, so its quote cannot be verified",
    fix: 'configure a PCCS that answers, or fetch the collateral: `bombyx attest collateral fetch`',
  };
  const quote = attempt(() => readQuote(data));
  if (!(quote instanceof MalformedError)) return { ok: false, failures: [missing], quote };
  return { ok: false, failures: [{ code: 'QUOTE_FORMAT', message: quote.message }] };
}

function statementsOf(verdict: Extract<QuoteVerdict, { ok: true }>) {
  const { tcbStatus, tcbDate, evaluationNumber, advisories, platform, collateralExpiresAtMs } = verdict;
  return { tcbStatus, tcbDate, evaluationNumber, advisories, platform, expiresAtMs: collateralExpiresAtMs };
}

const fakeQuote: Failure = {
  code: 'POLICY_FAKE_QUOTE',
  message: 'the quote is the fake_tdx stand-in of 64 bytes, which anybody can write',
  fix: 'run the peer inside a TDX guest; to try things out on a desk, choose the policy "fake_tdx" or "simulated"',
};

const enclave: Failure = {
  code: 'POLICY_SGX',
  message: 'the quote is of an SGX enclave, and the policy asks for a TD',
  fix: 'run the peer inside a TDX guest',
};

function measurementsOf(body: TdBody): Record<string, string> {
  const { mrConfigId, mrOwner, mrOwnerConfig, mrSeam, tdAttributes, xfam } = body;
  const others = Object.entries({ mrConfigId, mrOwner, mrOwnerConfig, mrSeam, tdAttributes, xfam });
  return { ...registersInHex(body), ...Object.fromEntries(others.map(([name, value]) => [name, toHex(value)])) };
}
