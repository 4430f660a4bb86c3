/** The JSON of a policy. Strict everywhere: a key, a type or a form that is not known here is refused, never skipped. */
import { z } from 'zod';
import { type AmdProduct, amdProducts } from '../amd/tcb.ts';
import { CHIP_NAME } from '../nvidia/certificates.ts';
import {
  type AdmissibleTcbStatus,
  enclaveDefaults,
  gpuModes,
  snpDefaults,
  tcbStatuses,
  tdxDefaults,
} from './policy.ts';

/** Message for a list that would have meant "allow everything" in C++. */
export const EMPTY = 'must not be an empty list';

const hex = (size: number) => {
  const fault = `must be ${size} bytes in hex`;
  return z
    .string(fault)
    .regex(new RegExp(`^[0-9a-fA-F]{${2 * size}}$`), fault)
    .toLowerCase();
};
const text = z.string('must be text').min(1, 'must not be empty').max(256, 'must be at most 256 characters');
const listOf = <Item extends z.ZodType>(item: Item) =>
  z.array(item, 'must be a list').min(1, EMPTY).max(4_096, 'must have at most 4096 entries');
const seconds = z
  .int('must be a whole number of seconds')
  .min(60, 'must be at least 60')
  .max(86_400, 'must be at most 86400');
const version = z
  .string('must be a version')
  .regex(/^[0-9A-Fa-f]+(\.[0-9A-Fa-f]+){0,7}$/, 'must be a version such as 550.90.07');

/** As certificates name them: another spelling would be a rule for a chip that nobody has. */
const CHIP = 'must be a chip such as GH100 or LS_10';
const chip = z.string('must be text').regex(CHIP_NAME, CHIP);

/** The words are asked for as words, so that a wrong list is told about as a list. */
function listed<Item extends z.ZodType>(item: Item) {
  const list = listOf(item);
  return z.union([z.literal(['any', 'root-contract']), list], 'must be "any", "root-contract" or a list');
}

const mrSeam = listOf(hex(48));
/** Bits 0…7 of TDATTRIBUTES: DEBUG, and those Intel keeps for what is as bad. */
const tdAttributes = hex(8).refine((value) => value.startsWith('00'), 'must not admit DEBUG or bits 1 to 7');
const image = z.union(
  [
    hex(32).transform((imageHash) => ({ imageHash })),
    z.strictObject({
      imageHash: hex(32),
      tdAttributes: tdAttributes.optional(),
      xfam: hex(8).optional(),
      mrSeam: mrSeam.optional(),
    }),
  ],
  'must be an image hash, or an object with one',
);

/** One value where C++ takes one or a list of them. */
const oneOrMore = <Item extends z.ZodType>(item: Item) =>
  z.preprocess((value) => (typeof value === 'string' ? [value] : value), listOf(item));

const tdxConfig = z.strictObject({
  allowed_mrtd: listOf(hex(48)).optional(),
  allowed_rtmr: listOf(
    z.array(hex(48), 'must be RTMR0 to RTMR3').length(4, 'must be RTMR0 to RTMR3: four of them'),
  ).optional(),
  allowed_image_hashes: oneOrMore(hex(32)).optional(),
  allowed_image_hash: oneOrMore(hex(32)).optional(),
  allowed_collateral_root_hashes: oneOrMore(hex(48)).optional(),
});

const named = { name: text, description: z.string('must be text').max(4_096).optional() };

const enclave = {
  ...named,
  models: listed(hex(32)).default('root-contract'),
  quoteMaxAgeSec: seconds.default(enclaveDefaults.quoteMaxAgeSec),
  certMaxSpanSec: seconds.default(enclaveDefaults.certMaxSpanSec),
  platforms: z
    .strictObject({
      allow: listOf(hex(32)).optional(),
      deny: listOf(hex(32)).default([]),
      maxPeers: z.int('must be a whole number').min(1, 'must be at least 1').optional(),
    })
    .default({ deny: [] }),
  gpu: z
    .strictObject({
      required: z.boolean('must be true or false').default(enclaveDefaults.gpu.required),
      architectures: listOf(chip).optional(),
      minDriver: version.optional(),
      minVbios: z
        .record(chip, version, { error: ({ code }) => (code === 'invalid_key' ? CHIP : 'must be an object') })
        .default({}),
      modes: listOf(z.enum(gpuModes, `must be one of ${gpuModes.join(', ')}`)).default([...gpuModes]),
    })
    .default({ ...enclaveDefaults.gpu, minVbios: {}, modes: [...gpuModes] }),
};

const svn = z.int('must be a whole number').min(0, 'must be at least 0').max(255, 'must be at most 255');
const advisory = z
  .string('must be the name of an advisory')
  .regex(/^[A-Z][A-Z0-9-]{3,40}$/, 'must be the name of an advisory');

export const schemas = {
  any: z.strictObject({ ...named, type: z.literal('any') }),
  fake_tdx: z.strictObject({
    ...named,
    type: z.literal('fake_tdx'),
    measurements: listed(image).optional(),
    tdx_config: tdxConfig.optional(),
  }),
  tdx: z.strictObject({
    ...enclave,
    type: z.literal('tdx'),
    measurements: listed(image).optional(),
    tdx_config: tdxConfig.optional(),
    tcbStatus: listOf(z.enum(tcbStatuses, `must be one of ${tcbStatuses.join(', ')}`)).default([
      ...tdxDefaults.tcbStatus,
    ] as AdmissibleTcbStatus[]),
    advisories: z
      .strictObject({ allow: listOf(advisory).optional(), deny: listOf(advisory).default([]) })
      .default({ deny: [] }),
    minTcbDate: z.iso.date('must be a day such as 2025-05-14').optional(),
    minEvaluationNumber: z.int('must be a whole number').min(1, 'must be at least 1').optional(),
    tdAttributes: tdAttributes.default(tdxDefaults.tdAttributes),
    mrServiceTd: hex(48).default(tdxDefaults.mrServiceTd),
    xfam: hex(8).default(tdxDefaults.xfam),
    mrSeam: mrSeam.optional(),
  }),
  'sev-snp': z.strictObject({
    ...enclave,
    type: z.literal('sev-snp'),
    measurements: listed(image).optional(),
    products: listOf(z.enum(amdProducts, `must be one of ${amdProducts.join(', ')}`)).default([
      ...snpDefaults.products,
    ] as AmdProduct[]),
    minTcb: z
      .strictObject({
        bootLoader: svn.optional(),
        tee: svn.optional(),
        snp: svn.optional(),
        microcode: svn.optional(),
        fmc: svn.optional(),
      })
      .optional(),
  }),
  simulated: z.strictObject({
    ...enclave,
    type: z.literal('simulated'),
    measurements: listed(image).optional(),
    roots: listOf(hex(32)),
  }),
} as const;
