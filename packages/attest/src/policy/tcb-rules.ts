/** How new a platform must be, as Intel's statements tell it. Source: attestation.md §7 and §8.3. */
import type { Failure } from '../verdict.ts';
import type { TdxPolicy } from './policy.ts';

export interface SeenTcb {
  readonly tcbStatus: string;
  readonly advisories: readonly string[];
  /** ISO 8601, as Intel writes it. */
  readonly tcbDate: string;
  readonly evaluationNumber: number;
}

const update = 'update firmware, microcode and TDX module of the machine, and start it again';

export function* tcbFaults(policy: TdxPolicy, seen: SeenTcb): Generator<Failure> {
  const { tcbStatus, advisories, tcbDate, evaluationNumber } = seen;
  const { allow, deny } = policy.advisories;
  if (!policy.tcbStatus.some((status) => status === tcbStatus)) {
    const message = `the platform's TCB status is ${tcbStatus}; allowed: ${policy.tcbStatus.join(', ')}`;
    yield { code: 'POLICY_TCB_STATUS', message, fix: update };
  }
  const denied = advisories.filter((advisory) => deny.includes(advisory));
  if (denied.length > 0)
    yield { code: 'POLICY_ADVISORY_DENIED', message: `open on the platform: ${denied.join(', ')}`, fix: update };
  // without a list, a status other than UpToDate admits none: a policy made in code cannot forget what a file must say
  const admitted = allow ?? (tcbStatus === 'UpToDate' ? advisories : []);
  const unknown = advisories.filter((advisory) => !admitted.includes(advisory));
  if (unknown.length > 0) {
    yield {
      code: 'POLICY_ADVISORY',
      message: `open on the platform and not put up with: ${unknown.join(', ')}`,
      fix: `${update}; or add them to "advisories.allow" after reading them`,
    };
  }
  if (policy.minTcbDate !== undefined && !(Date.parse(tcbDate) >= Date.parse(policy.minTcbDate))) {
    const message = `the platform's TCB is of ${tcbDate}; the policy asks for ${policy.minTcbDate} or later`;
    yield { code: 'POLICY_TCB_DATE', message, fix: update };
  }
  const { minEvaluationNumber } = policy;
  if (minEvaluationNumber !== undefined && evaluationNumber < minEvaluationNumber) {
    yield {
      code: 'POLICY_EVALUATION_NUMBER',
      message: `the collateral is of evaluation ${evaluationNumber}; the policy asks for ${minEvaluationNumber} or later`,
      fix: 'fetch collateral of a newer evaluation (update=early)',
    };
  }
}
