/** Policies of a configuration, ready to judge by. */
import { readFileSync } from 'node:fs';
import {
  type AttestedPeer,
  builtinPolicy,
  type ContractLists,
  type Failure,
  type PartRole,
  type Policy,
  type PolicyType,
  parsePolicy,
  policyTypes,
  reconsiderPeer,
  withMeasurements,
} from '@bombyx/attest';
import { type AttestationConfig, doubledName } from '@bombyx/config';
import type { PeerVerifier } from '@bombyx/evidence';
import type { Judging, PeerPolicy } from '@bombyx/transport';
import { CliError } from '../usage.ts';

/** @throws {CliError} `CLI_CONFIG` for a policy that is wrong, named twice or not there */
export function readPolicy(name: string, config: AttestationConfig): Policy {
  const builtin = policyTypes.find((type) => type === name);
  const written = parseAll(config); // also if a built-in one is used: mistakes are told when they are made
  if (builtin !== undefined) return builtinPolicy(builtin, rootsFor(builtin, config));
  const policy = written.get(name);
  if (policy) return policy;
  const known = [...policyTypes, ...written.keys()].join(', ');
  throw new CliError('CLI_CONFIG', `there is no policy "${name}"; there are ${known}`);
}

function rootsFor(type: PolicyType, { simulated_roots: roots }: AttestationConfig): Uint8Array[] {
  if (type === 'simulated' && roots.length === 0) {
    throw new CliError('CLI_CONFIG', 'the policy simulated needs "simulated_roots": whose machines it believes');
  }
  return roots.map((hex) => Buffer.from(hex, 'hex'));
}

function parseAll({ policies }: AttestationConfig): Map<string, Policy> {
  const list = typeof policies === 'string' ? listIn(policies) : policies;
  const named = new Map<string, Policy>();
  for (const json of list) {
    const parsed = parsePolicy(json);
    if (!parsed.ok) {
      const faults = parsed.failures.map(({ message, fix }) => (fix === undefined ? message : `${message} (${fix})`));
      throw new CliError('CLI_CONFIG', `a policy is wrong: ${faults.join('; ')}`);
    }
    const { name } = parsed.policy;
    if (named.has(name)) throw new CliError('CLI_CONFIG', `two policies are called "${name}"`);
    named.set(name, parsed.policy);
  }
  return named;
}

function listIn(file: string): unknown[] {
  let text: string;
  let json: unknown;
  try {
    text = readFileSync(file, 'utf8');
    json = JSON.parse(text);
  } catch (error) {
    throw new CliError('CLI_CONFIG', `the policies ${file} cannot be read as JSON`, {}, { cause: error });
  }
  const doubled = doubledName(text);
  if (doubled !== undefined) {
    throw new CliError('CLI_CONFIG', `in the policies ${file} the name ${JSON.stringify(doubled)} stands twice`);
  }
  if (Array.isArray(json)) return json;
  throw new CliError('CLI_CONFIG', `the policies ${file} are no list`);
}

/** A policy as the transport asks it. The lists of the root contract come while it is in use. */
export class VerifierPolicy implements PeerPolicy {
  readonly name: string;
  readonly wantsFresh: boolean;
  readonly #written: Policy;
  readonly #verifier: PeerVerifier;
  /** With the lists of the moment. */
  #policy: Policy;

  constructor(policy: Policy, verifier: PeerVerifier, freshOnly: boolean) {
    this.name = policy.name;
    this.wantsFresh = freshOnly || policy.type === 'sev-snp' || policy.type === 'simulated';
    this.#written = policy;
    this.#policy = policy;
    this.#verifier = verifier;
  }

  judgeCertificate(der: Uint8Array, judging: Judging) {
    const role = judging.role === 'proxy' ? 'server' : 'client';
    return this.#verifier.judgeCertificate(der, role, this.#policy, this.#asking(judging));
  }

  judgeEvidence(bundle: Uint8Array, binding: Parameters<PeerPolicy['judgeEvidence']>[1], judging: Judging) {
    return this.#verifier.judge(bundle, binding, this.#policy, this.#asking(judging));
  }

  adopt(lists: ContractLists): void {
    this.#policy = withMeasurements(this.#written, lists);
    this.#verifier.flush();
  }

  reconsider(peer: AttestedPeer, role: PartRole, others?: Iterable<AttestedPeer>): readonly Failure[] {
    return reconsiderPeer(peer, role, this.#policy, others && countPlatforms(others));
  }

  /** Peers are counted only for a policy that bounds them: a verdict that depends on others serves nobody else. */
  #asking({ address, signal, peers }: Judging) {
    const policy = this.#written;
    const counts = policy.type !== 'any' && policy.type !== 'fake_tdx' && policy.platforms.maxPeers !== undefined;
    return counts ? { address, signal, platformPeers: countPlatforms(peers?.() ?? []) } : { address, signal };
  }
}

function countPlatforms(peers: Iterable<AttestedPeer>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { platform } of peers) {
    if (platform === undefined) continue;
    const name = Buffer.from(platform).toString('hex');
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}
