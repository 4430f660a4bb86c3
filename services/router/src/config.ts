/** The JSON file of the C++ router, read strictly: what that one skips, replaces or guesses is a fault here. Source: attestation.md §8.2. */
import { describeFaults, int } from '@bombyx/config';
import { z } from 'zod';
import { RouterError } from './errors.ts';
import { MAX_POLICIES, MAX_PORTS } from './limits.ts';
import { PORT_TYPES, type PortPlan, type RouterPlan } from './plan.ts';
import { policyOfFile } from './policies.ts';
import { isHost, type Tell } from './words.ts';

const port = int(1024, 65_535);
const bits = int(0, 64);

const Schema = z.strictObject({
  cert_base_name: z.string().min(1).optional(),
  threads: int(0, 256).default(0),
  /** Each is read by packages/attest, which knows the lists of the C++ `tdx_config`. */
  policies: z.array(z.unknown(), 'must be a list').max(MAX_POLICIES).default([]),
  ports: z
    .array(
      z.strictObject({
        port,
        type: z.enum(PORT_TYPES),
        policy_name: z.string().min(1),
        destination_host: z.string().refine(isHost, 'must be an IPv4 address or a host name').optional(),
        destination_port: port.optional(),
        allow_policy_from_username: z.boolean().optional(),
        serialize_info: z.boolean().optional(),
        pow_difficulty: bits.optional(),
        max_pow_difficulty: bits.optional(),
      }),
    )
    .max(MAX_PORTS)
    .default([]),
});

/**
 * @returns a plan without what the file does not say; {@link checkPlan} judges it as a whole
 * @throws {RouterError} `ROUTER_CONFIG` with one clause for each field that is wrong or unknown
 */
export function parseRouterFile(json: unknown): Pick<RouterPlan, 'certificateBase' | 'threads' | 'policies' | 'ports'> {
  const result = Schema.safeParse(json, { reportInput: true });
  if (!result.success) {
    throw new RouterError('ROUTER_CONFIG', describeFaults(result.error), { faults: result.error.issues.length });
  }
  const { cert_base_name: certificateBase, threads, policies, ports } = result.data;
  const faults: string[] = [];
  const tell = (fault: string) => void faults.push(fault);
  const plan = {
    certificateBase,
    threads,
    policies: policies.map((policy) => policyOfFile(policy, tell)),
    ports: ports.map((port) => portOf(port, tell)),
  };
  if (faults.length > 0) throw new RouterError('ROUTER_CONFIG', faults.join('; '), { faults: faults.length });
  return plan;
}

function portOf(port: z.output<typeof Schema>['ports'][number], tell: Tell): PortPlan {
  const { destination_host: host, destination_port: to } = port;
  if ((host === undefined) !== (to === undefined)) {
    tell(`port ${port.port}: destination_host and destination_port belong together`);
  }
  return {
    port: port.port,
    type: port.type,
    policy: port.policy_name,
    destination: host === undefined || to === undefined ? undefined : { host, port: to },
    policyFromUser: port.allow_policy_from_username,
    serializeInfo: port.serialize_info,
    powDifficulty: port.pow_difficulty,
    maxPowDifficulty: port.max_pow_difficulty,
  };
}

/** What `-g` prints: a machine with workers behind it and clients in front of it. */
export const exampleFile = {
  cert_base_name: '/etc/tdx/tdx',
  threads: 0,
  policies: [
    {
      name: 'our-images',
      type: 'tdx',
      description: 'TDX machines that run one of our images',
      tdx_config: { allowed_image_hashes: ['04b3afd931d28680af91a15b09d672c40ad6b141f7f9089a8d67d595220f7436'] },
    },
  ],
  ports: [
    { port: 8116, type: 'socks5', policy_name: 'our-images', serialize_info: true },
    {
      port: 11001,
      type: 'reverse',
      policy_name: 'our-images',
      destination_host: 'localhost',
      destination_port: 11101,
      serialize_info: true,
    },
  ],
} as const;
