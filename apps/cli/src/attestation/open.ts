/** Puts together how a part proves itself and judges others, from its configuration. */
import { randomBytes } from 'node:crypto';
import type { Policy } from '@bombyx/attest';
import type { Scope } from '@bombyx/base';
import type { AttestationConfig } from '@bombyx/config';
import {
  AMD_SERVICE,
  CollateralStore,
  type EvidenceProvider,
  GpuCommand,
  type GpuProvider,
  GpuSocket,
  INTEL_SERVICE,
  NVIDIA_RIM_SERVICE,
  openSimulatedMachine,
  PeerVerifier,
  TSM_ROOT,
  TsmProvider,
} from '@bombyx/evidence';
import { anyPolicy, createIdentity, fakeTdxPolicy, type PeerPolicy, type TlsIdentity } from '@bombyx/transport';
import type { Deps } from '../role-command.ts';
import { CliError } from '../usage.ts';
import { evidenceSource, type PartFacts, quoteMaker } from './evidence-source.ts';
import { readPolicy, VerifierPolicy } from './policies.ts';

export class Attestation {
  readonly #config: AttestationConfig;
  readonly #deps: Deps;
  readonly #scope: Scope;
  #verifier: PeerVerifier | undefined;

  /** @param scope owns what is opened */
  constructor(config: AttestationConfig, deps: Deps, scope: Scope) {
    this.#config = config;
    this.#deps = deps;
    this.#scope = scope;
  }

  /**
   * @throws {CliError} `CLI_CONFIG`
   * @throws {EvidenceError} for a machine that cannot prove what the configuration says it is
   */
  async identity(facts: Omit<PartFacts, 'imageVersion'>): Promise<TlsIdentity> {
    const { attestation, image_version: imageVersion } = this.#config;
    const { clock, log } = this.#deps;
    const machine = await this.#machine();
    if (machine === undefined) return createIdentity({ attestation, clock, log });
    const evidence = evidenceSource({ ...facts, imageVersion }, { machine, gpus: this.#gpus() }, clock);
    return createIdentity({ attestation, evidence, quoteFor: quoteMaker(machine), clock, log });
  }

  /** @throws {CliError} `CLI_CONFIG` */
  policy(name: string): PeerPolicy {
    const policy = readPolicy(name, this.#config);
    if (name === 'any') return anyPolicy();
    if (name === 'fake_tdx') return fakeTdxPolicy();
    const real = policy.type !== 'any' && policy.type !== 'fake_tdx';
    return new VerifierPolicy(policy, this.#verifierFor(policy), real && this.#config.fresh_evidence);
  }

  async #machine(): Promise<EvidenceProvider | undefined> {
    const { attestation, attestation_folder: folder, simulated_key: file } = this.#config;
    switch (attestation) {
      case 'none':
      case 'fake_tdx':
        return undefined;
      case 'simulated':
        if (file === '') throw new CliError('CLI_CONFIG', '"attestation": "simulated" needs a "simulated_key"');
        return this.#scope.use(await openSimulatedMachine(file));
      case 'tdx':
      case 'sev-snp':
        return this.#scope.use(
          new TsmProvider({ tee: attestation, root: folder === '' ? TSM_ROOT : folder }, { clock: this.#deps.clock }),
        );
    }
  }

  #gpus(): { readonly provider: GpuProvider; readonly count: number } | undefined {
    const { gpus: count, gpu_command: command, gpu_socket: path } = this.#config;
    const { clock } = this.#deps;
    if (count === 0) return undefined;
    if (path !== '') return { count, provider: new GpuSocket({ path }, { clock }) };
    return { count, provider: new GpuCommand(command.length > 0 ? { command } : {}, { clock }) };
  }

  /** One for all policies; collateral is kept and fetched only where a policy needs the word of a vendor. */
  #verifierFor({ type }: Policy): PeerVerifier {
    if (this.#verifier) return this.#verifier;
    const { clock, log } = this.#deps;
    const collateral = type === 'simulated' && this.#config.pccs === undefined ? undefined : this.#collateral();
    this.#verifier = this.#scope.use(new PeerVerifier({}, { clock, log, ...(collateral && { collateral }) }));
    return this.#verifier;
  }

  #collateral(): CollateralStore {
    const { pccs = [INTEL_SERVICE], kds = [AMD_SERVICE], rims = [NVIDIA_RIM_SERVICE] } = this.#config;
    const { fmspcs, collateral_folder: folder } = this.#config;
    const endpoints = (urls: readonly string[]) => urls.map((url) => ({ url }));
    const options = {
      intel: { endpoints: endpoints(pccs), fmspcs },
      amd: { endpoints: endpoints(kds) },
      nvidia: { endpoints: endpoints(rims) },
      ...(folder === '' ? {} : { folder }),
    };
    const random = { bytes: (size: number) => randomBytes(size) };
    return this.#scope.use(new CollateralStore(options, { ...this.#deps, random }));
  }
}
