/** The chain put together: machine, ledger, faucet, HTTP server. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Clock, type Logger, Scope } from '@bombyx/base';
import type { Chain, TonNetwork } from '@bombyx/ton';
import { zeroState } from './block-id.ts';
import type { DevnetConfig } from './config.ts';
import { EmbeddedChain } from './embedded-chain.ts';
import { Faucet } from './faucet.ts';
import { Ledger } from './ledger.ts';
import { Machine } from './machine.ts';
import { GLOBAL_ID } from './network-config.ts';
import { serve } from './server.ts';
import { Store } from './store.ts';

export interface DevnetDeps {
  readonly clock: Clock;
  readonly log: Logger;
}

export interface Devnet extends AsyncDisposable {
  /** Where the HTTP API listens: `http://<host>:<port>/api/v2/jsonRPC`. */
  readonly port: number;
  /** How clients know this network from others; what `Toncenter` asks for. */
  readonly network: TonNetwork;
  /** The chain without HTTP; lives as long as the devnet. */
  readonly chain: Chain;
  readonly faucet: Faucet;
  readonly ledger: Ledger;
  /** Stops listening, ends the block in the making, closes the database. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens the chain in `config.dataDir`, or begins a new one there. Resolves once it listens.
 * @throws {DevnetError} `DEVNET_STORE`, `DEVNET_PORT`
 */
export async function openDevnet(config: DevnetConfig, deps: DevnetDeps): Promise<Devnet> {
  const scope = new Scope();
  try {
    const machine = await Machine.create();
    const path = config.dataDir === '' ? ':memory:' : join(config.dataDir, 'devnet.sqlite');
    const options = { blockMs: config.blockMs };
    const ledger = scope.use(
      new Ledger(options, { ...deps, machine, store: new Store(path), seed: () => randomBytes(32) }),
    );
    const faucet = new Faucet({ maxAmount: config.faucetMax }, { ledger });
    const server = scope.use(await serve(config, { ledger, faucet, timeTravel: config.timeTravel, log: deps.log }));
    const network = { name: 'devnet', zerostate: zeroState(ledger).root_hash, globalId: GLOBAL_ID };
    const close = () => scope[Symbol.asyncDispose]();
    deps.log.info('devnet listens', { port: server.port, seqno: ledger.head.seqno, network: network.zerostate });
    return {
      port: server.port,
      network,
      chain: new EmbeddedChain(ledger),
      faucet,
      ledger,
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
}
