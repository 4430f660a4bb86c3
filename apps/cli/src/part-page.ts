/** The HTTP of a part that runs: what it tells, and orders to it, with the password that its configuration file has. */
import { CliError } from './usage.ts';

/** Where a part listens. */
export interface PartPage {
  readonly base: string;
  /** Empty: none is needed on this machine. */
  readonly accessHash: string;
}

/** What the configuration of a part says about its HTTP. */
export interface Listening {
  readonly host: string;
  /** 0: it has none. */
  readonly port: number;
  readonly accessHash: string;
}

/** @param file its configuration, for the error @throws {CliError} `CLI_CONFIG` for a part that offers no HTTP */
export function pageOf(part: string, file: string, { host, port, accessHash }: Listening): PartPage {
  if (port === 0) throw new CliError('CLI_CONFIG', `the ${part} of ${file} offers no HTTP: set "http_port" in it`);
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return { base: `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`, accessHash };
}

/**
 * @param part `client`, `worker` or `proxy`
 * @throws {CliError} `CLI_NOT_RUNNING`, `CLI_REFUSED` with what the part says, `CLI_STOPPED`
 */
export async function askPart(
  { base, accessHash }: PartPage,
  part: string,
  method: 'GET' | 'POST',
  path: string,
  signal: AbortSignal,
): Promise<string> {
  const headers = accessHash === '' ? {} : { authorization: `Bearer ${accessHash}` };
  let response: Response;
  try {
    response = await fetch(base + path, { method, headers, signal });
  } catch (cause) {
    if (signal.aborted) throw new CliError('CLI_STOPPED', 'stopped', {}, { cause });
    throw new CliError('CLI_NOT_RUNNING', `no ${part} answers at ${base}: start it first`, {}, { cause });
  }
  const text = await response.text();
  if (response.ok) return text;
  throw new CliError('CLI_REFUSED', sentenceOf(text));
}

/** What a part says, as an OpenAI error or as plain text. */
function sentenceOf(text: string): string {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: string } };
    return error?.message ?? text.trim();
  } catch {
    return text.trim();
  }
}
