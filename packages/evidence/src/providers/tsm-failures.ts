/** What the errors of configfs-tsm mean. Source: attestation.md §18.2, its table of errno. */
import { EvidenceError, type EvidenceErrorCode, errnoOf } from '../errors.ts';

type Step = 'mkdir' | 'read' | 'write';

const FIX = 'mount configfs on /sys/kernel/config, load tdx_guest or sev-guest, and run with the right to use it';
const codes: Readonly<Record<string, EvidenceErrorCode>> = {
  ENOENT: 'TSM_UNAVAILABLE',
  ENOTDIR: 'TSM_UNAVAILABLE',
  ENXIO: 'TSM_UNAVAILABLE',
  EACCES: 'TSM_UNAVAILABLE',
  EPERM: 'TSM_UNAVAILABLE',
  EROFS: 'TSM_UNAVAILABLE',
  EINVAL: 'TSM_REJECTED',
  EFBIG: 'TSM_TOO_LARGE',
  E2BIG: 'TSM_TOO_LARGE',
};

/** @throws {EvidenceError} always */
export function failed(step: Step, what: string, cause: unknown): never {
  if (cause instanceof EvidenceError) throw cause;
  const errno = errnoOf(cause);
  const code = codes[errno] ?? 'TSM_FAILED';
  const help = code === 'TSM_UNAVAILABLE' ? `; ${FIX}` : '';
  throw new EvidenceError(code, `${step} ${what}: ${errno || String(cause)}${help}`, { step, errno }, { cause });
}

/** The host, its quoting service or the slot had a bad moment: another try, in another folder, may do. */
export function retried(error: unknown): boolean {
  return error instanceof EvidenceError && (error.code === 'TSM_FAILED' || error.code === 'TSM_RACE');
}
