/** `bombyx worker`: an inference server, offered to the network. */
import { parseWorkerConfig, startWorker } from '@bombyx/worker';
import { attestationFor } from '../attestation-for.ts';
import { EARNINGS_FILE } from '../data-folder.ts';
import { diaryIn } from '../diary-in.ts';
import { peerCommand } from '../peer-command.ts';

export const worker = peerCommand({
  name: 'worker',
  summary: 'Offer the inference server beside it to the network',
  parse: parseWorkerConfig,
  async open(config, deps, scope) {
    const diary = diaryIn(config.data_dir, EARNINGS_FILE, deps, scope);
    const { proxy_policy: policy, model_name: model } = config;
    const help = await attestationFor(config, [policy], deps, scope);
    const security = help && {
      identity: await help.identity({ role: 'worker', owner: config.owner_address.toRawString(), model }),
      proxies: help.policy(policy),
    };
    const opened = scope.use(await startWorker(config, { ...deps, diary, security }));
    return { model: config.model_name, httpPort: opened.httpPort };
  },
});
