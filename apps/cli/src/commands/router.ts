/** `bombyx router`: attested TLS around plain ports, with the command line of the C++ router. Source: wire.md §2.1. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { type Clock, type Logger, Scope, systemClock } from '@bombyx/base';
import { CollateralStore, INTEL_SERVICE, PeerVerifier } from '@bombyx/evidence';
import { exampleFile, judgeBy, type RouterPlan, startRouter } from '@bombyx/router';
import { endpointsOf } from '../attest/kept-collateral.ts';
import { createLogger } from '../log.ts';
import { planOf } from '../router/plan.ts';
import { startError } from '../router/start-error.ts';
import { dataDir } from '../state-file.ts';
import { type Arguments, CliError, type Command } from '../usage.ts';

const many = { type: 'string', multiple: true } as const;
const one = { type: 'string' } as const;

export const router: Command = {
  name: 'router',
  summary: 'Put attested TLS around plain ports: forward, SOCKS5 and reverse',
  options: {
    socks5: { ...many, short: 'S', value: 'P@POLICY', help: 'SOCKS5 port on 127.0.0.1: port@policy[:hash,…]' },
    fwd: {
      ...many,
      short: 'F',
      value: 'P:H:P@POLICY',
      help: 'port on 127.0.0.1 to one peer: port:host:port@policy[:hash,…]',
    },
    rev: {
      ...many,
      short: 'R',
      value: 'P:H:P@POLICY',
      help: 'port for peers to a local program: port:host:port@policy[:hash,…]',
    },
    port: { ...many, short: 'p', value: 'P:TYPE…', help: 'older form: port:type[:policy[:host:port]]' },
    policy: { ...many, short: 'P', value: 'N:TYPE:HASH', help: 'name:type:hash,… with the type any, fake_tdx or tdx' },
    'serialize-info': { type: 'boolean', short: 's', help: 'tell the local program first who the peer is' },
    'collateral-hash': { ...many, value: 'HEX', help: 'root key that quotes may go back to, 96 hex digits' },
    cert: { ...one, short: 'C', value: 'BASE', help: 'BASE_cert.pem and BASE_key.pem; default one without a quote' },
    'pow-difficulty': { ...one, short: 'd', value: 'BITS', help: 'work that -R ports ask for, 0 to 64; default 20' },
    'max-pow-difficulty': { ...one, short: 'm', value: 'BITS', help: 'most work that -S and -F ports do; default 28' },
    threads: { ...one, short: 't', value: 'N', help: 'threads; 0 (default): by the machine' },
    config: { ...one, short: 'c', value: 'FILE', help: 'JSON configuration; ports named here replace those in it' },
    example: { type: 'boolean', short: 'g', help: 'print an example of such a file' },
    verbosity: { ...one, short: 'v', value: 'N', help: 'log level, 0 (fatal) to 5 (all); default 3' },
    pccs: { ...many, value: 'URL', help: "where Intel's collateral is asked for; default Intel's service" },
    fmspc: { ...many, value: 'HEX', help: 'platforms that collateral is fetched for; default: all' },
    'data-dir': { ...one, value: 'DIR', help: 'where collateral is kept' },
  },
  examples: [
    'bombyx router -S 8116@tdx --serialize-info -C /etc/tdx/tdx',
    'bombyx router -R 11001:localhost:11101@tdx -R 11002:localhost:11102@any --serialize-info -C /etc/tdx/tdx',
    'bombyx router -F 9000:203.0.113.5:11002@tdx:04b3afd9…',
  ],
  async run(args, signal) {
    if (args.flag('example')) {
      console.log(JSON.stringify(exampleFile, undefined, 2));
      return 0;
    }
    const plan = planOf(args);
    const log = createLogger('router', args.integer('verbosity', 0, 5));
    const deps = { clock: systemClock, log };
    await using scope = new Scope(signal);
    const verifier = openVerifier(plan, args, deps, scope);
    const starting = startRouter(plan, { ...deps, judgeOf: (policy) => judgeBy(policy, verifier) });
    const router = scope.use(
      await starting.catch((error: unknown) => {
        throw startError(error, plan, args.text('config'));
      }),
    );
    const ports = router.doors.map(({ port, type }) => ({ port, type }));
    if (args.flag('json')) console.log(JSON.stringify({ event: 'ready', role: 'router', pid: process.pid, ports }));
    else console.log(`router is ready, ${ports.map(({ port, type }) => `${type} ${port}`).join(', ')}`);
    if (!scope.signal.aborted) await once(scope.signal, 'abort');
    return 0;
  },
};

/** Judges peers beside the event loop; collateral is fetched when the first peer needs some. */
function openVerifier(
  { threads }: RouterPlan,
  args: Arguments,
  deps: { readonly clock: Clock; readonly log: Logger },
  scope: Scope,
): PeerVerifier {
  const endpoints = endpointsOf(args, 'pccs', INTEL_SERVICE);
  const fmspcs = args.texts('fmspc');
  const wrong = fmspcs.find((fmspc) => !/^[0-9a-fA-F]{12}$/.test(fmspc));
  if (wrong !== undefined) throw new CliError('CLI_USAGE', `--fmspc must be 12 hex digits, not "${wrong}"`);
  const collateral = scope.use(
    new CollateralStore(
      {
        intel: { endpoints, fmspcs: fmspcs.length === 0 ? 'any' : fmspcs },
        folder: join(dataDir(args.text('data-dir')), 'collateral'),
      },
      { ...deps, random: { bytes: randomBytes } },
    ),
  );
  return scope.use(new PeerVerifier(threads === 0 ? {} : { threads }, { ...deps, collateral }));
}
