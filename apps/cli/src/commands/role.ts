/** `bombyx engine|proxy|worker|client`: one part of the network, until it is told to stop. */
import { once } from 'node:events';
import { type Logger, Scope, systemClock } from '@bombyx/base';
import { createClient, parseClientConfig } from '@bombyx/client';
import { parseEngineConfig, startEngine } from '@bombyx/engine';
import { startGateway } from '@bombyx/gateway';
import { parseProxyConfig, startProxy } from '@bombyx/proxy';
import { type RootConfig, readFakeRoot } from '@bombyx/ton';
import { parseWorkerConfig, startWorker } from '@bombyx/worker';
import { readConfig } from '../config-file.ts';
import { splitGatewayConfig } from '../gateway-config.ts';
import { createLogger } from '../log.ts';
import { portError } from '../ports.ts';
import { type Arguments, CliError, type Command, type OptionSpec } from '../usage.ts';

/** Facts of a part that runs, told when it is ready. */
type Facts = Readonly<Record<string, string | number | undefined>>;

interface Role {
  readonly name: string;
  readonly summary: string;
  readonly needsRoot: boolean;
  /** Opens everything into `scope`. @returns what to tell */
  open(file: string, root: () => RootConfig, log: Logger, scope: Scope): Promise<Facts>;
}

const engine: Role = {
  name: 'engine',
  summary: 'Serve the embedded model, or another GGUF file, over HTTP',
  needsRoot: false,
  async open(file, _root, log, scope) {
    const config = readConfig(file, 'engine configuration', parseEngineConfig);
    const opened = await startEngine(config, { clock: systemClock, log });
    scope.defer(() => opened.close());
    return { port: opened.port, model: config.modelName };
  },
};

const proxy: Role = {
  name: 'proxy',
  summary: 'Admit clients, pick workers, count tokens',
  needsRoot: true,
  async open(file, root, log, scope) {
    const config = readConfig(file, 'proxy configuration', parseProxyConfig);
    const opened = scope.use(await startProxy(config, { clock: systemClock, log, root: root() }));
    return { workersPort: opened.workersPort, clientsPort: opened.clientPort, httpPort: opened.httpPort };
  },
};

const worker: Role = {
  name: 'worker',
  summary: 'Offer the inference server beside it to the network',
  needsRoot: true,
  async open(file, root, log, scope) {
    const config = readConfig(file, 'worker configuration', parseWorkerConfig);
    const opened = scope.use(await startWorker(config, { clock: systemClock, log, root: root() }));
    return { model: config.model_name, httpPort: opened.httpPort };
  },
};

const client: Role = {
  name: 'client',
  summary: 'Connect to proxies and offer the OpenAI API on http_port',
  needsRoot: true,
  async open(file, root, log, scope) {
    const { config, gateway } = readConfig(file, 'client configuration', (json) => {
      const parts = splitGatewayConfig(json);
      return { config: parseClientConfig(parts.client), gateway: parts.gateway };
    });
    const opened = scope.use(await createClient(config, { clock: systemClock, log, root: root() }));
    if (config.http_port === 0) return {};
    const options = {
      ...gateway,
      host: config.http_host,
      port: config.http_port,
      httpAccessHash: config.http_access_hash === '' ? undefined : config.http_access_hash,
    };
    const api = await startGateway(options, { client: opened, clock: systemClock, log });
    scope.defer(() => api.close());
    return { baseUrl: `http://${config.http_host}:${api.port}/v1` };
  },
};

const tonOption: OptionSpec = {
  type: 'string',
  short: 'C',
  value: 'FILE',
  help: 'run without TON, with this root configuration',
};

export const roles: readonly Command[] = [engine, proxy, worker, client].map(commandOf);

function commandOf(role: Role): Command {
  return {
    name: role.name,
    summary: role.summary,
    options: {
      config: {
        type: 'string',
        short: 'c',
        value: 'FILE',
        help: `JSON configuration (default ${role.name}-config.json)`,
      },
      ...(role.needsRoot && { 'disable-ton': tonOption }),
      verbosity: { type: 'string', short: 'v', value: 'N', help: 'log level, 0 (fatal) to 5 (all); default 3' },
    },
    examples: [
      role.needsRoot
        ? `bombyx ${role.name} --config ${role.name}.json --disable-ton root.json`
        : `bombyx ${role.name} --config ${role.name}.json`,
    ],
    run: (args, signal) => runRole(role, args, signal),
  };
}

async function runRole(role: Role, args: Arguments, signal: AbortSignal): Promise<number> {
  const log = createLogger(role.name, args.integer('verbosity', 0, 5));
  const rootFile = args.text('disable-ton');
  const root = (): RootConfig => {
    if (rootFile === undefined) {
      throw new CliError(
        'CLI_USAGE',
        `bombyx ${role.name} needs --disable-ton FILE: this version does not read TON itself`,
      );
    }
    return readConfig(rootFile, 'root configuration', readFakeRoot);
  };
  await using scope = new Scope(signal);
  let facts: Facts;
  try {
    facts = await role.open(args.text('config') ?? `${role.name}-config.json`, root, log, scope);
  } catch (error) {
    throw portError(error, undefined, 'choose another in the configuration');
  }
  const event = { event: 'ready', role: role.name, pid: process.pid, ...facts };
  if (args.flag('json')) console.log(JSON.stringify(event));
  else
    console.log(
      `${role.name} is ready${Object.entries(facts)
        .map(([name, value]) => `, ${name} ${value}`)
        .join('')}`,
    );
  if (!scope.signal.aborted) await once(scope.signal, 'abort');
  return 0;
}
