/** Everything that vendors say about the machines of others: a store for each vendor, filled for what evidence needs. */
import { join } from 'node:path';
import type { AttestCrypto, Collateral, CollateralNeed, EvidenceNeeds, Failure, Trust, VcekNeed } from '@bombyx/attest';
import { nodeCrypto } from '@bombyx/attest/node';
import { Scope } from '@bombyx/base';
import { EvidenceError } from '../errors.ts';
import { MAX_CHIPS } from '../limits.ts';
import { type AmdOptions, amdRecords, type ChipRecord, readChipRecord } from './amd-records.ts';
import { readBundle } from './bundle.ts';
import type { EndpointOptions } from './endpoint.ts';
import { type IntelOptions, intelRecords, readCollateral } from './intel-records.ts';
import { KdsSource } from './kds.ts';
import { type PccsOptions, PccsSource } from './pccs.ts';
import { RecordStore, type StoreDeps } from './record-store.ts';
import { type RimNeed, type RimRecord, readRimRecord, rimRecords } from './rim-records.ts';
import { RimSource } from './rim-service.ts';

export interface CollateralStoreOptions {
  readonly intel?: {
    /** The preferred one first; none: offline. */
    readonly endpoints: readonly PccsOptions[];
    /** Platforms that collateral is fetched for, 12 hex digits each; `any` in so many words: all that Intel knows. */
    readonly fmspcs: 'any' | readonly string[];
    /** DER of a root to believe in place of Intel's. */
    readonly root?: Uint8Array;
  };
  readonly amd?: { readonly endpoints: readonly EndpointOptions[]; readonly roots?: readonly Uint8Array[] };
  readonly nvidia?: {
    readonly endpoints: readonly EndpointOptions[];
    /** DER of roots to believe in place of NVIDIA's, of devices and of reference values. */
    readonly root?: Uint8Array;
    readonly rimRoot?: Uint8Array;
  };
  /** Where records outlive the process; undefined: nowhere. */
  readonly folder?: string;
}

/** What a verdict may rest on, or why it cannot be given. */
export type TrustFor =
  | { readonly ok: true; readonly trust: Trust }
  | { readonly ok: false; readonly failures: readonly Failure[] };

export class CollateralStore implements AsyncDisposable {
  readonly intel: RecordStore<CollateralNeed, Collateral>;
  readonly amd: RecordStore<VcekNeed, ChipRecord>;
  readonly nvidia: RecordStore<RimNeed, RimRecord>;
  readonly #options: CollateralStoreOptions;
  readonly #scope = new Scope();

  /** @throws {TypeError} for an endpoint that is no HTTP URL */
  constructor(options: CollateralStoreOptions, deps: StoreDeps, crypto: AttestCrypto = nodeCrypto) {
    this.#options = options;
    const { intel, amd, nvidia, folder } = options;
    const at = (kind: string) => (folder === undefined ? {} : { folder: join(folder, kind) });
    const intelKind = intelRecords({ crypto, ...(intel?.root && { root: intel.root }) } satisfies IntelOptions);
    const fmspcs = intel === undefined || intel.fmspcs === 'any' ? undefined : new Set(intel.fmspcs.map(lower));
    this.intel = this.#scope.use(
      new RecordStore(
        intelKind,
        {
          sources: (intel?.endpoints ?? []).map((endpoint) => new PccsSource(endpoint, deps.clock)),
          ...at(intelKind.name),
          ...(fmspcs && { allows: ({ fmspc }: CollateralNeed) => fmspcs.has(fmspc) }),
        },
        deps,
      ),
    );
    const amdKind = amdRecords({ crypto, ...(amd?.roots && { roots: amd.roots }) } satisfies AmdOptions);
    const kds = (amd?.endpoints ?? []).map((endpoint) => new KdsSource(endpoint, deps.clock));
    this.amd = this.#scope.use(
      new RecordStore(amdKind, { sources: kds, maxRecords: MAX_CHIPS, ...at(amdKind.name) }, deps),
    );
    const rimKind = rimRecords({ crypto, ...(nvidia?.rimRoot && { root: nvidia.rimRoot }) });
    const rims = (nvidia?.endpoints ?? []).map((endpoint) => new RimSource(endpoint, deps.clock));
    this.nvidia = this.#scope.use(new RecordStore(rimKind, { sources: rims, ...at(rimKind.name) }, deps));
  }

  /** Goes up whenever anything is replaced. */
  get version(): number {
    return this.intel.version + this.amd.version + this.nvidia.version;
  }

  /** Nothing has to be fetched for these needs. */
  has({ intel, amd, rims }: EvidenceNeeds): boolean {
    const machine = (!intel || this.intel.peek(intel)) && (!amd || this.amd.peek(amd));
    return machine !== undefined && rims.every((rim) => this.nvidia.peek(rim) !== undefined);
  }

  /**
   * Fetches what is not here. A need that cannot be met is a failure: nobody is judged by half.
   * @param from who brought the needs, as `rateNameOf` counts him; undefined: we ourselves
   */
  async trustFor({ intel, amd, rims }: EvidenceNeeds, signal: AbortSignal, from?: string): Promise<TrustFor> {
    const [collateral, chip, ...values] = await Promise.all([
      intel && attempt(this.intel.get(intel, signal, from)),
      amd && attempt(this.amd.get(amd, signal, from)),
      ...rims.map((rim) => attempt(this.nvidia.get(rim, signal, from))),
    ]);
    const failures = [collateral, chip, ...values].filter((one) => one instanceof EvidenceError).map(asFailure);
    if (failures.length > 0) return { ok: false, failures };
    const { root, rimRoot } = this.#options.nvidia ?? {};
    const trust: Trust = {
      ...(has(collateral) && {
        intel: { collateral, ...(this.#options.intel?.root && { root: this.#options.intel.root }) },
      }),
      ...(has(chip) && {
        amd: { ...chip.certificates, ...(this.#options.amd?.roots && { roots: this.#options.amd.roots }) },
      }),
      rims: values.filter(has).map(({ xml }) => xml),
      ...(root && { nvidiaRoot: root }),
      ...(rimRoot && { rimRoot }),
    };
    return { ok: true, trust };
  }

  /** DER of roots that are believed in place of the pinned ones. */
  get roots(): {
    readonly intel?: Uint8Array;
    readonly amd?: readonly Uint8Array[];
    readonly nvidia?: Uint8Array;
  } {
    const { intel, amd, nvidia } = this.#options;
    return {
      ...(intel?.root && { intel: intel.root }),
      ...(amd?.roots && { amd: amd.roots }),
      ...(nvidia?.root && { nvidia: nvidia.root }),
    };
  }

  /**
   * Takes in an offline bundle. Records that fail are told and left out; the others are kept.
   * @returns how many are kept, and what is wrong with each of the others
   * @throws {EvidenceError} `COLLATERAL_BUNDLE` when it cannot be read
   */
  async addBundle(path: string): Promise<{ readonly kept: number; readonly refused: readonly EvidenceError[] }> {
    const refused: EvidenceError[] = [];
    let kept = 0;
    for (const record of await readBundle(path)) {
      try {
        await this.#add(record);
        kept += 1;
      } catch (error) {
        if (!(error instanceof EvidenceError)) throw error;
        refused.push(error);
      }
    }
    return { kept, refused };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
  }

  async #add(record: unknown): Promise<unknown> {
    const fields = typeof record === 'object' && record !== null ? record : {};
    if ('tcb_info' in fields) return this.intel.add(readCollateral(fields));
    if ('vcek' in fields) return this.amd.add(readChipRecord(fields));
    if ('rim' in fields) return this.nvidia.add(readRimRecord(fields));
    throw new EvidenceError('COLLATERAL_REFUSED', 'a record of no known kind');
  }
}

/** What the store says as a value; the reason of a signal stays thrown. */
async function attempt<T>(work: Promise<T>): Promise<T | EvidenceError> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof EvidenceError) return error;
    throw error;
  }
}

function has<T>(value: T | EvidenceError | undefined): value is T {
  return value !== undefined && !(value instanceof EvidenceError);
}

const fixes: Readonly<Record<string, string>> = {
  COLLATERAL_UNREACHABLE: 'check the network and the configured endpoints, or bring an offline bundle',
  COLLATERAL_NOT_FOUND: 'configure an endpoint that knows it, or bring an offline bundle that holds it',
  COLLATERAL_RESPONSE: 'check the address of the endpoint; nothing may answer in its place',
  COLLATERAL_OLDER: 'use an endpoint that is not behind',
  COLLATERAL_EXPIRED: 'fetch it again; if it is fresh, compare the clock with another source',
  COLLATERAL_FUTURE: 'compare the clock with another source',
  COLLATERAL_UNKNOWN: 'add the platform to the list, if you want to trust it',
};

function asFailure({ code, message }: EvidenceError): Failure {
  const fix = fixes[code];
  return fix === undefined ? { code, message } : { code, message, fix };
}

function lower(text: string): string {
  return text.toLowerCase();
}
