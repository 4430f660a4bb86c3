/** Reads a V8 CPU profile: where did the time go? */
import { readFileSync } from 'node:fs';

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Self time by place, largest first; a place is a workspace, a Node module or the engine itself. Idle time is left out. */
export function profileSummary(file: string): { place: string; function: string; 'self %': number }[] {
  const profile = JSON.parse(readFileSync(file, 'utf8')) as Profile;
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const spent = new Map<string, number>();
  let busy = 0;
  profile.samples.forEach((id, i) => {
    const frame = frames.get(id);
    if (!frame || frame.functionName === '(idle)' || frame.functionName === '(root)') return;
    const place = /(?:packages|services|apps)\/[^/]+\/src\/.*$/.exec(frame.url)?.[0] ?? (frame.url || 'native');
    const key = `${place}\u0000${frame.functionName || '(anonymous)'}`;
    const delta = profile.timeDeltas[i] ?? 0;
    spent.set(key, (spent.get(key) ?? 0) + delta);
    busy += delta;
  });
  return [...spent]
    .sort(([, a], [, b]) => b - a)
    .slice(0, 25)
    .map(([key, time]) => {
      const [place = '', name = ''] = key.split('\u0000');
      return { place, function: name, 'self %': Math.round((1000 * time) / busy) / 10 };
    });
}
