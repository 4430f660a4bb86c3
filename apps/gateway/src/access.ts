import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { AccessHash } from '@bombyx/page';
import { GatewayError } from './errors.ts';
import type { GatewayOptions } from './options.ts';

/** What a page of another origin may read of an answer's head. */
const EXPOSED = 'x-request-id, retry-after, retry-after-ms, x-bombyx-tier, x-bombyx-model-hash, x-bombyx-evidence';

/** Who may ask. Built once from the options. */
export class Access {
  /** Password of statistics, metrics and management; inference and health need none. */
  readonly hash: AccessHash;
  readonly #hosts: ReadonlySet<string> | undefined;
  readonly #corsOrigin: string | undefined;

  constructor(options: GatewayOptions) {
    const guarded = isLoopback(options.host) || options.allowedHosts.length > 0;
    this.#hosts = guarded
      ? new Set(['localhost', options.host.toLowerCase(), ...options.allowedHosts.map((host) => host.toLowerCase())])
      : undefined;
    this.#corsOrigin = options.corsOrigin;
    this.hash = new AccessHash(options.httpAccessHash ?? '');
  }

  /**
   * A web page must neither reach us under a name of its own (DNS rebinding) nor post to us from its own origin: both
   * would spend the operator's money. Plain IP addresses cannot be rebound.
   * @throws {GatewayError} `GATEWAY_FORBIDDEN_HOST`, `GATEWAY_FORBIDDEN_ORIGIN`
   */
  checkCaller(req: IncomingMessage): void {
    const { host = 'localhost' } = req.headers; // only HTTP/1.0 may leave it out, and no browser does
    if (this.#hosts && !this.#hosts.has(hostName(host)) && isIP(hostName(host)) === 0) {
      throw new GatewayError('GATEWAY_FORBIDDEN_HOST', 'this Host is not served here; add it to allowed_hosts');
    }
    const origin = req.headers.origin;
    if (origin === undefined || this.#corsOrigin === '*' || origin === this.#corsOrigin) return;
    if (origin.slice(origin.indexOf('://') + 3) !== host) {
      throw new GatewayError('GATEWAY_FORBIDDEN_ORIGIN', 'pages of this Origin may not call; set cors_origin');
    }
  }

  /** Lets pages of the configured origin read the answer; by default nothing is added. */
  addCorsHeaders(req: IncomingMessage, res: ServerResponse): void {
    if (this.#corsOrigin === undefined || req.headers.origin === undefined) return;
    const asked = req.headers['access-control-request-headers'];
    res.setHeader('access-control-allow-origin', this.#corsOrigin);
    res.setHeader('access-control-allow-methods', 'GET, POST, DELETE, OPTIONS');
    res.setHeader('access-control-allow-headers', asked ?? 'content-type, authorization');
    res.setHeader('access-control-expose-headers', EXPOSED);
    res.setHeader('vary', 'origin');
  }
}

function hostName(host: string): string {
  if (host.startsWith('[')) return host.slice(1, host.indexOf(']'));
  const colon = host.indexOf(':');
  return (colon < 0 ? host : host.slice(0, colon)).toLowerCase();
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}
