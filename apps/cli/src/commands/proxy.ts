/** `bombyx proxy`: between clients and workers. */
import { parseProxyConfig, startProxy } from '@bombyx/proxy';
import { attestationFor } from '../attestation-for.ts';
import { peerCommand } from '../peer-command.ts';

export const proxy = peerCommand({
  name: 'proxy',
  summary: 'Admit clients, pick workers, count tokens',
  parse: parseProxyConfig,
  async open(config, deps, scope) {
    const { attestation, workerPolicy, clientPolicy } = config;
    const help = await attestationFor(attestation, [workerPolicy, clientPolicy], deps, scope);
    const security = help && {
      identity: await help.identity({ role: 'proxy', owner: config.ownerAddress.toRawString() }),
      workers: help.policy(workerPolicy),
      clients: help.policy(clientPolicy),
    };
    const opened = scope.use(await startProxy(config, { ...deps, security }));
    return { workersPort: opened.workersPort, clientsPort: opened.clientPort, httpPort: opened.httpPort };
  },
});
