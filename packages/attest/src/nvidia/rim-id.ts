/** Names under which NVIDIA's service keeps reference values. Source: attestation.md §14.3. */
import type { DeviceIdentity } from './certificates.ts';
import type { GpuEvidence } from './evidence.ts';
import type { RimSubject } from './measurements.ts';

/** NVSwitches do not say which board they are; there is one so far. */
const SWITCH_BOARD = '5612_0002_890';

export interface RimId {
  readonly subject: RimSubject;
  /** Letters, digits, dots and underscores. */
  readonly id: string;
}

/** Reference values that `verifyGpu` will want. Evidence nobody verified yet names them: it may say anything. */
export function rimIdsOf(evidence: GpuEvidence, { kind, chip }: DeviceIdentity): RimId[] {
  const { driverVersion, project, projectSku, chipSku, chipName = chip } = evidence;
  const vbios = evidence.vbiosVersion?.replaceAll('.', '');
  const ids: RimId[] = [];
  if (kind === 'gpu' && driverVersion !== undefined) {
    const line = chip === 'GH100' ? `NV_GPU_DRIVER_${chip}` : `NV_GPU_CC_DRIVER_${chipName}`;
    ids.push({ subject: 'driver', id: `${line}_${driverVersion}` });
  }
  if (kind === 'switch' && vbios !== undefined)
    ids.push({ subject: 'vbios', id: `NV_SWITCH_BIOS_${SWITCH_BOARD}_${vbios}` });
  if (
    kind === 'gpu' &&
    vbios !== undefined &&
    project !== undefined &&
    projectSku !== undefined &&
    chipSku !== undefined
  )
    ids.push({ subject: 'vbios', id: `NV_GPU_VBIOS_${project}_${projectSku}_${chipSku}_${vbios}`.toUpperCase() });
  return ids.filter(({ id }) => /^[A-Za-z0-9._]{1,128}$/.test(id));
}
