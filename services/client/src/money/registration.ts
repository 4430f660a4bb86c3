/** Shows a proxy on the chain that a client contract is ours. Source: client.md §4.3. */
import type { Clock } from '@bombyx/base';
import { type Chain, clientBirthData, initAddress, type RootSource } from '@bombyx/ton';
import { ClientError, refusalOf } from '../errors.ts';
import type { Deed } from './client-contract.ts';
import type { Keeper, Terms } from './keeper.ts';
import { wholeTokens } from './plan.ts';
import type { ClientPurse } from './purse.ts';

/** Secret, stake, coins, registration; each is seen on the chain before the next. */
const MAX_STEPS = 6;
/** Of one account in an hour: each costs 0.012 TON of fees, and it is the proxy that asks. */
const MAX_REGISTRATIONS = 4;
const HOUR_MS = 3_600_000;

export interface RegistrarDeps {
  readonly chain: Chain;
  readonly root: RootSource;
  readonly purse: ClientPurse;
  readonly clock: Clock;
  readonly terms: (keeper: Keeper) => Terms;
  /** Ends everything. */
  readonly signal: AbortSignal;
}

export class Registrar {
  readonly #deps: RegistrarDeps;
  /** When each account was registered, on the monotonic clock; the last hour counts. */
  readonly #registrations = new WeakMap<Keeper, number[]>();

  constructor(deps: RegistrarDeps) {
    this.#deps = deps;
  }

  /**
   * Deploys the contract if need be, makes it fit, and sends the nonce.
   * @param nonce unsigned 64 bits
   * @param signal of the handshake: nothing more is begun, what is under way goes on
   * @throws {ClientError} `CLIENT_BALANCE`, `CLIENT_NOT_READY`, `CLIENT_MONEY`; {ChainError}; the reason of `signal`
   */
  async register(keeper: Keeper, nonce: bigint, signal: AbortSignal): Promise<void> {
    const { root, purse, chain, clock, terms } = this.#deps;
    const refused = refusalOf(root) ?? this.#tooOften(keeper);
    if (refused) throw refused;
    await purse.look(this.#deps.signal);
    for (let steps = 0; steps < MAX_STEPS; steps += 1) {
      await keeper.idle();
      signal.throwIfAborted();
      const contract = await keeper.look();
      if (keeper.refusal) throw keeper.refusal;
      const now = terms(keeper);
      if (contract === undefined) {
        await carryOut(keeper, this.#opening(keeper, now));
        continue;
      }
      if (contract.params.paramsVersion < now.paramsVersion) throw outdated();
      const step = keeper.step(now, await chain.nowSec(this.#deps.signal));
      if (step.kind === 'change-secret' || step.kind === 'raise-stake' || step.kind === 'top-up') {
        await carryOut(keeper, keeper.deedFor(step, now));
        continue;
      }
      this.#registrations.get(keeper)?.push(clock.monotonicMs());
      await carryOut(keeper, { kind: 'register', nonce });
      return;
    }
    throw new ClientError('CLIENT_MONEY', 'our contract with this proxy does not become what it should be');
  }

  #tooOften(keeper: Keeper): ClientError | undefined {
    const sinceMs = this.#deps.clock.monotonicMs() - HOUR_MS;
    const recent = (this.#registrations.get(keeper) ?? []).filter((atMs) => atMs > sinceMs);
    this.#registrations.set(keeper, recent);
    if (recent.length < MAX_REGISTRATIONS) return undefined;
    return new ClientError('CLIENT_NOT_READY', 'this proxy asks for registration too often: it costs fees every time');
  }

  /** Code and first data of the contract, as the root of today has them. */
  #opening({ record }: Keeper, { stake, secretHash }: Terms): Deed {
    const { root, purse } = this.#deps;
    const { clientCode, pricePerToken } = root.current;
    const party = { owner: purse.address, proxy: record.proxy, publicKey: record.proxyPublicKey };
    const init = { code: clientCode, data: clientBirthData(root.current, party) };
    if (!initAddress(init).equals(record.contract)) throw outdated();
    return { kind: 'open', init, amount: wholeTokens(stake, pricePerToken), secretHash };
  }
}

async function carryOut(keeper: Keeper, deed: Deed): Promise<void> {
  const started = await keeper.start(deed).catch((error: unknown) => {
    keeper.told(error);
    throw error;
  });
  const arrival = await started.over;
  if (arrival?.outcome === 'executed') return;
  throw new ClientError('CLIENT_MONEY', keeper.trouble ?? `"${deed.kind}" was not carried out`);
}

function outdated(): ClientError {
  return new ClientError('CLIENT_NOT_READY', 'our contract with this proxy is of older parameters of the network');
}
