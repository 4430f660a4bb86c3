/** `bombyx engine|proxy|worker|client`: one part of the network, until it is told to stop. */
import { once } from 'node:events';
import { join } from 'node:path';
import { type Clock, type Logger, Scope, systemClock } from '@bombyx/base';
import { createClient, parseClientConfig } from '@bombyx/client';
import { makeFolder } from '@bombyx/config';
import { type Diary, openDiary } from '@bombyx/diary';
import { parseEngineConfig, startEngine } from '@bombyx/engine';
import { KEYS_FILE, Keys, startGateway } from '@bombyx/gateway';
import { parseProxyConfig, startProxy } from '@bombyx/proxy';
import { type RootConfig, readFakeRoot } from '@bombyx/ton';
import { parseWorkerConfig, startWorker } from '@bombyx/worker';
import { readConfig } from '../config-file.ts';
import { COSTS_FILE, EARNINGS_FILE } from '../data-folder.ts';
import { splitGatewayConfig } from '../gateway-config.ts';
import { createLogger } from '../log.ts';
import { portError } from '../ports.ts';
import { type Arguments, CliError, type Command } from '../usage.ts';

/** For answers under way when the client is told to stop; well within what `bombyx up` gives a process. */
const STOP_GRACE_MS = 5_000;

/** Facts of a part that runs, told when it is ready. */
type Facts = Readonly<Record<string, string | number | undefined>>;

interface Deps {
  readonly clock: Clock;
  readonly log: Logger;
}
interface PeerDeps extends Deps {
  readonly root: RootConfig;
}

interface Role<Config, Needs> {
  readonly name: string;
  readonly summary: string;
  parse(json: unknown): Config;
  /** Opens everything into `scope`. @returns what to tell */
  open(config: Config, deps: Needs, scope: Scope, args: Arguments): Promise<Facts>;
}

const engine = commandOf({
  name: 'engine',
  summary: 'Serve the embedded model, or another GGUF file, over HTTP',
  parse: parseEngineConfig,
  async open(config, deps, scope) {
    const opened = scope.use(await startEngine(config, deps));
    return { port: opened.port, model: config.modelName };
  },
});

const devnet = commandOf({
  name: 'devnet',
  summary: 'Run a TON chain on this machine, behind the HTTP API of the public ones',
  parse: (json: unknown) => json,
  async open(json, deps, scope) {
    // Loaded here: the executor is 17 MB of memory that no other part needs.
    const { DevnetError, openDevnet, parseDevnetConfig } = await import('@bombyx/devnet');
    try {
      const config = parseDevnetConfig(json);
      const opened = scope.use(await openDevnet(config, deps));
      return { port: opened.port, api: `http://${config.host}:${opened.port}/api/v2/jsonRPC` };
    } catch (error) {
      if (!(error instanceof DevnetError && error.code === 'DEVNET_CONFIG')) throw error;
      throw new CliError('CLI_CONFIG', error.message, {}, { cause: error });
    }
  },
});

const proxy = peerCommandOf({
  name: 'proxy',
  summary: 'Admit clients, pick workers, count tokens',
  parse: parseProxyConfig,
  async open(config, deps, scope) {
    const opened = scope.use(await startProxy(config, deps));
    return { workersPort: opened.workersPort, clientsPort: opened.clientPort, httpPort: opened.httpPort };
  },
});

const worker = peerCommandOf({
  name: 'worker',
  summary: 'Offer the inference server beside it to the network',
  parse: parseWorkerConfig,
  async open(config, deps, scope) {
    const diary = diaryIn(config.data_dir, EARNINGS_FILE, deps, scope);
    const opened = scope.use(await startWorker(config, { ...deps, diary }));
    return { model: config.model_name, httpPort: opened.httpPort };
  },
});

const client = peerCommandOf({
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
    const opened = scope.use(await createClient(config, { ...deps, diary }));
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

export const roles: readonly Command[] = [engine, proxy, worker, client, devnet];

/** A report of what was used, if there is a folder for it. It is no reason to stand still when it cannot be written. */
function diaryIn(folder: string, file: string, deps: Deps, scope: Scope): Diary | undefined {
  if (folder === '') return undefined;
  try {
    makeFolder(folder);
    return scope.use(openDiary({ path: join(folder, file) }, deps));
  } catch (error) {
    deps.log.warn('there is no diary', { cause: error instanceof Error ? error.message : String(error) });
    return undefined;
  }
}

/** A part that meets others on the wire: all of one network have the same root configuration. */
function peerCommandOf<Config>(role: Role<Config, PeerDeps>): Command {
  const command = commandOf<Config>({
    ...role,
    open: (config, deps, scope, args) => role.open(config, { ...deps, root: rootOf(role.name, args) }, scope, args),
  });
  const help = 'run without TON, with this root configuration';
  return {
    ...command,
    options: { ...command.options, 'disable-ton': { type: 'string', short: 'C', value: 'FILE', help } },
    examples: command.examples.map((example) => `${example} --disable-ton root.json`),
  };
}

function rootOf(role: string, args: Arguments): RootConfig {
  const file = args.text('disable-ton');
  if (file !== undefined) return readConfig(file, 'root configuration', readFakeRoot);
  throw new CliError('CLI_USAGE', `${role} needs --disable-ton FILE: this version does not read TON itself`);
}

function commandOf<Config>(role: Role<Config, Deps>): Command {
  const { name, summary } = role;
  const defaultFile = `${name}-config.json`;
  return {
    name,
    summary,
    options: {
      config: { type: 'string', short: 'c', value: 'FILE', help: `JSON configuration (default ${defaultFile})` },
      verbosity: { type: 'string', short: 'v', value: 'N', help: 'log level, 0 (fatal) to 5 (all); default 3' },
    },
    examples: [`bombyx ${name} --config ${name}.json`],
    async run(args, signal) {
      const log = createLogger(name, args.integer('verbosity', 0, 5));
      const config = readConfig(args.text('config') ?? defaultFile, `${name} configuration`, role.parse);
      await using scope = new Scope(signal);
      const facts = await role.open(config, { clock: systemClock, log }, scope, args).catch((error: unknown) => {
        throw portError(error, undefined, 'choose another in the configuration');
      });
      if (args.flag('json')) console.log(JSON.stringify({ event: 'ready', role: name, pid: process.pid, ...facts }));
      else {
        const told = Object.entries(facts).filter(([, value]) => value !== undefined);
        console.log([`${name} is ready`, ...told.map((fact) => fact.join(' '))].join(', '));
      }
      if (!scope.signal.aborted) await once(scope.signal, 'abort');
      return 0;
    },
  };
}
