/** What operators can do through the HTTP pages. Texts as the reference has them. */
import type { Bookkeeper } from './bookkeeper.ts';
import type { Dispatcher } from './dispatch.ts';
import { failure } from './errors.ts';
import type { Management } from './http.ts';
import { checkLedger, checkLedgerAndChain } from './ledger-check.ts';
import { type SnapshotSources, takeSnapshot } from './snapshot.ts';
import { isSwitchedOff, SWITCHED_OFF, switching } from './switched-off.ts';

export interface ManageDeps {
  readonly sources: SnapshotSources;
  readonly keeper: Bookkeeper;
  readonly dispatcher: Dispatcher;
}

export function manage({ sources, keeper, dispatcher }: ManageDeps): Management & { refresh(): void } {
  const { self, parties, settlement } = sources;
  const illness = (): string | undefined => {
    if (settlement) return settlement.illness;
    return isSwitchedOff(keeper.books) ? SWITCHED_OFF : undefined;
  };
  /** Serves or refuses as things stand; a restart does not switch a proxy on again. */
  const refresh = () => {
    const why = illness();
    self.enabled = why === undefined;
    dispatcher.refuse(why === undefined ? undefined : failure('proxy_disabled', why));
  };
  const switchTo = (off: boolean) => {
    if (!settlement) keeper.recordNow(switching(off));
    else if (off) settlement.disable();
    else settlement.enable();
    refresh();
    return off ? 'proxy is disabled' : 'proxy is enabled';
  };
  const check = async () => {
    const running = { parties, publicKey: self.publicKey };
    return JSON.stringify(
      settlement ? await checkLedgerAndChain(keeper, running, settlement) : checkLedger(keeper, running),
    );
  };
  refresh();
  return {
    refresh,
    snapshot: () => takeSnapshot(sources),
    attestations: () => [...sources.pool.links()].map(({ connection }) => connection.peer.attestation),
    nowMs: () => sources.clock.nowMs(),
    illness,
    act(action, query) {
      switch (action) {
        case 'disable':
        case 'enable':
          return switchTo(action === 'disable');
        case 'payout': {
          const owner = known(parties.workers(), query.get('worker'));
          if (owner === undefined) return 'worker not found';
          return settlement?.payoutNow(owner) ?? 'nothing to pay';
        }
        case 'charge': {
          const owner = known(parties.clients(), query.get('client'));
          if (owner === undefined) return 'client not found';
          return settlement?.chargeNow(owner) ?? 'nothing to charge';
        }
        case 'check':
          return check();
        case 'withdraw':
          return settlement?.withdrawNow() ?? 'nothing to withdraw';
        default:
          return undefined;
      }
    },
  };
}

function known(parties: Iterable<{ readonly owner: string }>, owner: string | null): string | undefined {
  for (const party of parties) if (party.owner === owner) return party.owner;
  return undefined;
}
