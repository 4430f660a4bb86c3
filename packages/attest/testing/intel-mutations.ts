/** Changes to a quote, its collateral or the time, each of which a verifier must refuse. */

import type { Collateral } from '../src/index.ts';
import { readPckChain } from '../src/intel/pck.ts';
import { type Quote, readQuote } from '../src/intel/quote.ts';
import { derOf, type IntelQuestion, recordedQuotes, vectorBytes, vectorCollateral } from './intel-cases.ts';
import { pem } from './intel-der.ts';

/** 0 ≤ value < below, an integer. */
export type Random = (below: number) => number;

/** Mulberry32: small, and the same everywhere for one seed. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

export interface Mutation extends IntelQuestion {
  /** What was changed, for the message of a failed test. */
  readonly what: string;
}

const quotes = recordedQuotes().map(({ file }) => ({
  file,
  bytes: vectorBytes(file),
  quote: readQuote(vectorBytes(file)),
}));
const CHAINS = ['tcb_info_issuer_chain', 'qe_identity_issuer_chain', 'pck_crl_issuer_chain'] as const;
const CRLS = ['root_ca_crl', 'pck_crl'] as const;
const SIGNATURES = ['tcb_info_signature', 'qe_identity_signature'] as const;
const TEXTS = ['tcb_info', 'qe_identity'] as const;

/** One of every kind, the cheap ones more often: how many of a hundred. */
const kinds: readonly [number, (question: IntelQuestion, random: Random) => Mutation][] = [
  [60, bitOfQuote],
  [10, bitOfPck],
  [5, bitOfText],
  [3, bitOfSignature],
  [5, bitOfCrl],
  [3, bitOfChain],
  [3, swappedCertificates],
  [3, swappedCrls],
  [4, shiftedTime],
  [4, splicedQuote],
];

export function mutate(question: IntelQuestion, random: Random): Mutation {
  let left = random(100);
  for (const [share, change] of kinds) {
    if (left < share) return change(question, random);
    left -= share;
  }
  throw new RangeError('shares do not add up to 100');
}

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const changed = bytes.slice();
  changed[bit >> 3]! ^= 1 << (bit & 7);
  return changed;
}

function pick<Item>(items: readonly Item[], random: Random): Item {
  return items[random(items.length)]!;
}

function inCollateral(question: IntelQuestion, field: keyof Collateral, value: string, what: string): Mutation {
  return { ...question, collateral: { ...question.collateral, [field]: value }, what: `${field}: ${what}` };
}

/** Anywhere but in the tail, which is signed by nobody. */
function bitOfQuote(question: IntelQuestion, random: Random): Mutation {
  const bit = random(8 * readQuote(question.quote).authenticated.length);
  return { ...question, quote: flip(question.quote, bit), what: `bit ${bit} of the quote` };
}

function bitOfPck(question: IntelQuestion, random: Random): Mutation {
  const ders = pckOf(readQuote(question.quote));
  const which = random(3);
  const bit = random(8 * ders[which]!.length);
  return withPck(
    question,
    ders.with(which, flip(ders[which]!, bit)),
    `bit ${bit} of certificate ${which} in the quote`,
  );
}

function bitOfText(question: IntelQuestion, random: Random): Mutation {
  const field = pick(TEXTS, random);
  const text = question.collateral[field];
  const [at, bit] = [random(text.length), random(7)];
  const changed = text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << bit)) + text.slice(at + 1);
  return inCollateral(question, field, changed, `bit ${bit} of character ${at}`);
}

function bitOfSignature(question: IntelQuestion, random: Random): Mutation {
  return bitOfHex(question, pick(SIGNATURES, random), random);
}

function bitOfCrl(question: IntelQuestion, random: Random): Mutation {
  return bitOfHex(question, pick(CRLS, random), random);
}

function bitOfHex(question: IntelQuestion, field: keyof Collateral, random: Random): Mutation {
  const bytes = new Uint8Array(Buffer.from(question.collateral[field], 'hex'));
  const bit = random(8 * bytes.length);
  return inCollateral(question, field, Buffer.from(flip(bytes, bit)).toString('hex'), `bit ${bit}`);
}

function bitOfChain(question: IntelQuestion, random: Random): Mutation {
  const field = pick(CHAINS, random);
  const ders = dersOf(question.collateral[field]);
  const which = random(ders.length);
  const bit = random(8 * ders[which]!.length);
  return inCollateral(
    question,
    field,
    pem(...ders.with(which, flip(ders[which]!, bit))),
    `bit ${bit} of certificate ${which}`,
  );
}

function swappedCertificates(question: IntelQuestion, random: Random): Mutation {
  const ders = pckOf(readQuote(question.quote));
  const [leaf, ca, root] = ders as [Uint8Array, Uint8Array, Uint8Array];
  const other = pick(strangers(question), random);
  const [otherLeaf, otherCa] = pckOf(other.quote) as [Uint8Array, Uint8Array];
  const choices: [Uint8Array[], string][] = [
    [[ca, leaf, root], 'leaf and CA swapped'],
    [[leaf, root, ca], 'CA and root swapped'],
    [[root, ca, leaf], 'order reversed'],
    [[leaf, leaf, root], 'the leaf as its own CA'],
    [[leaf, root, root], 'the root as CA'],
    [[otherLeaf, ca, root], `the leaf of ${other.file}`],
    [[otherLeaf, otherCa, root], `leaf and CA of ${other.file}`],
    [[leaf, ca], 'no root'],
    [[leaf, ca, root, root], 'four certificates'],
  ];
  const swappedChain = random(3) === 0;
  if (!swappedChain) return withPck(question, ...pick(choices, random));
  const field = pick(CHAINS, random);
  const from = field === 'pck_crl_issuer_chain' ? 'tcb_info_issuer_chain' : 'pck_crl_issuer_chain';
  return inCollateral(question, field, question.collateral[from], `is ${from}`);
}

const collateralFiles = [
  'tdx/collateral/50806f-2023-06.json',
  'tdx/collateral/b0c06f-2025-06.json',
  'tdx/collateral/90c06f-2026-01-12.json',
  'tdx/collateral/90c06f-2026-02-18.json',
  'tdx/collateral/intel-test-pki.json',
  'sgx/collateral/00a067-2025.json',
].map((file) => ({ file, collateral: vectorCollateral(file) }));

function swappedCrls(question: IntelQuestion, random: Random): Mutation {
  const { collateral, atMs } = question;
  const field = pick(CRLS, random);
  const from = field === 'pck_crl' ? 'root_ca_crl' : 'pck_crl';
  if (random(3) === 0) return inCollateral(question, field, collateral[from], `is ${from}`);
  // The PCK CRL of the other CA or of another time; root CRLs are valid for a year, so most would do.
  const others = collateralFiles.filter(({ collateral: { pck_crl, tcb_info, pck_crl_issuer_chain } }) => {
    const { issueDate, nextUpdate } = JSON.parse(tcb_info) as Record<string, string>;
    const day = 86_400_000;
    const elsewhere = pck_crl_issuer_chain.slice(0, 300) !== collateral.pck_crl_issuer_chain.slice(0, 300);
    const elsewhen = atMs < Date.parse(issueDate!) - day || atMs > Date.parse(nextUpdate!) + day;
    return pck_crl !== collateral.pck_crl && (elsewhere || elsewhen);
  });
  const other = pick(others, random);
  return inCollateral(question, 'pck_crl', other.collateral.pck_crl, `is that of ${other.file}`);
}

/** Before the youngest or after the oldest part of the collateral. */
function shiftedTime(question: IntelQuestion, random: Random): Mutation {
  const documents = TEXTS.map((field) => JSON.parse(question.collateral[field]) as Record<string, string>);
  const from = Math.max(...documents.map(({ issueDate }) => Date.parse(issueDate!)));
  const until = Math.min(...documents.map(({ nextUpdate }) => Date.parse(nextUpdate!)));
  const by = 1 + random(2 ** 31) * 10 ** random(4);
  const atMs = random(2) === 0 ? from - by : until + by;
  return { ...question, atMs, what: `judged at ${atMs}` };
}

/** A part of another machine's quote of the same layout. */
function splicedQuote(question: IntelQuestion, random: Random): Mutation {
  const own = readQuote(question.quote);
  const others = strangers(question).filter(({ quote }) => quote.signed.length === own.signed.length);
  const other = pick(others.length > 0 ? others : strangers(question), random);
  const parts: [string, (quote: Quote) => Uint8Array][] = [
    ['signed bytes', (quote) => quote.signed],
    ['signature', (quote) => quote.signature],
    ['attestation key', (quote) => quote.platform.attestationKey],
    ['QE report', (quote) => quote.platform.qeReportBytes],
    ['QE report signature', (quote) => quote.platform.qeReportSignature],
    ['machine', (quote) => quote.platform.bytes],
  ];
  const fitting = parts.filter(([, part]) => part(own).length === part(other.quote).length);
  const [name, part] = pick(fitting, random);
  const quote = question.quote.slice();
  quote.set(part(other.quote), part(own).byteOffset - own.signed.byteOffset);
  return { ...question, quote, what: `${name} of ${other.file}` };
}

/** Quotes of other machines. */
function strangers(question: IntelQuestion) {
  const key = Buffer.from(readQuote(question.quote).platform.attestationKey).toString('hex');
  return quotes.filter(({ quote }) => Buffer.from(quote.platform.attestationKey).toString('hex') !== key);
}

function pckOf(quote: Quote): Uint8Array[] {
  const { leaf, intermediate, root } = readPckChain(quote.platform);
  return [leaf.der, intermediate.der, root.der];
}

function dersOf(chain: string): Uint8Array[] {
  return chain.split(/(?<=-----END CERTIFICATE-----)\s*/).flatMap((block) => (block.trim() ? [derOf(block)] : []));
}

/** The quote with other certificates, and lengths that fit. */
function withPck(question: IntelQuestion, ders: Uint8Array[], what: string): Mutation {
  const quote = readQuote(question.quote);
  const { bytes, certificationData } = quote.platform;
  const chain = Buffer.from(pem(...ders));
  const machine = Buffer.concat([bytes.subarray(0, bytes.length - certificationData.length), chain]);
  machine.writeUInt32LE(chain.length, machine.length - chain.length - 4);
  if (quote.version > 3) machine.writeUInt32LE(machine.length - 70, 66);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(64 + machine.length);
  const joined = Buffer.concat([quote.signed, length, quote.signature, machine]);
  return { ...question, quote: new Uint8Array(joined), what };
}
