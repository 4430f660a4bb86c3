/** `bombyx proxy`: between clients and workers. */
import { parseProxyConfig, startProxy } from '@bombyx/proxy';
import { peerCommand } from '../peer-command.ts';

export const proxy = peerCommand({
  name: 'proxy',
  summary: 'Admit clients, pick workers, count tokens',
  parse: parseProxyConfig,
  async open(config, deps, scope) {
    const opened = scope.use(await startProxy(config, deps));
    return { workersPort: opened.workersPort, clientsPort: opened.clientPort, httpPort: opened.httpPort };
  },
});
