/** What a policy asks of GPUs that NVIDIA's rules have found genuine. Source: attestation.md §8.3, §14. */
import type { GpuDevice } from '../nvidia/verify-gpu.ts';
import type { Failure } from '../verdict.ts';
import { type GpuRules, gpuModes } from './policy.ts';

/** @param device as verified; switches between GPUs are judged by those rules that mean something for them */
export function* gpuFaults(rules: GpuRules, device: GpuDevice): Generator<Failure> {
  const { kind, chip, serial, driver, vbios, mode } = device;
  const name = `GPU ${chip} ${serial}`;
  if (device.policyFindings.includes('NO_FWID')) {
    yield {
      code: 'POLICY_GPU_FIRMWARE',
      message: `${name} names no firmware, so it cannot be compared with the one its certificate is for`,
      fix: 'install a driver that reports it: 550 or later',
    };
  }
  const minVbios = Object.hasOwn(rules.minVbios, chip) ? rules.minVbios[chip] : undefined;
  if (minVbios !== undefined && !atLeast(vbios, minVbios)) {
    const message = `${name} has VBIOS ${vbios ?? 'of no known version'}; the policy asks for ${minVbios} or later`;
    yield { code: 'POLICY_GPU_VBIOS', message, fix: 'update the VBIOS' };
  }
  if (kind !== 'gpu') return;
  if (rules.architectures?.includes(chip) === false) {
    const message = `${name} is not allowed; allowed: ${rules.architectures.join(', ')}`;
    yield { code: 'POLICY_GPU_ARCHITECTURE', message };
  }
  if (rules.minDriver !== undefined && !atLeast(driver, rules.minDriver)) {
    const message = `${name} runs driver ${driver ?? 'of no known version'}; the policy asks for ${rules.minDriver} or later`;
    yield { code: 'POLICY_GPU_DRIVER', message, fix: 'update the driver inside the image, and have the image listed' };
  }
  const anyMode = gpuModes.every((known) => rules.modes.includes(known));
  if (!anyMode && (mode === undefined || !rules.modes.includes(mode))) {
    const message = `${name} runs in mode ${mode ?? 'unknown'}; allowed: ${rules.modes.join(', ')}`;
    yield { code: 'POLICY_GPU_MODE', message };
  }
}

/**
 * Part by part as numbers. Drivers count in decimal and VBIOSes in hexadecimal; read in hexadecimal both keep their order.
 */
function atLeast(version: string | undefined, least: string): boolean {
  if (version === undefined) return false;
  const parts = (text: string) => text.split('.').map((part) => Number.parseInt(part, 16));
  const [has, wants] = [parts(version), parts(least)];
  for (let i = 0; i < Math.max(has.length, wants.length); i++) {
    const [a, b] = [has[i] ?? 0, wants[i] ?? 0];
    if (a !== b) return a > b; // false for a part that is no number
  }
  return true;
}
