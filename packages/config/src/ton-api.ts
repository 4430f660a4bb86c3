/** Where a role asks the TON chain: member `ton_api` of configuration files. */
import { MAINNET, TESTNET, type ToncenterEndpoint, type TonNetwork } from '@bombyx/ton';
import { z } from 'zod';
import { bytes32, int } from './fields.ts';

/** What `Toncenter` is made from. */
export interface TonApi {
  /** The preferred one first. */
  readonly endpoints: readonly ToncenterEndpoint[];
  readonly network: TonNetwork;
  /** How many endpoints must tell the same. */
  readonly quorum: number;
}

const MAX_ENDPOINTS = 16;
const NAMED = { mainnet: MAINNET, testnet: TESTNET } as const;
const PUBLIC = {
  mainnet: { url: 'https://toncenter.com/api/v2/jsonRPC' },
  testnet: { url: 'https://testnet.toncenter.com/api/v2/jsonRPC' },
} as const satisfies Record<string, ToncenterEndpoint>;

const url = z.string('must be an http(s) URL').superRefine((text, context) => {
  const fault = urlFault(text);
  if (fault) context.addIssue({ code: 'custom', message: fault });
});

const endpoint = z
  .strictObject({
    url,
    api_key: z
      .string()
      .regex(/^[\x21-\x7e]{1,256}$/, 'must be 1 to 256 printable characters')
      .optional(),
    requests_per_second: z
      .number('must be a number')
      .positive('must be above 0')
      .max(1_000, 'must be at most 1000')
      .optional(),
  })
  .transform(
    ({ url, api_key: apiKey, requests_per_second: requestsPerSecond }): ToncenterEndpoint => ({
      url,
      ...(apiKey === undefined ? {} : { apiKey }),
      ...(requestsPerSecond === undefined ? {} : { requestsPerSecond }),
    }),
  );

const ownNetwork = z
  .strictObject({
    name: z.string().regex(/^[\w .-]{1,64}$/),
    zerostate: bytes32,
    global_id: int(-0x8000_0000, 0x7fff_ffff),
  })
  .transform(
    ({ name, zerostate, global_id }): TonNetwork => ({
      name,
      zerostate: zerostate.toString('base64'),
      globalId: global_id,
    }),
  );

/**
 * Member `ton_api`. All of it may be left out, then {@link tonApiOf} fills it in:
 * `{"endpoints": [{"url": "http://…/api/v2/jsonRPC", "api_key": "…", "requests_per_second": 5}],
 * "network": "mainnet" | "testnet" | {"name", "zerostate", "global_id"}, "quorum": 1}`.
 */
export const tonApi = z
  .strictObject({
    endpoints: z
      .array(endpoint, 'must be a list of endpoints')
      .min(1, 'must have an endpoint')
      .max(MAX_ENDPOINTS, `must have at most ${MAX_ENDPOINTS} endpoints`)
      .optional(),
    network: z
      .union(
        [z.enum(['mainnet', 'testnet']).transform((name): TonNetwork => NAMED[name]), ownNetwork],
        'must be "mainnet", "testnet" or {"name", "zerostate", "global_id"}',
      )
      .optional(),
    quorum: int(1, MAX_ENDPOINTS).default(1),
  })
  .superRefine(({ endpoints, network, quorum }, context) => {
    if (endpoints === undefined && network !== undefined && publicEndpoint(network) === undefined) {
      const message = 'must be given: only mainnet and testnet have public endpoints';
      context.addIssue({ code: 'custom', path: ['endpoints'], message });
    }
    const count = endpoints?.length || 1;
    if (quorum > count) {
      const message = `must be at most ${count}, the number of endpoints`;
      context.addIssue({ code: 'custom', path: ['quorum'], message });
    }
  });

/**
 * The chain that a file names, or else the public endpoint of the network that `is_testnet` names.
 * @param file the parsed member `ton_api`. Its `network` goes before `isTestnet`
 */
export function tonApiOf(file: z.output<typeof tonApi> | undefined, isTestnet: boolean): TonApi {
  const network = file?.network ?? (isTestnet ? TESTNET : MAINNET);
  const open = publicEndpoint(network);
  const endpoints = file?.endpoints ?? (open ? [open] : undefined);
  if (endpoints === undefined) throw new TypeError(`the field let ${network.name} through without an endpoint`);
  return { endpoints, network, quorum: file?.quorum ?? 1 };
}

/** The member `ton_api` that reads as `api`; inverse of {@link tonApiOf}, for files we write. */
export function tonApiFile(api: TonApi): z.input<typeof tonApi> {
  return {
    endpoints: api.endpoints.map(({ url, apiKey, requestsPerSecond }) => ({
      url,
      ...(apiKey === undefined ? {} : { api_key: apiKey }),
      ...(requestsPerSecond === undefined ? {} : { requests_per_second: requestsPerSecond }),
    })),
    network: nameOf(api.network) ?? {
      name: api.network.name,
      zerostate: api.network.zerostate,
      global_id: api.network.globalId,
    },
    quorum: api.quorum,
  };
}

function nameOf(network: TonNetwork): keyof typeof NAMED | undefined {
  if (network.zerostate === MAINNET.zerostate) return 'mainnet';
  return network.zerostate === TESTNET.zerostate ? 'testnet' : undefined;
}

function publicEndpoint(network: TonNetwork): ToncenterEndpoint | undefined {
  const name = nameOf(network);
  return name && PUBLIC[name];
}

function urlFault(text: string): string | undefined {
  const parsed = URL.parse(text);
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) return 'must be an http(s) URL';
  if (parsed.username !== '' || parsed.password !== '') return 'must carry no user and password';
  if (parsed.search !== '' || parsed.hash !== '') return 'must end with its path; a key belongs into "api_key"';
  return undefined;
}
