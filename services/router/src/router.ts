/** A router that runs: its ports, its certificate, its policies. */
import type { Policy } from '@bombyx/attest';
import { type Clock, type Logger, Scope } from '@bombyx/base';
import { createIdentity, type PeerPolicy, PowSolver } from '@bombyx/transport';
import { certificateFiles } from './certificate-files.ts';
import { type Door, openDoor } from './door.ts';
import { checkPlan, policiesOf, policyOfPort, type RouterPlan } from './plan.ts';

export interface RouterDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** Makes what judges peers; called once for each policy that a port names. */
  judgeOf(policy: Policy): PeerPolicy;
}

export interface Router extends AsyncDisposable {
  readonly doors: readonly Door[];
}

/**
 * @returns when all ports are bound
 * @throws {RouterError} any code; nothing stays open then
 */
export async function startRouter(plan: RouterPlan, deps: RouterDeps): Promise<Router> {
  checkPlan(plan);
  const { clock, log } = deps;
  const scope = new Scope();
  try {
    const { certificateBase: base, threads } = plan;
    const identity = base === undefined ? await createIdentity({ clock }) : await certificateFiles(base, clock, log);
    const solver = new PowSolver(threads === 0 ? {} : { maxThreads: threads });
    const known = policiesOf(plan);
    const judges = new Map<Policy, PeerPolicy>(); // by the policy itself: two may have one name
    const judgeOf = (policy: Policy): PeerPolicy => {
      const judge = judges.get(policy) ?? deps.judgeOf(policy);
      judges.set(policy, judge);
      return judge;
    };
    const doors: Door[] = [];
    for (const port of plan.ports) {
      const door = await openDoor(
        {
          type: port.type,
          port: port.port,
          policy: judgeOf(policyOfPort(port, known, plan)),
          policies: port.policyFromUser ? new Map([...known].map(([name, each]) => [name, judgeOf(each)])) : undefined,
          destination: port.destination,
          serializeInfo: port.serializeInfo ?? plan.serializeInfo,
          powDifficulty: port.powDifficulty ?? plan.powDifficulty,
          maxPowDifficulty: port.maxPowDifficulty ?? plan.maxPowDifficulty,
        },
        { clock, log, identity, solver },
      );
      doors.push(scope.use(door));
    }
    return { doors, [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose]() };
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
}
