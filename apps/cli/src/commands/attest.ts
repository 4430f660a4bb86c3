/** `bombyx attest`: look at evidence, judge it, hash images and models, fetch what verdicts need. */
import { type Arguments, CliError, type Command, isGiven, type OptionSpec } from '../usage.ts';

const FILE = { type: 'string', value: 'FILE' } as const;
const HEX = { type: 'string', value: 'HEX' } as const;

const verifyOptions = {
  policy: {
    type: 'string',
    value: 'P',
    help: "any, fake_tdx, tdx, sev-snp or a JSON file, beside the vendor's rules; without or any: only those",
  },
  image: { ...HEX, multiple: true, help: 'image hash that the policy admits; may be repeated' },
  at: { type: 'string', value: 'TIME', help: 'judge as at this time, e.g. 2026-02-05T12:00:00Z; default now' },
  collateral: {
    type: 'string',
    value: 'FILE|DIR',
    help: "Intel's collateral: JSON of nine fields, or a folder of such files",
  },
  root: { ...FILE, help: "certificate (PEM or DER) to trust in place of the vendor's root; for tests" },
  'event-log': { ...FILE, help: 'TDX: log of the same boot, which must lead to the registers of the quote' },
  vcek: { ...FILE, help: 'SEV-SNP: certificate of the chip; without, AMD is asked' },
  chain: { ...FILE, help: 'SEV-SNP: ASK and ARK' },
  crl: { ...FILE, help: 'SEV-SNP: list of revoked certificates, DER' },
  certificates: { ...FILE, help: 'NVIDIA: certificate chain of binary evidence, PEM' },
  rim: { ...FILE, multiple: true, help: 'NVIDIA: reference values of a driver or VBIOS; may be repeated' },
  'rim-root': { ...FILE, help: 'NVIDIA: certificate to trust in place of the root of reference values; for tests' },
  jwks: { ...FILE, help: 'NRAS: the keys to believe' },
  nonce: { ...HEX, help: 'NVIDIA, NRAS, bundles: the 32 bytes that were asked with' },
  exporter: { ...HEX, help: 'bundles: the 32 bytes of the TLS exporter of the connection' },
  key: { ...HEX, help: 'bundles: key of the certificate of the connection; default as claimed' },
  role: { type: 'string', value: 'ROLE', help: 'certificates of TLS: server (default) or client' },
} as const satisfies Readonly<Record<string, OptionSpec>>;

const fetchOptions = {
  for: { ...FILE, help: 'collateral: the quote that it is wanted for, in place of --fmspc, --ca and --tee' },
  fmspc: { ...HEX, help: 'collateral: the platform, 12 hex digits, as "attest show" tells it' },
  ca: { type: 'string', value: 'CA', help: 'collateral: platform or processor' },
  tee: { type: 'string', value: 'TEE', help: 'collateral: tdx (default) or sgx' },
  out: {
    type: 'string',
    value: 'FILE|DIR',
    help: 'collateral: where to write it; a folder gets a file of its own name',
  },
  pccs: { type: 'string', value: 'URL', multiple: true, help: "collateral: where to ask; default Intel's service" },
  kds: {
    type: 'string',
    value: 'URL',
    multiple: true,
    help: "SEV-SNP: where to ask for certificates; default AMD's service",
  },
  'data-dir': { type: 'string', value: 'DIR', help: 'where collateral is kept' },
  name: { type: 'string', value: 'NAME', help: 'model-hash: REPOSITORY@COMMIT, or the whole name to compare' },
} as const satisfies Readonly<Record<string, OptionSpec>>;

interface Action {
  /** Options it takes; another one is refused. */
  readonly options: readonly string[];
  readonly usage: string;
  readonly summary: string;
  run(words: readonly string[], args: Arguments, signal: AbortSignal): Promise<number>;
}

const actions: Readonly<Record<string, Action>> = {
  show: {
    usage: 'show FILE',
    summary: 'Say what evidence says, of whatever kind; nothing is judged',
    options: [],
    async run([file, ...more], args) {
      const { show } = await import('../attest/show.ts');
      return show(oneFile(file, more, this.usage), args.flag('json'));
    },
  },
  verify: {
    usage: 'verify FILE',
    summary: 'Judge evidence by the rules of its vendor, and by a policy',
    options: [...Object.keys(verifyOptions), 'pccs', 'kds', 'data-dir'],
    async run([file, ...more], args, signal) {
      const { verify } = await import('../attest/verify.ts');
      return await verify(oneFile(file, more, this.usage), args, signal);
    },
  },
  'image-hash': {
    usage: 'image-hash FILE',
    summary: 'Name what a machine booted, as the root contract lists images',
    options: [],
    async run(words, args) {
      const { imageHash } = await import('./attest-hashes.ts');
      return await imageHash(words, args);
    },
  },
  'model-hash': {
    usage: 'model-hash FOLDER [--name NAME@COMMIT]',
    summary: 'Hash a model, as the root contract lists models',
    options: ['name'],
    async run(words, args, signal) {
      const { modelHash } = await import('./attest-hashes.ts');
      return await modelHash(words, args, signal);
    },
  },
  collateral: {
    usage: 'collateral fetch|show FILE',
    summary: 'Fetch what Intel says of a platform, or look at a file of it',
    options: [...Object.keys(fetchOptions).filter((option) => option !== 'name' && option !== 'kds'), 'at', 'root'],
    async run(words, args, signal) {
      const { collateral } = await import('../attest/collateral.ts');
      return await collateral(words, args, signal);
    },
  },
};

export const attest: Command = {
  name: 'attest',
  summary: 'Look at evidence of enclaves and GPUs, verify it, hash images and models',
  positional: 'show|verify|image-hash|model-hash|collateral FILE',
  options: { ...verifyOptions, ...fetchOptions },
  examples: [
    'bombyx attest show quote.bin',
    'bombyx attest verify quote.bin --collateral collateral.json --at 2026-02-05T00:00:00Z',
    'bombyx attest verify quote.bin --policy tdx --image 04b3afd9…',
    'bombyx attest verify report.bin --vcek vcek.pem --chain ask-ark.pem',
    'bombyx attest image-hash quote.bin',
    'bombyx attest model-hash ./Qwen3-8B --name Qwen/Qwen3-8B@b968826d…',
    'bombyx attest collateral fetch --fmspc 90c06f000000 --ca platform --out collateral.json',
  ],
  part([name = '']) {
    const action = actionOf(name);
    if (action === undefined) return undefined;
    const own = ([option]: [string, OptionSpec]) => action.options.includes(option);
    return {
      ...this,
      summary: action.summary,
      positional: action.usage,
      options: Object.fromEntries(Object.entries(this.options).filter(own)),
      examples: this.examples.filter((example) => example.startsWith(`bombyx attest ${name} `)),
    };
  },
  async run(args, signal) {
    const [name = '', ...words] = args.positionals;
    const action = actionOf(name);
    if (action === undefined) {
      const known = Object.values(actions)
        .map(({ usage }) => usage)
        .join(', ');
      throw new CliError('CLI_USAGE', `say what to do: bombyx attest ${known}`);
    }
    for (const option of Object.keys(this.options)) {
      if (isGiven(args, option) && !action.options.includes(option)) {
        throw new CliError('CLI_USAGE', `"attest ${name}" takes no --${option}`);
      }
    }
    return await action.run(words, args, signal);
  },
};

function actionOf(name: string): Action | undefined {
  return Object.hasOwn(actions, name) ? actions[name] : undefined;
}

function oneFile(file: string | undefined, more: readonly string[], usage: string): string {
  if (file === undefined || file === '' || more.length > 0) {
    throw new CliError('CLI_USAGE', `name one file: bombyx attest ${usage}`);
  }
  return file;
}
