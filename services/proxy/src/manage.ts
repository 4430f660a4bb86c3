/** What operators can do through the HTTP pages. Texts as the reference has them. */
import type { Bookkeeper } from './bookkeeper.ts';
import type { Dispatcher } from './dispatch.ts';
import { failure } from './errors.ts';
import type { Management } from './http.ts';
import { checkLedger } from './ledger-check.ts';
import { type SnapshotSources, takeSnapshot } from './snapshot.ts';

const DISABLED = 'disabled';

/** Whether the proxy was switched off; a restart does not switch it on again. */
export function isDisabled({ books }: Bookkeeper): boolean {
  return books.note(DISABLED) === 'yes';
}

export function manage(deps: { sources: SnapshotSources; keeper: Bookkeeper; dispatcher: Dispatcher }): Management {
  const { sources, keeper, dispatcher } = deps;
  const { self, parties } = sources;
  const disabled = failure('proxy_disabled', 'proxy is disabled');
  const apply = () => dispatcher.refuse(self.enabled ? undefined : disabled);
  apply();
  return {
    snapshot: () => takeSnapshot(sources),
    attestations: () => [...sources.pool.links()].map(({ connection }) => connection.peer.attestation),
    nowMs: () => sources.clock.nowMs(),
    illness: () => (self.enabled ? undefined : 'the proxy is switched off'),
    act(action, query) {
      switch (action) {
        case 'disable':
        case 'enable':
          self.enabled = action === 'enable';
          apply();
          keeper.recordNow({ type: 'noted', name: DISABLED, value: self.enabled ? 'no' : 'yes' });
          return self.enabled ? 'proxy is enabled' : 'proxy is disabled';
        case 'payout':
          return known(parties.workers(), query.get('worker')) ? 'nothing to pay' : 'worker not found';
        case 'charge':
          return known(parties.clients(), query.get('client')) ? 'nothing to charge' : 'client not found';
        case 'check':
          return JSON.stringify(checkLedger(keeper, { parties, publicKey: self.publicKey }));
        case 'withdraw':
          return 'nothing to withdraw';
        default:
          return undefined;
      }
    },
  };
}

function known(parties: Iterable<{ readonly owner: string }>, owner: string | null): boolean {
  for (const party of parties) if (party.owner === owner) return true;
  return false;
}
