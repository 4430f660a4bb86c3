/** What a router is to do, from the command line or a file: the same plan, checked in one place. */
import type { Policy } from '@bombyx/attest';
import { RouterError } from './errors.ts';
import { MAX_POLICIES, MAX_PORTS } from './limits.ts';
import { builtIns, withCollateralRoots } from './policies.ts';

export const PORT_TYPES = ['socks5', 'forward', 'reverse'] as const;
export type PortType = (typeof PORT_TYPES)[number];

export const DEFAULT_POW_DIFFICULTY = 20;
export const DEFAULT_MAX_POW_DIFFICULTY = 28;

/** One port. What is undefined is the router's own setting. */
export interface PortPlan {
  /** 1024…65535; 0 in tests: any free one. */
  readonly port: number;
  readonly type: PortType;
  /** A name, or a policy of this port alone. */
  readonly policy: string | Policy;
  /** Fixed for `forward` and `reverse`, in the request for `socks5`. */
  readonly destination?: { readonly host: string; readonly port: number } | undefined;
  /** A SOCKS5 user name chooses the policy. */
  readonly policyFromUser?: boolean | undefined;
  readonly serializeInfo?: boolean | undefined;
  /** Bits of work that a reverse port asks for. */
  readonly powDifficulty?: number | undefined;
  /** Most bits of work that a forward port does. */
  readonly maxPowDifficulty?: number | undefined;
}

export interface RouterPlan {
  /** Reads `<base>_cert.pem` and `<base>_key.pem`; undefined: a certificate of its own without quote. */
  readonly certificateBase?: string | undefined;
  /** Threads for proof of work and for evidence; 0: by the machine. */
  readonly threads: number;
  readonly serializeInfo: boolean;
  readonly powDifficulty: number;
  readonly maxPowDifficulty: number;
  /** Of root keys that quotes may go back to, for every policy of type `tdx`; undefined: Intel's. 48 bytes each, hex. */
  readonly collateralRoots?: readonly string[] | undefined;
  readonly policies: readonly Policy[];
  readonly ports: readonly PortPlan[];
}

/** Policies of a plan by name, the built-in ones included. */
export function policiesOf({ policies, collateralRoots }: RouterPlan): ReadonlyMap<string, Policy> {
  return new Map(
    [...builtIns, ...policies].map((policy) => [policy.name, withCollateralRoots(policy, collateralRoots)]),
  );
}

/** @param known what {@link policiesOf} gives @throws {TypeError} a policy that {@link checkPlan} would not have let pass */
export function policyOfPort({ policy }: PortPlan, known: ReadonlyMap<string, Policy>, plan: RouterPlan): Policy {
  const found = typeof policy === 'string' ? known.get(policy) : withCollateralRoots(policy, plan.collateralRoots);
  if (found === undefined) throw new TypeError('a port with a policy that is not there');
  return found;
}

/**
 * @param faults found already while reading
 * @throws {RouterError} `ROUTER_CONFIG` with every fault
 */
export function checkPlan(plan: RouterPlan, faults: readonly string[] = []): RouterPlan {
  const all = [...faults, ...faultsIn(plan)];
  if (all.length > 0) throw new RouterError('ROUTER_CONFIG', all.join('; '), { faults: all.length });
  return plan;
}

function faultsIn(plan: RouterPlan): string[] {
  const { policies, ports } = plan;
  const faults: string[] = [];
  if (policies.length > MAX_POLICIES) faults.push(`more than ${MAX_POLICIES} policies`);
  for (const name of repeated(policies.map(({ name }) => name))) faults.push(`the policy "${name}" is defined twice`);
  if (ports.length === 0) faults.push('there is no port to open: say -S, -F, -R, or name ports in the file');
  if (ports.length > MAX_PORTS) faults.push(`more than ${MAX_PORTS} ports`);
  for (const port of repeated(ports.map(({ port }) => port).filter((port) => port > 0))) {
    faults.push(`the port ${port} is opened twice`);
  }
  const known = policiesOf(plan);
  for (const { port, type, policy, destination, policyFromUser } of ports) {
    const said = port === 0 ? `a ${type} port` : `port ${port}`; // 0: it could not be read, which is told already
    if (typeof policy === 'string' && !known.has(policy)) {
      faults.push(`${said}: there is no policy "${policy}"; there are ${[...known.keys()].join(', ')}`);
    }
    if (type === 'socks5' && destination !== undefined) faults.push(`${said}: a socks5 port has no destination`);
    if (type !== 'socks5' && destination === undefined) faults.push(`${said}: a ${type} port needs a destination`);
    if (type !== 'socks5' && policyFromUser) faults.push(`${said}: only a socks5 port learns of a user name`);
  }
  return faults;
}

function repeated<T>(values: readonly T[]): Set<T> {
  return new Set(values.filter((value, at) => values.indexOf(value) !== at));
}
