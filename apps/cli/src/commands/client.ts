/** `bombyx client`: the network as an OpenAI API. */
import { join } from 'node:path';
import { createClient, parseClientConfig } from '@bombyx/client';
import { KEYS_FILE, Keys, startGateway } from '@bombyx/gateway';
import { attestationFor } from '../attestation-for.ts';
import { COSTS_FILE } from '../data-folder.ts';
import { diaryIn } from '../diary-in.ts';
import { splitGatewayConfig } from '../gateway-config.ts';
import { peerCommand } from '../peer-command.ts';
import { CliError } from '../usage.ts';

/** For answers under way when the client is told to stop; well within what `bombyx up` gives a process. */
const STOP_GRACE_MS = 5_000;

export const client = peerCommand({
  name: 'client',
  summary: 'Connect to proxies and offer the OpenAI API on http_port',
  parse(json) {
    const parts = splitGatewayConfig(json);
    const config = parseClientConfig(parts.client);
    if (parts.requireApiKey && config.data_dir === '') {
      throw new CliError('CLI_CONFIG', '"gateway.require_api_key" needs a "data_dir", where the keys are');
    }
    return { ...config, gateway: parts.gateway, requireApiKey: parts.requireApiKey };
  },
  async open({ gateway, requireApiKey, ...config }, deps, scope) {
    const diary = diaryIn(config.data_dir, COSTS_FILE, deps, scope);
    const keys =
      config.data_dir === ''
        ? undefined
        : scope.use(new Keys({ path: join(config.data_dir, KEYS_FILE), required: requireApiKey }, deps));
    const { proxy_policy: policy } = config;
    const help = await attestationFor(config, [policy], deps, scope);
    const security = help && {
      identity: await help.identity({ role: 'client', owner: '' }), // who pays is nobody's business
      proxies: help.policy(policy),
    };
    const opened = scope.use(await createClient(config, { ...deps, diary, security }));
    if (config.http_port === 0) return {};
    const options = {
      ...gateway,
      host: config.http_host,
      port: config.http_port,
      httpAccessHash: config.http_access_hash === '' ? undefined : config.http_access_hash,
    };
    const api = await startGateway(options, { ...deps, client: opened, keys });
    scope.defer(() => api.close(STOP_GRACE_MS));
    return { baseUrl: `http://${config.http_host}:${api.port}/v1` };
  },
});
