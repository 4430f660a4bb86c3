/** A whole chain of certificates, leaf first, that must end in a pinned root: what AMD's and NVIDIA's have in common. */
import { attempt } from '../attempt.ts';
import type { AttestCrypto } from '../crypto/port.ts';
import { instant } from '../instant.ts';
import { type Certificate, commonName } from './certificate.ts';
import { type Authority, includes, judgeLink, openAuthority, periodOf } from './chain.ts';

/** Characters of a name in a message. */
const MAX_NAME = 64;

/** What callers give a code of their own: where the chain ends, how it is made, and when it holds. */
export interface PathFault {
  readonly problem: 'root' | 'chain' | 'validity';
  readonly message: string;
}

export interface PathOptions {
  /** Whether this is the root that is trusted, byte for byte. */
  readonly isRoot: (der: Uint8Array) => boolean;
  readonly atMs: number;
  readonly crypto: AttestCrypto;
}

export interface JudgedPath {
  /** With their keys made ready, in the order of the chain. */
  readonly links: readonly Authority[];
  readonly faults: readonly PathFault[];
  /** When the first of them ends, in ms since the epoch. */
  readonly untilMs: number;
}

/** Finds every fault, the root's first; none in a chain to believe. */
export function judgePath(chain: readonly Certificate[], { isRoot, atMs, crypto }: PathOptions): JudgedPath {
  const links = chain.map((certificate) => openAuthority(certificate, crypto));
  const faults: PathFault[] = [];
  const root = links.at(-1);
  if (root === undefined || !isRoot(root.certificate.der))
    faults.push({ problem: 'root', message: 'the chain does not end in the pinned root' });
  for (const [i, link] of links.entries()) {
    const { certificate } = link;
    const report = (problem: PathFault['problem'], message: string) =>
      faults.push({ problem, message: `certificate ${i + 1} of ${chain.length}${nameOf(certificate)} ${message}` });
    const issuer = links[i + 1] ?? link; // the root signs itself
    for (const wrong of judgeLink(certificate, issuer, i === 0 ? undefined : i - 1)) report('chain', wrong);
    const period = periodOf(certificate);
    if (!includes(period, atMs))
      report(
        'validity',
        `is valid from ${instant(period.fromMs)} to ${instant(period.untilMs)}, judged at ${instant(atMs)}`,
      );
  }
  return { links, faults, untilMs: Math.min(...chain.map(({ notAfterMs }) => notAfterMs)) };
}

/** For people; a stranger may have written anything there. */
function nameOf({ subject }: Certificate): string {
  const name = attempt(() => commonName(subject));
  return typeof name === 'string' ? ` ("${name.slice(0, MAX_NAME)}")` : '';
}
