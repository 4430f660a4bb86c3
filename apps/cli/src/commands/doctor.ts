/** `bombyx doctor`: is this machine fit, and what to do where it is not. */

import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { makeFolder } from '@bombyx/config';
import { BUNDLED_MODEL } from '@bombyx/engine';
import { DEFAULT_GATEWAY_PORT } from '../network.ts';
import { assertPortFree } from '../ports.ts';
import { dataDir, readState } from '../state-file.ts';
import { CliError, type Command } from '../usage.ts';

interface Finding {
  readonly check: string;
  readonly level: 'ok' | 'note' | 'fail';
  readonly found: string;
  readonly fix?: string;
}

export const doctor: Command = {
  name: 'doctor',
  summary: 'Check this machine and name the fix for what is missing',
  options: {
    'data-dir': { type: 'string', value: 'DIR', help: 'folder to check (default ~/.bombyx)' },
    port: { type: 'string', value: 'N', help: `gateway port to check (default ${DEFAULT_GATEWAY_PORT})` },
    'forward-to': { type: 'string', value: 'HOST:PORT', help: 'an inference server to check, e.g. 127.0.0.1:8000' },
  },
  examples: ['bombyx doctor', 'bombyx doctor --forward-to 127.0.0.1:8000'],
  async run(args) {
    const folder = dataDir(args.text('data-dir'));
    const port = args.integer('port', 1024, 65_535) ?? DEFAULT_GATEWAY_PORT;
    const server = hostAndPort(args.text('forward-to'));
    const findings = [
      nodeVersion(),
      memory(),
      cores(),
      dataFolder(folder),
      store(),
      model(),
      await gatewayPort(port, folder),
      enclave(),
      gpu(),
      ...(await inferenceServer(server)),
    ];
    for (const finding of findings) {
      if (args.flag('json')) console.log(JSON.stringify(finding));
      else {
        console.log(`${finding.level.padEnd(5)} ${finding.check.padEnd(18)} ${finding.found}`);
        if (finding.fix !== undefined) console.log(`${' '.repeat(25)}-> ${finding.fix}`);
      }
    }
    return findings.some(({ level }) => level === 'fail') ? 1 : 0;
  },
};

function nodeVersion(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const recent = major > 22 || (major === 22 && minor >= 19);
  const found = `Node ${process.versions.node}`;
  return recent
    ? { check: 'node', level: 'ok', found }
    : { check: 'node', level: 'fail', found, fix: 'run "npm ci" in the Bombyx folder: it brings Node 24' };
}

function memory(): Finding {
  const gib = totalmem() / 2 ** 30;
  const found = `${gib.toFixed(1)} GiB`;
  return gib >= 1
    ? { check: 'memory', level: 'ok', found }
    : { check: 'memory', level: 'note', found, fix: 'the whole network on one machine wants 1 GiB' };
}

function cores(): Finding {
  return { check: 'cores', level: 'ok', found: `${availableParallelism()} usable` };
}

function dataFolder(folder: string): Finding {
  try {
    makeFolder(folder);
    accessSync(folder, constants.W_OK);
    const { bavail, bsize } = statfsSync(folder);
    const free = bavail * bsize;
    const found = `${folder}, ${(free / 2 ** 30).toFixed(1)} GiB free`;
    if (free > 2 ** 28) return { check: 'data folder', level: 'ok', found };
    return { check: 'data folder', level: 'fail', found, fix: 'free some disk, or choose another with --data-dir' };
  } catch {
    const fix = 'choose a folder this user may write with --data-dir';
    return { check: 'data folder', level: 'fail', found: `${folder} cannot be written`, fix };
  }
}

function store(): Finding {
  try {
    const database = new DatabaseSync(':memory:');
    const { version } = database.prepare('select sqlite_version() as version').get() as { version: string };
    database.close();
    return { check: 'ledger store', level: 'ok', found: `SQLite ${version}` };
  } catch {
    return {
      check: 'ledger store',
      level: 'fail',
      found: 'node:sqlite is missing',
      fix: 'run under Node 22.19 or later',
    };
  }
}

function model(): Finding {
  const check = 'embedded model';
  if (existsSync(BUNDLED_MODEL)) return { check, level: 'ok', found: 'bombyx-tiny (a test model)' };
  return {
    check,
    level: 'fail',
    found: `${fileURLToPath(BUNDLED_MODEL)} is missing`,
    fix: 'check the repository out again',
  };
}

async function gatewayPort(port: number, folder: string): Promise<Finding> {
  const running = readState(folder);
  if (running && new URL(running.baseUrl).port === String(port)) {
    return { check: 'gateway port', level: 'ok', found: `${port} is used by the network that runs here` };
  }
  try {
    await assertPortFree(port, 'start with --port N');
    return { check: 'gateway port', level: 'ok', found: `${port} is free` };
  } catch (error) {
    const found = error instanceof CliError ? error.message : String(error);
    return { check: 'gateway port', level: 'note', found, fix: `stop what uses port ${port}, or "bombyx up --port N"` };
  }
}

function enclave(): Finding {
  const devices = ['tdx_guest', 'sev-guest'].filter((name) => existsSync(join('/dev', name)));
  if (devices.length > 0) return { check: 'enclave', level: 'ok', found: devices.join(', ') };
  const fix = 'answers made here say tier "simulated"; a confidential VM (Intel TDX or AMD SEV-SNP) changes that';
  return { check: 'enclave', level: 'note', found: 'none on this machine', fix };
}

function gpu(): Finding {
  const { status, stdout } = spawnSync('nvidia-smi', ['--query-gpu=name,memory.total', '--format=csv,noheader'], {
    encoding: 'utf8',
    timeout: 5_000,
  });
  if (status === 0 && stdout.trim() !== '')
    return { check: 'gpu', level: 'ok', found: stdout.trim().replaceAll('\n', '; ') };
  const driver = existsSync('/proc/driver/nvidia/version') ? readFileSync('/proc/driver/nvidia/version', 'utf8') : '';
  if (driver !== '')
    return { check: 'gpu', level: 'note', found: 'driver without device', fix: 'see what "nvidia-smi" says' };
  return { check: 'gpu', level: 'note', found: 'no NVIDIA GPU; the embedded model runs on the CPU' };
}

/** @throws {CliError} `CLI_USAGE` for anything but a host, in brackets where it is IPv6, and a port */
function hostAndPort(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const port = Number(/^(?:\[[\da-f:.]+\]|[\w.-]+):(\d{1,5})$/i.exec(text)?.[1]);
  if (port >= 1 && port <= 65_535) return text;
  throw new CliError('CLI_USAGE', `--forward-to must be HOST:PORT, e.g. 127.0.0.1:8000, not "${text}"`);
}

async function inferenceServer(address: string | undefined): Promise<Finding[]> {
  if (address === undefined) return [];
  const check = 'inference server';
  const url = `http://${address}/v1/models`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    if (response.status === 401 || response.status === 403) {
      const fix = 'put its key into "upstream_api_key" of the worker\'s configuration';
      return [{ check, level: 'note', found: `${address} wants an API key`, fix }];
    }
    const answer = (await response.json()) as { data?: { id?: string }[] };
    const models = (answer.data ?? []).map(({ id }) => id).join(', ');
    if (response.ok && models !== '') return [{ check, level: 'ok', found: `${address} offers ${models}` }];
    const fix = 'it must list its models at /v1/models';
    return [{ check, level: 'fail', found: `${address} answers ${response.status}`, fix }];
  } catch {
    return [
      {
        check,
        level: 'fail',
        found: `nothing answers at ${url}`,
        fix: 'start vLLM, SGLang, llama.cpp or Ollama there',
      },
    ];
  }
}
