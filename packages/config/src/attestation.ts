/** Fields by which proxy, worker and client say how they prove themselves, and what they judge others by. */
import { z } from 'zod';
import { flag, int } from './fields.ts';

const kinds = ['none', 'fake_tdx', 'tdx', 'sev-snp', 'simulated'] as const;

const hex = (bytes: number) =>
  z
    .string(`must be ${bytes} bytes in hex`)
    .regex(new RegExp(`^[0-9a-fA-F]{${2 * bytes}}$`), `must be ${bytes} bytes in hex`)
    .transform((text) => text.toLowerCase());
const url = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' });
const path = z.string('must be a path');

/** To be spread into a strict schema. */
export const attestationFields = {
  /** What this machine proves itself by. `fake_tdx` is the stand-in of C++ networks on a desk. */
  attestation: z.enum(kinds, `must be one of ${kinds.join(', ')}`),
  /** `tdx`, `sev-snp`: folder of configfs-tsm; empty: where the kernel has it. */
  attestation_folder: path.default(''),
  /** `simulated`: key file of the machine that is played. */
  simulated_key: path.default(''),
  /** Public keys of the roots that the built-in policy `simulated` believes. */
  simulated_roots: z.array(hex(32), 'must be a list').default([]),
  /** Version of the image, as the claims name it. */
  image_version: z.string().max(512).default(''),
  /** GPUs of this machine that evidence is shown for. */
  gpus: int(0, 16).default(0),
  /** Program and arguments that print their evidence; `{nonce}` becomes 64 hex digits. Empty: NVIDIA's `nvattest`. */
  gpu_command: z.array(z.string().min(1), 'must be a list of words').default([]),
  /** Path of a socket that answers instead of a program. */
  gpu_socket: path.default(''),
  /** Policies for enclaves admit no peer by its certificate alone, as C++ programs show it. */
  fresh_evidence: flag.default(false),
  /** Policies besides the built-in ones: a list, or a JSON file with one. */
  policies: z.union([z.array(z.unknown()), z.string().min(1)], 'must be a list of policies, or a file').default([]),
  /** Where collateral of Intel is asked, the preferred one first; absent: Intel. Empty: nowhere. */
  pccs: z.array(url, 'must be a list of URLs').optional(),
  /** Intel platforms that collateral is fetched for, 12 hex digits each. */
  fmspcs: z.union([z.literal('any'), z.array(hex(6))], 'must be "any" or a list').default('any'),
  /** The same of AMD and of NVIDIA. */
  kds: z.array(url, 'must be a list of URLs').optional(),
  rims: z.array(url, 'must be a list of URLs').optional(),
  /** Where collateral outlives the process; a bundle put there serves without any network. Empty: nowhere. */
  collateral_folder: path.default(''),
};

/** As read, the names of fields as in the file. */
export type AttestationConfig = Readonly<z.output<z.ZodObject<typeof attestationFields>>>;

/** Name of a policy, built in or from `policies`. */
export const policyName = z.string('must be the name of a policy').min(1, 'must be the name of a policy');
