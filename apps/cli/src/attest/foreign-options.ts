/** Options that mean nothing to the evidence at hand are refused: whoever gave one believes that it was judged. */
import { type Arguments, CliError, isGiven } from '../usage.ts';
import { type Evidence, WORDS } from './kinds.ts';

const intel = ['collateral', 'pccs', 'data-dir'];
const policy = ['policy', 'image'];

/** What can be verified, and what it is judged with; `--at` belongs to all. */
const optionsOf: Partial<Readonly<Record<Evidence['kind'], readonly string[]>>> = {
  quote: [...policy, 'root', 'event-log', ...intel],
  'snp-report': [...policy, 'root', 'vcek', 'chain', 'crl', 'kds', 'data-dir'],
  gpu: ['policy', 'root', 'certificates', 'rim', 'rim-root', 'nonce'],
  rim: ['policy', 'root'],
  nras: ['policy', 'jwks', 'nonce'],
  certificates: [...policy, 'root', 'event-log', 'role', ...intel],
  bundle: [...policy, 'root', 'nonce', 'exporter', 'key', 'kds', ...intel],
};
const all = new Set(Object.values(optionsOf).flat());

/** @throws {CliError} `CLI_USAGE` naming each of them */
export function refuseForeignOptions({ kind }: Evidence, file: string, args: Arguments): void {
  const own = optionsOf[kind];
  if (own === undefined || kind === 'unknown') return;
  const foreign = [...all].filter((option) => !own.includes(option) && isGiven(args, option));
  if (foreign.length === 0) return;
  const options = foreign.map((option) => `--${option}`).join(', ');
  throw new CliError(
    'CLI_USAGE',
    `${file} is ${WORDS[kind]}, which ${options} ${foreign.length === 1 ? 'does' : 'do'} not belong to`,
  );
}
