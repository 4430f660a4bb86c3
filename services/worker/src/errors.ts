import { BombyxError } from '@bombyx/base';

/** Configuration and start-up. Errors of single requests are {@link JobError}. */
export type WorkerErrorCode =
  | 'WORKER_CONFIG'
  | 'WORKER_ADDRESS'
  | 'WORKER_HANDSHAKE'
  | 'WORKER_PAYMENT'
  | 'WORKER_MEMORY_FILE';
/** The worker cannot start, or a proxy broke the rules of the handshake. */
export class WorkerError extends BombyxError<WorkerErrorCode> {}

export type JobErrorCode =
  | 'JOB_TOO_MANY'
  | 'JOB_CLOSING'
  | 'JOB_INVALID'
  | 'JOB_COEFFICIENT'
  | 'JOB_TIMEOUT'
  | 'JOB_CANCELLED'
  | 'JOB_UPSTREAM_UNREACHABLE'
  | 'JOB_UPSTREAM_BROKE'
  | 'JOB_UPSTREAM_MALFORMED'
  | 'JOB_INTERNAL';

/** What a caller can do about each code: COCOON's number (errors.md §1), the HTTP status, when to try again. */
const MEANING: Record<JobErrorCode, { readonly cocoon: number; readonly http: number; readonly retryAfterMs: number }> =
  {
    JOB_TOO_MANY: { cocoon: 602, http: 503, retryAfterMs: 1_000 },
    JOB_CLOSING: { cocoon: 651, http: 503, retryAfterMs: 1_000 },
    JOB_INVALID: { cocoon: 621, http: 400, retryAfterMs: 0 },
    JOB_COEFFICIENT: { cocoon: 602, http: 503, retryAfterMs: 1_000 },
    JOB_TIMEOUT: { cocoon: 652, http: 504, retryAfterMs: 0 },
    JOB_CANCELLED: { cocoon: 653, http: 499, retryAfterMs: 0 },
    JOB_UPSTREAM_UNREACHABLE: { cocoon: 651, http: 502, retryAfterMs: 1_000 },
    JOB_UPSTREAM_BROKE: { cocoon: 601, http: 502, retryAfterMs: 0 },
    JOB_UPSTREAM_MALFORMED: { cocoon: 601, http: 502, retryAfterMs: 0 },
    JOB_INTERNAL: { cocoon: 601, http: 500, retryAfterMs: 0 },
  };

/**
 * Ends one request. Its message goes to the caller: it says what to do and never holds prompt or answer bytes.
 * Texts follow the reference where it has one (`worker: invalid http request: …`, `too many active queries`).
 */
export class JobError extends BombyxError<JobErrorCode> {
  get cocoonCode(): number {
    return MEANING[this.code].cocoon;
  }
  get httpStatus(): number {
    return MEANING[this.code].http;
  }
  /** 0 when another try would not help. */
  get retryAfterMs(): number {
    return MEANING[this.code].retryAfterMs;
  }
}

/** @returns the refusal of a request that is not valid, in the words of the reference */
export function invalidRequest(text: string): JobError {
  return new JobError('JOB_INVALID', `worker: invalid http request: ${text}`);
}
