/**
 * Copies bytes both ways between two streams until one side ends. A stream is read no faster than the other takes it, so
 * that a tunnel holds no more than the buffers of its two sockets.
 */
import type { Duplex } from 'node:stream';
import type { Clock } from '@bombyx/base';
import { CHECK_MS, IDLE_MS, LINGER_MS, STALL_MS } from './limits.ts';

export interface TunnelReport {
  /** `stalled`: one side took nothing of what waited for it. */
  readonly end: 'ended' | 'failed' | 'idle' | 'stalled' | 'stopped';
  /** Bytes from the first stream to the second, and back. */
  readonly sent: number;
  readonly received: number;
}

/**
 * Owns both streams: they are destroyed when it resolves. What was read from either before the first of them ended is
 * written to the other; nothing is kept half open, because the C++ routers close both ways at once, too.
 * @returns how it ended; never rejects
 */
export function tunnel(near: Duplex, far: Duplex, clock: Clock, signal: AbortSignal): Promise<TunnelReport> {
  return new Promise((resolve) => {
    const sides = [near, far] as const;
    const bytes = [0, 0];
    let movedMs = clock.monotonicMs();
    let ending = false;
    let cancelTimer = () => {};

    const finish = (end: TunnelReport['end']) => {
      cancelTimer();
      signal.removeEventListener('abort', onStop);
      for (const side of sides) side.destroy();
      resolve({ end, sent: bytes[0]!, received: bytes[1]! });
    };
    const onStop = () => finish('stopped');
    const watch = () => {
      const silentMs = clock.monotonicMs() - movedMs;
      if (silentMs >= STALL_MS && sides.some((side) => side.writableLength > 0)) return finish('stalled');
      if (silentMs >= IDLE_MS) return finish('idle');
      cancelTimer = clock.after(CHECK_MS, watch);
    };
    const moved = () => {
      movedMs = clock.monotonicMs();
    };
    const flush = () => {
      if (ending) return;
      ending = true;
      cancelTimer();
      cancelTimer = clock.after(LINGER_MS, () => finish('stalled'));
      let open = 2;
      for (const side of sides) {
        side.removeAllListeners('data').removeAllListeners('drain').pause();
        side.end(() => {
          open -= 1;
          if (open === 0) finish('ended');
        });
      }
    };
    for (const [index, from] of sides.entries()) {
      const to = sides[1 - index]!;
      from.on('error', () => {});
      from.once('end', flush);
      from.once('close', () => {
        if (!ending) finish('failed');
        else if (to.writableFinished || to.destroyed) finish('ended');
      });
      to.on('drain', () => from.resume());
      from.on('data', (chunk: Buffer) => {
        bytes[index]! += chunk.length;
        moved();
        if (!to.write(chunk, moved)) from.pause();
      });
    }
    signal.addEventListener('abort', onStop, { once: true });
    if (signal.aborted) return onStop();
    if (sides.some((side) => side.destroyed)) return finish('failed');
    for (const side of sides) side.resume(); // what came during the handshake waited
    watch();
  });
}
