/** Which kind of evidence a policy asks for. What a machine is, it is asked for by name and never guessed. */
import type { Policy, PolicyType } from '../policy/policy.ts';
import type { Failure } from '../verdict.ts';
import type { EvidenceItem, EvidenceKind } from './evidence.ts';
import type { JudgedMachine } from './machine.ts';
import { judgeFake, judgeSimulated } from './pretended.ts';
import { judgeSnp } from './snp.ts';
import { judgeTdx } from './tdx.ts';
import type { JudgeOptions, Trust } from './trust.ts';

type EnclavePolicy = Exclude<Policy, { type: 'any' }>;

const wantedKind: Readonly<Record<EnclavePolicy['type'], EvidenceKind>> = {
  fake_tdx: 'tdx', // the stand-in takes the quote's place
  tdx: 'tdx',
  'sev-snp': 'sev-snp',
  simulated: 'simulated',
};
const machineKinds: readonly EvidenceKind[] = ['tdx', 'sgx', 'sev-snp', 'simulated'];

/** The one item that speaks for the machine: two would let evidence of a good one stand beside that of another. */
export function judgeMachine(
  items: readonly EvidenceItem[],
  policy: EnclavePolicy,
  trust: Trust,
  options: JudgeOptions,
): JudgedMachine {
  const [item, ...more] = items.filter(({ kind }) => machineKinds.includes(kind));
  if (item === undefined) return { failures: [evidenceMissing(policy)] };
  if (more.length > 0) {
    const message = `${more.length + 1} items speak for the machine; one must`;
    return { failures: [{ code: 'EVIDENCE_AMBIGUOUS', message }] };
  }
  if (item.kind !== wantedKind[policy.type]) return { failures: [wrongKind(policy, item.kind)] };
  return judgeData(item.data, policy, trust, options);
}

function judgeData(data: Uint8Array, policy: EnclavePolicy, trust: Trust, options: JudgeOptions): JudgedMachine {
  switch (policy.type) {
    case 'fake_tdx':
      return judgeFake(data, policy, options);
    case 'tdx':
      return judgeTdx(data, policy, trust, options);
    case 'sev-snp':
      return judgeSnp(data, policy, trust, options);
    case 'simulated':
      return judgeSimulated(data, policy, options);
  }
}

/** What would have to change, on one side or the other. */
const howToPass: Readonly<Record<Exclude<PolicyType, 'any'>, string>> = {
  fake_tdx: 'start the peer with the fake_tdx stand-in',
  tdx: 'run the peer inside a TDX guest with the evidence provider "tdx"',
  'sev-snp': 'run the peer inside a SEV-SNP guest with the evidence provider "sev-snp"',
  simulated: 'start the peer with the evidence provider "simulated" and a key that a listed root endorsed',
};
const words: Readonly<Record<EvidenceKind, string>> = {
  tdx: 'a TDX quote',
  sgx: 'an SGX quote',
  'sev-snp': 'a SEV-SNP report',
  simulated: 'SIMULATED evidence, which proves no enclave',
  'nvidia-gpu': 'GPU evidence',
  'event-log': 'an event log',
};

export function evidenceMissing({ name, type }: EnclavePolicy): Failure {
  return {
    code: 'EVIDENCE_MISSING',
    message: `the peer shows no evidence of a machine; the policy "${name}" asks for ${wantedBy(type)}`,
    fix: howToPass[type],
  };
}

function wrongKind({ name, type }: EnclavePolicy, kind: EvidenceKind): Failure {
  return {
    code: 'POLICY_KIND',
    message: `the peer shows ${words[kind]}; the policy "${name}" asks for ${wantedBy(type)}`,
    fix: `${howToPass[type]}${kind === 'simulated' ? '; to try things out on a desk, choose the policy "simulated"' : ''}`,
  };
}

function wantedBy(type: EnclavePolicy['type']): string {
  return type === 'fake_tdx' ? 'the fake_tdx stand-in' : words[wantedKind[type]];
}
