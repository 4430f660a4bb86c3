/** Where a registered proxy listens, as the root contract keeps it: `ip:port` or `ip:port ip:port`. */
import { isIPv4 } from 'node:net';
import { TonError } from './errors.ts';

export interface Endpoint {
  /** IPv4 text; COCOON knows no other kind. */
  readonly host: string;
  readonly port: number;
}

export interface ProxyEndpoints {
  readonly workers: Endpoint;
  readonly clients: Endpoint;
}

/**
 * Reads a registration: the first address is for workers, the second for clients; a single one serves both.
 * @throws {TonError} `TON_PROXY_ADDRESS`
 */
export function parseProxyAddress(text: string): ProxyEndpoints {
  const parts = text.split(' ');
  const [first, second] = parts;
  if (first === undefined || parts.length > 2) throw refusal(text, "expected 'ip:port' or 'ip:port ip:port'");
  const workers = parseEndpoint(first);
  return { workers, clients: second === undefined ? workers : parseEndpoint(second) };
}

/** Reads `ip:port`, IPv4 only, port 1…65535. @throws {TonError} `TON_PROXY_ADDRESS` */
export function parseEndpoint(text: string): Endpoint {
  const parts = text.split(':');
  const [host = '', port = ''] = parts;
  if (parts.length !== 2 || !isIPv4(host)) throw refusal(text, 'not an IPv4 address and a port');
  if (!/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65_535) throw refusal(text, 'port outside 1…65535');
  return { host, port: Number(port) };
}

function refusal(text: string, why: string): TonError {
  return new TonError('TON_PROXY_ADDRESS', `proxy address '${text.slice(0, 80)}': ${why}`);
}
