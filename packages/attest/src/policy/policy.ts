/**
 * What a side asks of its peer. A value: every list is spelled out, nothing is optional that could open a door by being
 * forgotten. Source: attestation.md §8.2 (the C++ lists) and §8.3.
 *
 * Hashes and registers are lower-case hex in byte order, as the tools print them.
 */
import type { AmdProduct, SnpTcb } from '../amd/tcb.ts';
import { toHex } from '../bytes.ts';
import type { GpuMode } from '../nvidia/evidence.ts';

export const policyTypes = ['any', 'fake_tdx', 'tdx', 'sev-snp', 'simulated'] as const;
export type PolicyType = (typeof policyTypes)[number];

/** `any` opens the list in so many words; `root-contract` waits for {@link withMeasurements} and admits nobody until then. */
export type Listed<Item> = 'any' | 'root-contract' | readonly Item[];

/** An image, with the attributes it was admitted with where those differ from the policy's. */
export interface AdmittedImage {
  /** 32 bytes. */
  readonly imageHash: string;
  /** 8 bytes each. */
  readonly tdAttributes?: string;
  readonly xfam?: string;
  /** 48 bytes each. */
  readonly mrSeam?: readonly string[];
}

export interface AdvisoryRules {
  /** Where given, every advisory of the platform must be here. */
  readonly allow?: readonly string[];
  readonly deny: readonly string[];
}

export interface PlatformRules {
  /** SHA-256 of the platform's identity, 32 bytes each. */
  readonly allow?: readonly string[];
  readonly deny: readonly string[];
  /** Most connections from one platform, this one included. */
  readonly maxPeers?: number;
}

export interface GpuRules {
  /** At least one GPU must be shown. What is shown is verified in any case. */
  readonly required: boolean;
  /** Chips, such as `GH100`. */
  readonly architectures?: readonly string[];
  readonly minDriver?: string;
  /** By chip; a chip without an entry has no minimum. */
  readonly minVbios: Readonly<Record<string, string>>;
  readonly modes: readonly GpuMode[];
}
export const gpuModes = ['single', 'multi', 'protected-pcie'] as const satisfies readonly GpuMode[];

/** Status words of Intel that a policy may admit; `Revoked` is none of them. */
export const tcbStatuses = [
  'UpToDate',
  'SWHardeningNeeded',
  'ConfigurationNeeded',
  'ConfigurationAndSWHardeningNeeded',
  'OutOfDate',
  'OutOfDateConfigurationNeeded',
  'TDRelaunchAdvised',
  'TDRelaunchAdvisedConfigurationNeeded',
] as const;
export type AdmissibleTcbStatus = (typeof tcbStatuses)[number];

interface Named {
  readonly name: string;
  readonly description?: string;
}

/** Any valid certificate: nobody looks at evidence, and the peer counts as not attested. */
export interface AnyPolicy extends Named {
  readonly type: 'any';
}

/** The C++ stand-in of 64 bytes, whose registers read as zero. The lists are judged against those. */
export interface FakeTdxPolicy extends Named, Registers {
  readonly type: 'fake_tdx';
  readonly measurements: Listed<AdmittedImage>;
}

/** Lists of the C++ `tdx_config` beside the image hashes; absent: not asked. */
export interface Registers {
  readonly mrTd?: readonly string[];
  /** Each RTMR0…RTMR3. */
  readonly rtmrs?: readonly (readonly string[])[];
  readonly collateralRootHashes?: readonly string[];
}

/** What every kind of enclave is asked. */
export interface EnclaveRules extends Named {
  readonly measurements: Listed<AdmittedImage>;
  /** SHA-256 of the texts `name@commit:hash`; asked of workers. */
  readonly models: Listed<string>;
  readonly quoteMaxAgeSec: number;
  readonly certMaxSpanSec: number;
  readonly platforms: PlatformRules;
  readonly gpu: GpuRules;
}

export interface TdxPolicy extends EnclaveRules, Registers {
  readonly type: 'tdx';
  readonly tcbStatus: readonly AdmissibleTcbStatus[];
  readonly advisories: AdvisoryRules;
  /** ISO 8601, as in the TCB info. */
  readonly minTcbDate?: string;
  readonly minEvaluationNumber?: number;
  readonly tdAttributes: string;
  readonly mrServiceTd: string;
  readonly xfam: string;
  readonly mrSeam?: readonly string[];
}

export interface SevSnpPolicy extends EnclaveRules {
  readonly type: 'sev-snp';
  /** What the chip may be. */
  readonly products: readonly AmdProduct[];
  /** Least security versions; a part that is not named has none. */
  readonly minTcb?: Readonly<Partial<SnpTcb>>;
}

/** Machines of a network on a desk, known by the root that was made for it. */
export interface SimulatedPolicy extends EnclaveRules {
  readonly type: 'simulated';
  /** Ed25519 keys, 32 bytes each; none: nobody is admitted. */
  readonly roots: readonly string[];
}

export type Policy = AnyPolicy | FakeTdxPolicy | TdxPolicy | SevSnpPolicy | SimulatedPolicy;

const DAY_SEC = 86_400;

/** What the rules of an enclave are where a file does not say otherwise. */
export const enclaveDefaults = {
  quoteMaxAgeSec: DAY_SEC,
  certMaxSpanSec: DAY_SEC,
  platforms: { deny: [] },
  gpu: { required: false, minVbios: {}, modes: gpuModes },
} as const satisfies Partial<EnclaveRules>;

/** SEPT_VE_DISABLE and nothing else; AVX-512, AMX and CET as in COCOON's guests. */
export const tdxDefaults = {
  tcbStatus: ['UpToDate'],
  advisories: { deny: [] },
  tdAttributes: '0000001000000000',
  mrServiceTd: '00'.repeat(48),
  xfam: 'e702060000000000',
} as const satisfies Partial<TdxPolicy>;

/** Without Milan, whose keys are taken out by software alone (§20.3): its reports are genuine, whoever writes them. */
export const snpDefaults = { products: ['Genoa', 'Turin'] } as const satisfies Partial<SevSnpPolicy>;

const fromContract = { measurements: 'root-contract', models: 'root-contract' } as const;

/**
 * The policy that every part knows by this name; no file can give the name to another one. Those for enclaves take
 * their lists from the root contract.
 * @param roots Ed25519 keys of the local network, for `simulated`
 */
export function builtinPolicy(name: PolicyType, roots: readonly Uint8Array[] = []): Policy {
  switch (name) {
    case 'any':
      return { name, type: name };
    case 'fake_tdx':
      return { name, type: name, measurements: 'any' };
    case 'tdx':
      return { name, type: name, ...fromContract, ...enclaveDefaults, ...tdxDefaults };
    case 'sev-snp':
      return { name, type: name, ...fromContract, ...enclaveDefaults, ...snpDefaults };
    case 'simulated':
      return { name, type: name, ...fromContract, ...enclaveDefaults, roots: roots.map(toHex) };
  }
}

/** 32-byte hashes, as bytes or in hex; `any` only where the network says so itself. */
export interface ContractLists {
  readonly images: 'any' | readonly (Uint8Array | string)[];
  readonly models: 'any' | readonly (Uint8Array | string)[];
}

/** The policy with the lists of the root contract in the places that wait for them. An empty list admits nobody. */
export function withMeasurements(policy: Policy, { images, models }: ContractLists): Policy {
  if (policy.type === 'any' || policy.type === 'fake_tdx') return withImages(policy, images);
  const listed = withImages(policy, images);
  return policy.models === 'root-contract' ? { ...listed, models: hashes(models) } : listed;
}

function withImages<P extends Policy>(policy: P, images: ContractLists['images']): P {
  if (policy.type === 'any' || policy.measurements !== 'root-contract') return policy;
  const list = hashes(images);
  return { ...policy, measurements: list === 'any' ? list : list.map((imageHash) => ({ imageHash })) };
}

function hashes(list: 'any' | readonly (Uint8Array | string)[]): 'any' | string[] {
  if (list === 'any') return list;
  return list.map((hash) => (typeof hash === 'string' ? hash.toLowerCase() : toHex(hash)));
}
