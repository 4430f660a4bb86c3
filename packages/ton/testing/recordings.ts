/** What the reference programs said to each other, from `vectors/cocoon-cpp` (its README names keys and addresses). */
import { readdirSync, readFileSync } from 'node:fs';
import { privateKeyFromSeed } from '../src/index.ts';

const folder = new URL('../../../vectors/cocoon-cpp/', import.meta.url);

export const fakeTon = readFileSync(new URL('fake-ton.json', folder), 'utf8');
export const OWNER = 'UQAuz15H1ZHrZ_psVrAra7HealMIVeFq0wguqlmFno1f3B-m';
export const ROOT = 'EQBT4hy4vMEZ9uxSCuhw_gBKh9_AwmHXLe7Wo0O4Vh-4kRjJ';

const key = (seed: string) => privateKeyFromSeed(Buffer.from(seed, 'base64'));
/** Machine key and wallet key of the recorded proxy are the same. */
export const proxyKey = key('ml+7xELuOQtfp9q9mSWtHiSWx5aSBV6p3xCfwPmHOwY=');
export const workerWalletKey = key('jYYD/HjU0K2D/xpistoFM4BruJhY3koI1xuO00xd7PI=');
export const clientWalletKey = key('gaEatwGNgLGOeFI/TRGfPdJG/K4G8picYHQkDHpLQ9w=');

type Json = null | boolean | number | string | readonly Json[] | { readonly [member: string]: Json };

/** Every value of a member called `name`, in all decoded frames; each once. @throws when there is none */
function recorded(name: string): string[] {
  const found = new Set<string>();
  const visit = (value: Json): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [member, inside] of Object.entries(value)) {
      if (member === name && typeof inside === 'string') found.add(inside);
      visit(inside);
    }
  };
  const decoded = new URL('decoded/', folder);
  for (const file of readdirSync(decoded)) {
    for (const line of readFileSync(new URL(file, decoded), 'utf8').split('\n'))
      if (line) visit(JSON.parse(line) as Json);
  }
  if (found.size === 0) throw new Error(`the recordings have no ${name}`);
  return [...found];
}

/** The one value that all recordings agree on. */
function agreed(name: string): string {
  const [value, ...others] = recorded(name);
  if (value === undefined || others.length > 0) throw new Error(`the recordings disagree about ${name}`);
  return value;
}

export const proxyContract = agreed('proxy_sc_address');
export const clientContract = agreed('client_sc_address');
export const workerContract = agreed('worker_sc_address');
export const clientOwner = agreed('client_owner_address');
export const proxyPublicKey = Buffer.from(agreed('proxy_public_key'), 'hex');

/** Bags of cells of all recorded signed payments. */
export const payments = recorded('data')
  .filter((text) => text.startsWith('0xb5ee9c72'))
  .map((text) => Buffer.from(text.slice(2), 'hex'));

/** Wallet addresses from the statistics pages. */
export function recordedWallet(program: 'client' | 'proxy' | 'worker'): string {
  const text = readFileSync(new URL(`stats/${program}-jsonstats.json`, folder), 'utf8');
  return (JSON.parse(text) as { wallet: { address: string } }).wallet.address;
}
