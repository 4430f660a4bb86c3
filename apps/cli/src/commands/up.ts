/** `bombyx up`: the whole network on this machine, a TON chain of its own beneath it, one supervised process a role. */
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatTon, Scope, systemClock } from '@bombyx/base';
import { createLogger } from '../log.ts';
import { prepareChain } from '../money/local-chain.ts';
import { DEFAULT_GATEWAY_PORT, EMBEDDED_MODEL, joinChain, type NetworkFiles, prepareNetwork } from '../network.ts';
import { assertPortFree } from '../ports.ts';
import { dataDir, readState, removeState, writeState } from '../state-file.ts';
import { type ChildEvent, Supervisor } from '../supervisor.ts';
import { CliError, type Command } from '../usage.ts';

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;
/** How long the first answerable moment may take after the last process said it is ready; contracts need some blocks. */
const FIRST_MODEL_TIMEOUT_MS = 90_000;

/** The gateway's word for proxies that do not prove what they must. */
const UNPROVEN = 'unproven';
/** What the parts of a network may ask of each other; here all of them only play to be enclaves. */
const POLICIES = ['simulated', 'tdx', 'sev-snp', 'fake_tdx', 'any'];

export const up: Command = {
  name: 'up',
  summary: 'Start the whole network here: TON chain, engine, worker, proxy, client and gateway',
  options: {
    'data-dir': { type: 'string', value: 'DIR', help: 'keys, configuration, ledger and logs (default ~/.bombyx)' },
    port: { type: 'string', value: 'N', help: `port of the OpenAI API on 127.0.0.1 (default ${DEFAULT_GATEWAY_PORT})` },
    policy: {
      type: 'string',
      value: 'NAME',
      help: 'what the parts ask of each other: simulated (default), tdx, sev-snp',
    },
    'without-ton': { type: 'boolean', help: 'no chain: nobody pays, and nothing is on any contract' },
  },
  examples: ['bombyx up', 'bombyx up --data-dir ./network --port 8080', 'bombyx up --json'],
  async run(args, signal) {
    const folder = dataDir(args.text('data-dir'));
    const port = args.integer('port', 1024, 65_535) ?? DEFAULT_GATEWAY_PORT;
    const report = args.flag('json') ? reportJson : reportText;
    const running = readState(folder);
    if (running) {
      throw new CliError(
        'CLI_RUNNING',
        `this network runs already at ${running.baseUrl} (process ${running.pid}); stop it first, or use another --data-dir`,
      );
    }
    await assertPortFree(port, 'choose another with "bombyx up --port N"');
    const policy = args.text('policy') ?? 'simulated';
    if (!POLICIES.includes(policy)) throw new CliError('CLI_USAGE', `--policy must be one of ${POLICIES.join(', ')}`);
    const files = await prepareNetwork(folder, port, policy);
    const baseUrl = `http://127.0.0.1:${port}/v1`;

    await using scope = new Scope(signal);
    const startedAtMs = Date.now();
    const supervisor = scope.use(
      new Supervisor({
        main: fileURLToPath(new URL('../main.ts', import.meta.url)),
        startTimeoutMs: START_TIMEOUT_MS,
        stopTimeoutMs: STOP_TIMEOUT_MS,
        onEvent(role, event) {
          if (event.event === 'exited') report({ ...event, role });
          if (event.event === 'ready' && serving) report({ event: 'restarted', role });
          save();
        },
      }),
    );
    let serving = false;
    const save = () => {
      const processes = supervisor.status();
      try {
        writeState(folder, { pid: process.pid, baseUrl, model: EMBEDDED_MODEL, startedAtMs, processes });
      } catch (error) {
        report({ event: 'warning', message: `"bombyx status" is out of date: ${(error as Error).message}` });
      }
    };
    scope.defer(() => removeState(folder));
    scope.defer(() => report({ event: 'stopping' }));
    save(); // from here on nobody else starts in this folder

    const withTon = !args.flag('without-ton');
    const start = async (role: keyof NetworkFiles['config']) => {
      report({ event: 'starting', role });
      const spec = { role, args: argumentsOf(role, files, withTon), logFile: join(files.logs, `${role}.log`) };
      const started = supervisor.start(spec, scope.signal);
      save();
      const ready = await started;
      report({ event: 'ready', role });
      return ready;
    };
    const begin = async () => {
      if (withTon) {
        const { api } = await start('devnet');
        const options = { folder, api: String(api), proxyAddress: files.proxyAddress, walletKeys: files.walletKeys };
        // The log of a supervisor is what goes wrong; the steps themselves are events.
        const deps = { clock: systemClock, log: createLogger('up', 1), progress: report };
        joinChain(files, await prepareChain(options, deps, scope.signal));
      }
      for (const role of ['engine', 'proxy', 'worker', 'client'] as const) await start(role);
      report({ event: 'connecting' });
      const warn = (message: string) => report({ event: 'warning', message });
      await untilModelIsOffered(baseUrl, files.accessHash, warn, scope.signal);
      serving = true;
      report({
        event: 'serving',
        baseUrl,
        model: EMBEDDED_MODEL,
        dataDir: folder,
        seconds: (Date.now() - startedAtMs) / 1000,
      });
    };
    await begin().catch((error: unknown) => {
      if (!signal.aborted) throw error; // told to stop while it started: no failure
    });
    if (!scope.signal.aborted) await once(scope.signal, 'abort');
    await scope[Symbol.asyncDispose]();
    report({ event: 'stopped' });
    return 0;
  },
};

function argumentsOf(role: keyof NetworkFiles['config'], files: NetworkFiles, withTon: boolean): string[] {
  const config = [role, '--config', files.config[role]];
  const meetsOthers = role !== 'engine' && role !== 'devnet';
  return meetsOthers && !withTon ? [...config, '--disable-ton', files.root] : config;
}

/**
 * Where the gateway says why no request can be answered (an account was closed, coins are lacking), that is told, and the
 * network goes on: what it asks for is done while it runs.
 * @param accessHash opens the list of models also where callers need an API key
 */
async function untilModelIsOffered(
  baseUrl: string,
  accessHash: string,
  warn: (message: string) => void,
  signal: AbortSignal,
): Promise<void> {
  let deadline = Date.now() + FIRST_MODEL_TIMEOUT_MS;
  let refusal: string | undefined;
  let told: string | undefined;
  for (;;) {
    signal.throwIfAborted();
    try {
      const response = await fetch(`${baseUrl}/models`, {
        headers: { authorization: `Bearer ${accessHash}` },
        signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]),
      });
      const models = (await response.json()) as {
        data?: { workers?: unknown[] }[];
        error?: { message?: string; code?: string };
      };
      refusal = models.error?.message;
      if (models.error?.code === UNPROVEN) deadline = Date.now(); // waiting changes nothing
      if (response.ok && models.data?.some((model) => (model.workers?.length ?? 1) > 0)) return;
    } catch {
      // not yet
    }
    if (Date.now() >= deadline && refusal !== undefined) {
      if (refusal !== told) warn(`no request can be answered yet: ${refusal}`);
      told = refusal;
    } else if (Date.now() > deadline) {
      throw new CliError(
        'CLI_CHILD',
        'the processes run, but no worker offers its model through the proxy; see the logs folder',
      );
    }
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** Amounts are nanoTON, as text. */
function reportJson(event: ChildEvent): void {
  console.log(JSON.stringify(event, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value)));
}

function reportText(event: ChildEvent): void {
  const role = String(event['role'] ?? '');
  switch (event.event) {
    case 'starting':
      console.log(`  starting ${role} ...`);
      break;
    case 'funded':
      console.log(`  ${event['whose']} has ${formatTon(event['amount'] as bigint)} TON at ${event['address']}`);
      break;
    case 'created':
      console.log(`  the root contract stands at ${event['root']}`);
      break;
    case 'registered':
      console.log(`  the proxy is registered at ${event['proxyAddress']}`);
      break;
    case 'connecting':
      console.log('  waiting for the worker to reach the client ...');
      break;
    case 'exited':
      console.log(`! ${role} ended; starting it again in ${event['restartInMs']} ms`);
      break;
    case 'warning':
      console.log(`! ${event['message']}`);
      break;
    case 'restarted':
      console.log(`  ${role} runs again`);
      break;
    case 'stopping':
      console.log('\nStopping ...');
      break;
    case 'stopped':
      console.log('Stopped.');
      break;
    case 'serving':
      console.log(servingText(String(event['baseUrl']), String(event['model']), Number(event['seconds'])));
      break;
    default:
  }
}

function servingText(baseUrl: string, model: string, seconds: number): string {
  return `
The network runs (${seconds.toFixed(1)} s). No enclave on this machine: answers say tier SIMULATED.

  Base URL   ${baseUrl}      (any OpenAI client; the API key can be anything)
  Model      ${model}      (a very small test model)

  curl ${baseUrl}/chat/completions -N -H 'content-type: application/json' \\
    -d '{"model":"${model}","stream":true,"messages":[{"role":"user","content":"What is COCOON?"}]}'

Ctrl-C stops everything.
`;
}
