/**
 * Every command of `bombyx`, in the order of `bombyx help`. What a command needs is loaded when it is run: a worker holds no
 * model and no gateway, and a question about the version loads nothing at all. A new command is one line here.
 */
import type { Command } from './usage.ts';

interface Entry {
  readonly name: string;
  /** As the command itself says it; here so that `bombyx help` loads none. */
  readonly summary: string;
  load(): Promise<Command>;
}

export const commands: readonly Entry[] = [
  entry(
    'up',
    'Start the whole network here: TON chain, engine, worker, proxy, client and gateway',
    () => import('./commands/up.ts'),
  ),
  entry('chat', 'Ask the network something; the answer streams to the terminal', () => import('./commands/chat.ts')),
  entry('status', 'Show what runs on this machine', () => import('./commands/status.ts')),
  entry('doctor', 'Check this machine and name the fix for what is missing', () => import('./commands/doctor.ts')),
  entry('keys', 'Make, list and revoke API keys, with caps on what each may spend', () => import('./commands/keys.ts')),
  entry('costs', 'Show what requests cost: by day, model and API key', () => import('./commands/costs.ts')),
  entry('earnings', 'Show what this worker earned: by day, model and proxy', () => import('./commands/earnings.ts')),
  entry(
    'payout',
    'Pay out now what a worker has earned: everywhere, or at one proxy',
    () => import('./commands/payout.ts'),
  ),
  entry(
    'stake',
    'Show the coins of this client: its wallet, and its account at each proxy',
    () => import('./commands/money.ts'),
  ),
  entry('topup', 'Pay one more stake in at a proxy, within the daily limit', () => import('./commands/money.ts')),
  entry(
    'withdraw',
    'Take what is above the stake back from a proxy into the operating wallet',
    () => import('./commands/money.ts'),
  ),
  entry(
    'close',
    'Close the account at a proxy: all of it comes back into the operating wallet',
    () => import('./commands/money.ts'),
  ),
  entry('wallet', 'Make a wallet, look at its coins, send them', () => import('./commands/wallet.ts')),
  entry(
    'network',
    'Create a network, look at one, change who takes part and at which price',
    () => import('./commands/network.ts'),
  ),
  entry(
    'ledger',
    'Check the books of a proxy: memory, disk, signed payments and chain must agree',
    () => import('./commands/ledger.ts'),
  ),
  entry(
    'contracts',
    'Build the code cells of the TON contracts from their sources',
    () => import('./commands/contracts.ts'),
  ),
  entry(
    'attest',
    'Look at evidence of enclaves and GPUs, verify it, hash images and models',
    () => import('./commands/attest.ts'),
  ),
  entry('engine', 'Serve the embedded model, or another GGUF file, over HTTP', () => import('./commands/engine.ts')),
  entry('proxy', 'Admit clients, pick workers, count tokens', () => import('./commands/proxy.ts')),
  entry('worker', 'Offer the inference server beside it to the network', () => import('./commands/worker.ts')),
  entry('client', 'Connect to proxies and offer the OpenAI API on http_port', () => import('./commands/client.ts')),
  entry(
    'router',
    'Put attested TLS around plain ports: forward, SOCKS5 and reverse',
    () => import('./commands/router.ts'),
  ),
  entry(
    'devnet',
    'Run a TON chain on this machine, behind the HTTP API of the public ones',
    () => import('./commands/devnet.ts'),
  ),
];

/** @param load the module that exports the command under its name */
function entry<Name extends string>(
  name: Name,
  summary: string,
  load: () => Promise<Readonly<Record<Name, Command>>>,
): Entry {
  return { name, summary, load: async () => (await load())[name] };
}
