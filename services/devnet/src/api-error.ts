import { DevnetError, type DevnetErrorCode } from './errors.ts';

/** What the HTTP API answers instead of a result, in the words of the public servers. */
export class ApiError extends Error {
  /** HTTP status, repeated as `code` in the answer. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const STATUS: Readonly<Record<DevnetErrorCode, number>> = {
  DEVNET_CONFIG: 500,
  DEVNET_STORE: 500,
  DEVNET_PORT: 500,
  DEVNET_MESSAGE: 422,
  DEVNET_REFUSED: 500, // what public servers answer; the text says that trying again is no use
  DEVNET_FULL: 429,
  DEVNET_FAUCET: 422,
  DEVNET_TIME: 422,
  DEVNET_CLOSED: 503,
};

export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (!(error instanceof DevnetError)) return new ApiError(500, 'the server failed');
  if (error.code !== 'DEVNET_REFUSED') return new ApiError(STATUS[error.code], error.message);
  const { exitCode } = error.detail;
  const why = exitCode === undefined ? error.message : `${error.message}, exitcode=${exitCode}`;
  const text = `LITE_SERVER_UNKNOWN: cannot apply external message to current state : ${why}`;
  return new ApiError(STATUS[error.code], text);
}
