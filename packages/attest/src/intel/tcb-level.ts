/**
 * Which TCB level a machine has, and what it is worth when the TDX module and the quoting enclave are counted in.
 * Source: attestation.md §6; the relaunch rule follows Intel's own library.
 */

import { allZero, equalBytes } from '../bytes.ts';
import type { Quote, TdBody } from './quote.ts';
import { failure, type IntelFailure } from './reasons.ts';
import type { SgxExtension } from './sgx-extension.ts';
import type {
  PartLevel,
  PartStatus,
  PlatformLevel,
  PlatformStatus,
  QeIdentity,
  TcbInfo,
  TdxModuleIdentity,
} from './tcb-info.ts';

export type TcbStatus = PlatformStatus | 'TDRelaunchAdvised' | 'TDRelaunchAdvisedConfigurationNeeded';

export type LevelVerdict =
  | {
      readonly ok: true;
      readonly tcbStatus: TcbStatus;
      /** Sorted. */
      readonly advisories: string[];
      readonly tcbDate: string;
      readonly tdxModule?: string;
      readonly qeStatus: PartStatus;
    }
  | { readonly ok: false; readonly failures: IntelFailure[] };

export function judgeLevel(quote: Quote, pck: SgxExtension, tcbInfo: TcbInfo, qeIdentity: QeIdentity): LevelVerdict {
  const failures: IntelFailure[] = [];
  const td = quote.body.kind === 'sgx' ? undefined : quote.body;
  const ofCpu = tcbInfo.levels.filter(
    (level) => reaches(pck.components, level.sgxComponents) && pck.pceSvn >= level.pceSvn,
  );
  const level = td === undefined ? ofCpu[0] : ofCpu.find((candidate) => tdReaches(td, candidate));
  const qe = levelOf(qeIdentity.levels, quote.platform.qeReport.isvSvn);
  if (level === undefined) failures.push(failure('TCB_NOT_SUPPORTED', 'the platform is below every TCB level'));
  if (qe === undefined) failures.push(failure('TCB_NOT_SUPPORTED', 'the quoting enclave is below every TCB level'));
  const module = td === undefined ? undefined : findModule(td, tcbInfo, failures);
  const parts = [module?.level, qe].filter((part) => part !== undefined);
  if (level !== undefined && qe !== undefined && failures.length === 0) {
    const merged = parts.reduce((status, part) => merge(status, part.status), level.status);
    if (merged === 'Revoked') failures.push(failure('TCB_REVOKED', 'the TCB level of the platform is revoked'));
    else {
      const tcbStatus = relaunch(td, merged, ofCpu[0]?.status, module?.level, qe.status, tcbInfo, failures) ?? merged;
      if (failures.length === 0)
        return {
          ok: true,
          tcbStatus,
          advisories: [...new Set([level, ...parts].flatMap(({ advisories }) => advisories))].sort(),
          tcbDate: level.tcbDate,
          ...(module?.identity && { tdxModule: module.identity.id }),
          qeStatus: qe.status,
        };
    }
  }
  return { ok: false, failures };
}

function reaches(svns: readonly number[] | Uint8Array, wanted: readonly number[], from = 0): boolean {
  return wanted.every((least, i) => i < from || (svns[i] ?? -1) >= least);
}

/** With a module version, the first two SVNs belong to the module, which has levels of its own. */
function tdReaches({ teeTcbSvn }: TdBody, { tdxComponents }: PlatformLevel): boolean {
  return tdxComponents !== undefined && reaches(teeTcbSvn, tdxComponents, teeTcbSvn[1] === 0 ? 0 : 2);
}

function levelOf(levels: readonly PartLevel[], isvSvn: number): PartLevel | undefined {
  return levels.find((level) => level.isvSvn <= isvSvn);
}

function moduleOf({ tdxModuleIdentities }: TcbInfo, version: number): TdxModuleIdentity | undefined {
  const id = `TDX_${version.toString(16).padStart(2, '0').toUpperCase()}`;
  return tdxModuleIdentities.find((identity) => identity.id === id);
}

function findModule(td: TdBody, tcbInfo: TcbInfo, failures: IntelFailure[]) {
  const [svn = 0, version = 0] = td.teeTcbSvn;
  const identity = version === 0 ? undefined : moduleOf(tcbInfo, version);
  const expected = version === 0 ? tcbInfo.tdxModule : identity;
  if (expected === undefined) {
    failures.push(failure('TDX_MODULE_MISMATCH', `no TDX module of version ${version} is known`));
    return undefined;
  }
  if (!equalBytes(td.mrSignerSeam, expected.mrSigner))
    failures.push(failure('TDX_MODULE_MISMATCH', 'the TDX module is signed by somebody else'));
  if (!allZero(td.seamAttributes) || !equalBytes(td.seamAttributes, expected.attributes))
    failures.push(failure('TDX_MODULE_MISMATCH', 'the TDX module has other attributes'));
  const level = identity && levelOf(identity.levels, svn);
  if (identity !== undefined && level === undefined)
    failures.push(failure('TCB_NOT_SUPPORTED', `the TDX module has SVN ${svn}, below every level of ${identity.id}`));
  return { identity, level };
}

function merge(status: PlatformStatus, part: PartStatus): PlatformStatus {
  if (status === 'Revoked' || part === 'Revoked') return 'Revoked';
  if (part === 'UpToDate') return status;
  switch (status) {
    case 'UpToDate':
    case 'SWHardeningNeeded':
      return 'OutOfDate';
    case 'ConfigurationNeeded':
    case 'ConfigurationAndSWHardeningNeeded':
      return 'OutOfDateConfigurationNeeded';
    default:
      return status;
  }
}

/** The module was updated under a running TD (1.5): all it takes to be up to date is to start the TD again. */
function relaunch(
  td: TdBody | undefined,
  merged: PlatformStatus,
  cpuStatus: PlatformStatus | undefined,
  module: PartLevel | undefined,
  qeStatus: PartStatus,
  tcbInfo: TcbInfo,
  failures: IntelFailure[],
): TcbStatus | undefined {
  const outOfDate = merged === 'OutOfDate' || merged === 'OutOfDateConfigurationNeeded';
  const cpuFine =
    cpuStatus !== undefined && !['OutOfDate', 'OutOfDateConfigurationNeeded', 'Revoked'].includes(cpuStatus);
  if (td?.teeTcbSvn2 === undefined || !outOfDate || !cpuFine) return undefined;
  if (module?.status !== 'OutOfDate' || qeStatus !== 'UpToDate') return undefined;
  const [svn = 0, version = 0, microcode = 0] = td.teeTcbSvn2;
  const newest = tcbInfo.levels[0]?.tdxComponents ?? [];
  const identity = version === 0 ? undefined : moduleOf(tcbInfo, version);
  if (version !== 0 && identity === undefined) {
    failures.push(failure('TDX_MODULE_MISMATCH', `no TDX module of version ${version} is known`));
    return undefined;
  }
  const least = identity === undefined ? newest[0] : identity.levels[0]?.isvSvn;
  if (svn < (least ?? Infinity) || microcode < (newest[2] ?? Infinity)) return undefined;
  const configure = merged === 'OutOfDateConfigurationNeeded' || cpuStatus.startsWith('Configuration');
  return configure ? 'TDRelaunchAdvisedConfigurationNeeded' : 'TDRelaunchAdvised';
}
