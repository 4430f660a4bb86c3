/** What the choice between proxies looks at. */
export interface Candidate {
  readonly id: string;
  readonly ready: boolean;
  /** Requests of this client that run there now. */
  readonly running: number;
  /** Failures of the proxy itself, halving every 10 s. */
  readonly recentFailures: number;
  /** Bytes written towards it that the kernel has not taken yet. */
  readonly bufferedBytes: number;
  /** It said a moment ago that it does not serve the model. */
  readonly lacksModel: boolean;
}

/** Above this many unsent bytes a proxy gets no further request. */
export const MAX_UNSENT_BYTES = 32 * 1024 * 1024;

/**
 * Chooses the proxy for a request: the least loaded one, where each recent failure counts like a doubled load and
 * a proxy that lacks the model comes last. Pure.
 * @param tried ids that had this request already
 * @param random in [0, 1): decides between equals, so that idle proxies share evenly
 * @returns undefined when none can take it
 */
export function selectProxy(
  candidates: readonly Candidate[],
  tried: ReadonlySet<string>,
  random: number,
): Candidate | undefined {
  let best: Candidate[] = [];
  let bestScore = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    if (!usable(candidate) || tried.has(candidate.id)) continue;
    const score = scoreOf(candidate);
    if (score > bestScore) continue;
    if (score < bestScore) best = [];
    bestScore = score;
    best.push(candidate);
  }
  return best[Math.floor(random * best.length)];
}

function usable(candidate: Candidate): boolean {
  return candidate.ready && candidate.bufferedBytes <= MAX_UNSENT_BYTES;
}

/** Lower is better. Failures are rounded so that a long forgotten one does not break a tie for ever. */
function scoreOf({ running, recentFailures, lacksModel }: Candidate): number {
  return (running + 1) * (1 + Math.round(recentFailures * 10) / 10) + (lacksModel ? 1e9 : 0);
}
