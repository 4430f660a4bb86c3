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
  /** Chip that the values must be for, as they name it: "GH100". The name of a VBIOS does not tell. */
  readonly product: string;
}

/** One version of a driver has other values on another chip. LS_10 is called LS10 there. */
export function rimProductOf({ chipName }: GpuEvidence, { chip }: DeviceIdentity): string {
  return chipName ?? chip.replace('_', '');
}

/** Reference values that `verifyGpu` will want. Evidence nobody verified yet names them: it may say anything. */
export function rimIdsOf(evidence: GpuEvidence, identity: DeviceIdentity): RimId[] {
  const { kind, chip } = identity;
  const product = rimProductOf(evidence, identity);
  const { driverVersion, project, projectSku, chipSku, chipName = chip } = evidence;
  const vbios = evidence.vbiosVersion?.replaceAll('.', '');
  const ids: RimId[] = [];
  if (kind === 'gpu' && driverVersion !== undefined) {
    const line = chip === 'GH100' ? `NV_GPU_DRIVER_${chip}` : `NV_GPU_CC_DRIVER_${chipName}`;
    ids.push({ subject: 'driver', id: `${line}_${driverVersion}`, product });
  }
  if (kind === 'switch' && vbios !== undefined)
    ids.push({ subject: 'vbios', id: `NV_SWITCH_BIOS_${SWITCH_BOARD}_${vbios}`, product });
  if (
    kind === 'gpu' &&
    vbios !== undefined &&
    project !== undefined &&
    projectSku !== undefined &&
    chipSku !== undefined
  )
    ids.push({
      subject: 'vbios',
      id: `NV_GPU_VBIOS_${project}_${projectSku}_${chipSku}_${vbios}`.toUpperCase(),
      product,
    });
  return ids.filter(({ id }) => /^[A-Za-z0-9._]{1,128}$/.test(id));
}
