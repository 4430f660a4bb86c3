/** What a judging thread is asked, and what it answers. Everything here is copied between threads. */
import type { Binding, EvidenceNeeds, Failure, PeerVerdict, Policy, Role, SevSnpPolicy, Trust } from '@bombyx/attest';

/** What a peer showed. */
export type Shown =
  | { readonly form: 'evidence'; readonly bytes: Uint8Array; readonly binding: Binding }
  | { readonly form: 'certificate'; readonly bytes: Uint8Array; readonly role: Role };

/** DER of roots to believe in place of the pinned ones. */
export interface ScreenRoots {
  readonly intel?: Uint8Array;
  readonly amd?: readonly Uint8Array[];
  readonly nvidia?: Uint8Array;
}

/** What a policy could let in, as far as it decides what is fetched. */
export type Admitted = { readonly type: Exclude<Policy['type'], 'sev-snp'> } | Pick<SevSnpPolicy, 'type' | 'products'>;

interface Asked<Step extends string> {
  readonly step: Step;
  readonly shown: Shown;
  readonly atMs: number;
}

/** Read it: what would be needed to judge it, and by which name its verdict is known? */
export type InspectTask = Asked<'inspect'> & { readonly admits: Admitted };
/** Judge what can be judged with nothing: whether it is worth fetching anything for. */
export type ScreenTask = Asked<'screen'> & { readonly roots: ScreenRoots };
export type JudgeTask = Asked<'judge'> & {
  readonly policy: Policy;
  readonly trust: Trust;
  readonly platformPeers?: ReadonlyMap<string, number>;
};
export type Task = InspectTask | ScreenTask | JudgeTask;

export type Inspection =
  | { readonly ok: true; readonly key: string; readonly needs: EvidenceNeeds }
  | { readonly ok: false; readonly failures: readonly Failure[] };

export interface Results {
  readonly inspect: Inspection;
  /** Empty: nothing speaks against it yet. */
  readonly screen: readonly Failure[];
  readonly judge: PeerVerdict;
}

export interface ThreadCall {
  readonly id: number;
  readonly task: Task;
}

export type ThreadReply =
  | { readonly id: number; readonly result: Results[keyof Results] }
  | { readonly id: number; readonly fault: string };
