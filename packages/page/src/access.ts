/** Who may see a part's pages, and who may give it orders through them. */
import { hash, timingSafeEqual } from 'node:crypto';

/** What a refused caller gets. */
export interface Refusal {
  readonly status: number;
  /** One sentence, plain text. */
  readonly text: string;
}

/** The C++ programs answer 400 as well. Source: client.md §7, proxy.md §13 of the reference. */
const NEEDS_HASH: Refusal = {
  status: 400,
  text:
    'this path needs the access hash, http_access_hash in the configuration of this part: ' +
    'put it into the address as ?access_hash=HASH or into the header "Authorization: Bearer HASH"',
};

/** The password of a part's pages, `http_access_hash`. */
export class AccessHash {
  readonly #digest: Buffer | undefined;

  /** @param secret empty: none is needed */
  constructor(secret: string) {
    this.#digest = secret === '' ? undefined : digest(secret);
  }

  get isSet(): boolean {
    return this.#digest !== undefined;
  }

  /**
   * Looks in the query, as written (C++ does not decode it) and percent-decoded (browsers encode), and in the header
   * `Authorization`. Digests are compared, in constant time: neither length nor content shows in the time it takes.
   * @param query of the request, without `?`
   * @returns undefined for a caller who knows it, or where none is set
   */
  refuses(query: string, authorization: string | undefined): Refusal | undefined {
    const wanted = this.#digest;
    if (wanted === undefined) return undefined;
    const written = queryValue(query, 'access_hash');
    const given = [/^Bearer (.+)$/i.exec(authorization ?? '')?.[1], written, written && decoded(written)];
    const known = given.some((text) => text !== undefined && timingSafeEqual(digest(text), wanted));
    return known ? undefined : NEEDS_HASH;
  }
}

/** @returns the first value of that name as it is written, not percent-decoded */
export function queryValue(query: string, name: string): string | undefined {
  const pair = query.split('&').find((part) => part.startsWith(`${name}=`));
  return pair?.slice(name.length + 1);
}

/** What an order's request says of its sender. Header names as Node has them. */
export interface Sender {
  readonly headers: {
    readonly host?: string | undefined;
    readonly origin?: string | undefined;
    readonly 'sec-fetch-site'?: string | string[] | undefined;
  };
  readonly remoteAddress: string | undefined;
}

/**
 * Orders (requests that change something) are taken from programs and from our own pages, never from another site that
 * a browser on this machine has open; without an access hash, from this machine only.
 */
export function refusesOrder({ headers, remoteAddress }: Sender, access: AccessHash): Refusal | undefined {
  const site = headers['sec-fetch-site'];
  const foreign = site !== undefined && site !== 'same-origin' && site !== 'none';
  const elsewhere = headers.origin !== undefined && URL.parse(headers.origin)?.host !== headers.host;
  if (foreign || elsewhere) return forbidden('requests of other sites are refused');
  if (access.isSet) return undefined;
  if (!isLoopback(remoteAddress)) {
    return forbidden('orders are for this machine only: set http_access_hash to give them from another');
  }
  // a name that a stranger's DNS lets point here would make his page look like ours
  if (!/^(?:localhost|[\d.]+|\[[\da-f:.]+\])(?::\d+)?$/i.test(headers.host ?? '')) {
    return forbidden('use localhost or the address of this machine, or set http_access_hash');
  }
  return undefined;
}

function forbidden(text: string): Refusal {
  return { status: 403, text };
}

function isLoopback(remote: string | undefined): boolean {
  return remote !== undefined && /^(?:::1|(?:::ffff:)?127\.\d+\.\d+\.\d+)$/.test(remote);
}

function digest(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
