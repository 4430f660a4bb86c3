/** What must be fetched before a peer can be judged. Nobody verified anything yet: fetch only what is known or allowed. */
import { readSnpReport } from '../amd/report.ts';
import { type AmdProduct, claimedProduct, readTcb, type SnpTcb } from '../amd/tcb.ts';
import { attempt } from '../attempt.ts';
import { toHex } from '../bytes.ts';
import { type CollateralNeed, collateralNeed } from '../intel/pck.ts';
import { MalformedError } from '../malformed.ts';
import { readDeviceChain, readIdentity } from '../nvidia/certificates.ts';
import { readGpuEvidence } from '../nvidia/evidence.ts';
import { type RimId, rimIdsOf } from '../nvidia/rim-id.ts';
import type { EvidenceItem, PeerEvidence } from './evidence.ts';

/** Which certificate AMD's key service must be asked for. */
export interface VcekNeed {
  readonly product: AmdProduct;
  /** 128 lower-case hex digits. */
  readonly chipId: string;
  readonly tcb: SnpTcb;
}

export interface EvidenceNeeds {
  readonly intel?: CollateralNeed;
  readonly amd?: VcekNeed;
  /** Each once. */
  readonly rims: readonly RimId[];
}

/** Items that cannot be read need nothing: the verdict will say what is wrong with them. Never throws. */
export function needsOf({ items }: Pick<PeerEvidence, 'items'>): EvidenceNeeds {
  const quote = items.find(({ kind }) => kind === 'tdx')?.data;
  const report = items.find(({ kind }) => kind === 'sev-snp')?.data;
  const intel = quote && collateralNeed(quote);
  const amd = report && vcekNeed(report);
  const rims = new Map(items.flatMap(rimsOf).map((rim) => [rim.id, rim]));
  return { ...(intel && { intel }), ...(amd && { amd }), rims: [...rims.values()] };
}

function vcekNeed(data: Uint8Array): VcekNeed | undefined {
  const report = attempt(() => readSnpReport(data));
  if (report instanceof MalformedError || report.chipMasked) return undefined;
  const product = claimedProduct(report);
  return product && { product, chipId: toHex(report.chipId), tcb: readTcb(report.reportedTcb, product) };
}

function rimsOf({ kind, data, certificates }: EvidenceItem): RimId[] {
  if (kind !== 'nvidia-gpu' || typeof certificates !== 'string') return [];
  const ids = attempt(() => rimIdsOf(readGpuEvidence(data), readIdentity(readDeviceChain(certificates)[0])));
  return ids instanceof MalformedError ? [] : ids;
}
