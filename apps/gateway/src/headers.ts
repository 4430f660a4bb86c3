import { type IncomingMessage, validateHeaderName, validateHeaderValue } from 'node:http';
import type { HeaderList } from '@bombyx/client';

/** The only headers of a caller that enter the network: neither keys, cookies nor anything that tells who asks. */
const SENT_ON = ['content-type', 'accept', 'openai-beta', 'anthropic-version', 'anthropic-beta'] as const;

export function requestHeaders(req: IncomingMessage): [string, string][] {
  const headers: [string, string][] = [];
  for (const name of SENT_ON) {
    const value = req.headers[name];
    if (typeof value === 'string') headers.push([name, value]);
  }
  return headers;
}

/**
 * Dropped from answers: what belongs to one connection (RFC 9110 §7.6.1), the length (we frame anew), and what a stranger's
 * server must not tell the caller's browser.
 */
const NOT_RELAYED: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'content-length',
  'date',
  'server',
  'set-cookie',
  'alt-svc',
  'strict-transport-security',
  'www-authenticate',
  'x-request-id',
  'vary',
]);

/** Headers of an answer that may be relayed, as the flat list `writeHead` takes; illegal ones are left out. */
export function relayedHeaders(headers: HeaderList): string[] {
  const flat: string[] = [];
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    if (NOT_RELAYED.has(lower) || lower.startsWith('access-control-')) continue;
    try {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    } catch {
      continue; // a header that could split the answer in two
    }
    flat.push(name, value);
  }
  return flat;
}
