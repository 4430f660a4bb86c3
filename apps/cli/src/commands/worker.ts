/** `bombyx worker`: an inference server, offered to the network. */
import { parseWorkerConfig, startWorker } from '@bombyx/worker';
import { EARNINGS_FILE } from '../data-folder.ts';
import { diaryIn } from '../diary-in.ts';
import { peerCommand } from '../peer-command.ts';

export const worker = peerCommand({
  name: 'worker',
  summary: 'Offer the inference server beside it to the network',
  parse: parseWorkerConfig,
  async open(config, deps, scope) {
    const diary = diaryIn(config.data_dir, EARNINGS_FILE, deps, scope);
    const opened = scope.use(await startWorker(config, { ...deps, diary }));
    return { model: config.model_name, httpPort: opened.httpPort };
  },
});
