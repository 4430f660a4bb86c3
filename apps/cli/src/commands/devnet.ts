/** `bombyx devnet`: a TON chain of one's own. */
import { openDevnet, parseDevnetConfig } from '@bombyx/devnet';
import { roleCommand } from '../role-command.ts';

export const devnet = roleCommand({
  name: 'devnet',
  summary: 'Run a TON chain on this machine, behind the HTTP API of the public ones',
  parse: parseDevnetConfig,
  async open(config, deps, scope) {
    const opened = scope.use(await openDevnet(config, deps));
    return { port: opened.port, api: `http://${config.host}:${opened.port}/api/v2/jsonRPC` };
  },
});
