/** Loads what proves and judges only where a configuration asks for it. */
import type { Scope } from '@bombyx/base';
import type { AttestationConfig } from '@bombyx/config';
import type { Attestation } from './attestation/open.ts';
import type { Deps } from './role-command.ts';

/** @returns undefined where services can do by themselves all that is asked */
export async function attestationFor(
  config: AttestationConfig,
  policies: readonly string[],
  deps: Deps,
  scope: Scope,
): Promise<Attestation | undefined> {
  const plainly = (name: string) => name === 'any' || name === 'fake_tdx';
  if ((config.attestation === 'none' || config.attestation === 'fake_tdx') && policies.every(plainly)) return undefined;
  const { Attestation } = await import('./attestation/open.ts');
  return new Attestation(config, deps, scope);
}
