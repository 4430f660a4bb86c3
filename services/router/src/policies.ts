/** Policies by name: the built-in ones of the C++ router, and those that a person defines. Source: attestation.md §8.2. */
import { builtinPolicy, type Failure, type Policy, parsePolicy, withMeasurements } from '@bombyx/attest';

/** Types that the words of a command line may name; a file may name any that packages/attest knows. */
export const POLICY_TYPES = ['any', 'fake_tdx', 'tdx'] as const;
export type PolicyType = (typeof POLICY_TYPES)[number];

export function isPolicyType(text: string): text is PolicyType {
  return (POLICY_TYPES as readonly string[]).includes(text);
}

/**
 * As everybody knows it by this name, open to every image and model: a router sees no root contract, and the program
 * behind it judges the image by the peer-info frame.
 */
function builtIn(type: PolicyType | 'sev-snp'): Policy {
  return withMeasurements(builtinPolicy(type), { images: 'any', models: 'any' });
}

export const builtIns: readonly Policy[] = [...POLICY_TYPES, 'sev-snp' as const].map(builtIn);

/** Hashes of images that a policy of the command line admits, in hex; undefined where it names none. */
export function policyOfWords(
  name: string,
  type: PolicyType,
  images: readonly string[] | undefined,
  tell: (fault: string) => void,
): Policy {
  if (type === 'any' && images !== undefined) {
    tell(`the policy "${name}" of type any names image hashes, but that type looks at no evidence`);
  }
  const lists = type === 'any' ? {} : { tdx_config: { ...(images && { allowed_image_hashes: images }) } };
  return policyOfFile({ name, type, ...lists }, tell);
}

/** @param json one policy of a file @returns the policy `any`, which nobody uses, after a fault was told */
export function policyOfFile(json: unknown, tell: (fault: string) => void): Policy {
  const parsed = parsePolicy(json);
  if (parsed.ok) return withoutContract(parsed.policy, tell);
  const name = (json as { readonly name?: unknown } | null)?.name;
  const whose = typeof name === 'string' ? `the policy "${name}"` : 'a policy without name';
  for (const { message, fix } of parsed.failures as readonly Failure[]) {
    tell(`${whose}: ${message}${fix === undefined ? '' : ` (${fix})`}`);
  }
  return builtIns[0]!;
}

/** Models are judged by the program behind the router, too. */
function withoutContract(policy: Policy, tell: (fault: string) => void): Policy {
  if (policy.type !== 'any' && policy.measurements === 'root-contract') {
    tell(
      `the policy "${policy.name}" takes its images from the root contract, which a router does not read: list them`,
    );
  }
  return withMeasurements(policy, { images: 'any', models: 'any' });
}

/** The policy of one port: a built-in type with image hashes of its own. */
export function privatePolicy(
  port: string,
  type: PolicyType,
  images: readonly string[],
  tell: (fault: string) => void,
): Policy {
  return policyOfWords(`${type} of port ${port}`, type, images, tell);
}

/** `policy` with these root keys admitted beside its own; they stand for the built-in one. 48 bytes each, hex. */
export function withCollateralRoots(policy: Policy, roots: readonly string[] | undefined): Policy {
  if (policy.type !== 'tdx' || roots === undefined) return policy;
  return { ...policy, collateralRootHashes: [...new Set([...(policy.collateralRootHashes ?? []), ...roots])] };
}
