/**
 * Reads a policy file. What the C++ parser skips, replaces or takes for "allow everything" is a fault here, and every
 * fault is named at once. Source: attestation.md §8.2, the quirks, and §8.3.
 */
import type { z } from 'zod';
import type { Failure } from '../verdict.ts';
import {
  type AdmittedImage,
  type AnyPolicy,
  type Listed,
  type Policy,
  type PolicyType,
  policyTypes,
  type Registers,
} from './policy.ts';
import { EMPTY, schemas } from './schema.ts';

export type PolicyFault =
  | 'POLICY_FORMAT'
  | 'POLICY_UNKNOWN_TYPE'
  | 'POLICY_UNKNOWN_KEY'
  | 'POLICY_RESERVED_NAME'
  | 'POLICY_MISSING'
  | 'POLICY_EMPTY_LIST'
  | 'POLICY_VALUE'
  | 'POLICY_CONFLICT';

export type ParsedPolicy =
  | { readonly ok: true; readonly policy: Policy }
  | { readonly ok: false; readonly failures: readonly Failure<PolicyFault>[] };

/** @param json parsed JSON of one policy; never throws */
export function parsePolicy(json: unknown): ParsedPolicy {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    return refused({ code: 'POLICY_FORMAT', message: 'a policy must be a JSON object' });
  const { name, type } = json as Record<string, unknown>;
  const known = policyTypes.find((candidate) => candidate === type);
  const reserved: Failure<PolicyFault>[] = policyTypes.some((builtin) => builtin === name)
    ? [
        {
          code: 'POLICY_RESERVED_NAME',
          message: `"${name}" is the name of a built-in policy`,
          fix: 'give the policy a name of its own',
        },
      ]
    : [];
  if (known === undefined) return refused(...reserved, unknownType(type));
  const read = schemas[known].safeParse(json, { reportInput: true });
  if (!read.success) return refused(...reserved, ...read.error.issues.flatMap((issue) => faultsOf(issue, known)));
  const { policy, failures } = assemble(read.data);
  const all = [...reserved, ...failures];
  return all.length === 0 ? { ok: true, policy } : refused(...all);
}

function refused(...failures: readonly Failure<PolicyFault>[]): ParsedPolicy {
  return { ok: false, failures };
}

function unknownType(type: unknown): Failure<PolicyFault> {
  const fix = `write one of ${policyTypes.join(', ')}`;
  if (type === undefined) return { code: 'POLICY_MISSING', message: '"type" is missing', fix };
  return { code: 'POLICY_UNKNOWN_TYPE', message: `no policy is of type ${quoted(type)}`, fix };
}

type Read = z.output<(typeof schemas)[PolicyType]>;

/** What one field alone does not show. The policy is one only if there are no failures. */
function assemble(read: Read): { policy: Policy; failures: readonly Failure<PolicyFault>[] } {
  if (read.type === 'any') return { policy: compact(read as AnyPolicy), failures: [] };
  const { measurements: written, tdx_config: config, ...own } = { tdx_config: undefined, ...read };
  const failures: Failure<PolicyFault>[] = [];
  const lists = [written, config?.allowed_image_hashes, config?.allowed_image_hash].filter(
    (list) => list !== undefined,
  );
  if (lists.length > 1) {
    failures.push({
      code: 'POLICY_CONFLICT',
      message: 'image hashes are listed in more than one place',
      fix: 'keep one of "measurements", "tdx_config.allowed_image_hashes" and "tdx_config.allowed_image_hash"',
    });
  }
  if (lists.length === 0 && read.type !== 'fake_tdx') {
    failures.push({
      code: 'POLICY_MISSING',
      message: '"measurements" is missing',
      fix: 'list the image hashes, or write "root-contract", or "any" if every image really is welcome',
    });
  }
  if (read.type === 'tdx' && read.advisories.allow === undefined) {
    const lenient = read.tcbStatus.filter((status) => status !== 'UpToDate');
    if (lenient.length > 0) {
      failures.push({
        code: 'POLICY_MISSING',
        message: `"tcbStatus" admits ${lenient.join(', ')} without a list of advisories`,
        fix: 'list in "advisories.allow" which advisories are put up with',
      });
    }
  }
  const measurements = asImages(lists[0] ?? 'any');
  const twice = typeof measurements === 'string' ? undefined : firstTwice(measurements);
  if (twice !== undefined) {
    failures.push({
      code: 'POLICY_CONFLICT',
      message: `the image ${twice} is listed twice`,
      fix: 'keep the entry with the attributes that the image was admitted with',
    });
  }
  // every field is checked above; only the C++ lists move to their own names
  return { policy: compact({ ...own, measurements, ...registers(config) } as Policy), failures };
}

type TdxConfig = NonNullable<Extract<Read, { type: 'fake_tdx' }>['tdx_config']>;

function registers(config: TdxConfig | undefined): Registers {
  return compact({
    mrTd: config?.allowed_mrtd,
    rtmrs: config?.allowed_rtmr,
    collateralRootHashes: config?.allowed_collateral_root_hashes,
  } as Registers);
}

function asImages(list: 'any' | 'root-contract' | readonly (string | object)[]): Listed<AdmittedImage> {
  if (typeof list === 'string') return list;
  // objects have been through the schema of an image
  return list.map((item) => (typeof item === 'string' ? { imageHash: item } : compact(item as AdmittedImage)));
}

function firstTwice(images: readonly AdmittedImage[]): string | undefined {
  const hashes = images.map(({ imageHash }) => imageHash);
  return hashes.find((hash, i) => hashes.indexOf(hash) < i);
}

/** Without the fields that are undefined: absent and undefined must not be two things. */
function compact<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T;
}

function faultsOf(
  issue: z.core.$ZodIssue,
  type: PolicyType,
  above: readonly PropertyKey[] = [],
): Failure<PolicyFault>[] {
  const path = [...above, ...issue.path];
  const where = quoted(path.join('.'));
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      code: 'POLICY_UNKNOWN_KEY',
      message: `${quoted([...path, key].join('.'))} is no field of a policy of type ${type}`,
      fix: 'correct its spelling, or remove it',
    }));
  }
  if (issue.code === 'invalid_union') {
    const branch = issue.errors.find((_, index) => index === branchFor(issue.input));
    if (branch !== undefined) return branch.flatMap((inner) => faultsOf(inner, type, path));
  }
  if (issue.code === 'invalid_type' && issue.input === undefined)
    return [{ code: 'POLICY_MISSING', message: `${where} is missing` }];
  if (issue.message === EMPTY) {
    return [
      {
        code: 'POLICY_EMPTY_LIST',
        message: `${where} ${EMPTY}`,
        fix: 'list what is allowed; leave the field out, or write "any" where that is possible, to ask for nothing',
      },
    ];
  }
  return [{ code: 'POLICY_VALUE', message: `${where} ${issue.message}` }];
}

/** Both unions have the plain form first and the structured one second. */
function branchFor(input: unknown): number | undefined {
  return typeof input === 'object' && input !== null ? 1 : undefined;
}

function quoted(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 80) ?? 'undefined';
}
