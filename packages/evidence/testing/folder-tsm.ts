/** A ready folder on the real file system whose questions are answered by us, as far as files can play a kernel. */
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { evidenceAbout } from './vectors.ts';

export interface FolderTsm extends AsyncDisposable {
  readonly root: string;
  readonly name: string;
  readonly folder: string;
}

/** Looks for a new `inblob` every few milliseconds: writes `outblob` first, `generation` when all is ready. */
export function folderTsm(tee: 'tdx' | 'sev-snp'): FolderTsm {
  const folder = mkdtempSync(join(tmpdir(), 'tsm-'));
  const put = (attribute: string, content: string | Uint8Array) => {
    writeFileSync(join(folder, `.${attribute}`), content);
    renameSync(join(folder, `.${attribute}`), join(folder, attribute)); // never seen half
  };
  let generation = 0;
  put('provider', `${tee === 'tdx' ? 'tdx_guest' : 'sev_guest'}\n`);
  put('generation', '0\n');
  put('outblob', '');
  put('auxblob', '');
  put('inblob', Buffer.alloc(64));
  const stop = new AbortController();
  const answering = (async () => {
    let seen = Buffer.alloc(64);
    while (!stop.signal.aborted) {
      await sleep(3);
      const asked = readFileSync(join(folder, 'inblob'));
      if (asked.length !== 64 || asked.equals(seen)) continue;
      seen = asked;
      put('outblob', evidenceAbout(tee, asked));
      put('generation', `${++generation}\n`);
    }
  })();
  return {
    root: dirname(folder),
    name: basename(folder),
    folder,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await answering;
      rmSync(folder, { recursive: true });
    },
  };
}
