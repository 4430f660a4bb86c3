/** The 24 words of a TON key: PBKDF2 over them gives the seed; one phrase in 256 is valid, which finds most slips. */
import { mnemonicNew, mnemonicToPrivateKey, mnemonicValidate, mnemonicWordList } from '@ton/crypto';
import { MoneyError } from './errors.ts';

const WORDS = 24;
const known: ReadonlySet<string> = new Set(mnemonicWordList);

export interface DrawnKey {
  readonly words: readonly string[];
  /** 32 bytes. */
  readonly seed: Buffer;
}

/** A key from the randomness of this machine. */
export async function drawMnemonic(): Promise<DrawnKey> {
  const words = await mnemonicNew(WORDS);
  return { words, seed: await seedOf(words) };
}

/**
 * @param text words between blanks, in any case; numbers before them, as "1." or "1)", are skipped
 * @returns the 32-byte seed
 * @throws {MoneyError} `MONEY_MNEMONIC`, which never repeats a word of the list
 */
export async function readMnemonic(text: string): Promise<Buffer> {
  const words = text
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((word) => word !== '' && !/^\d{1,2}[.):]?$/.test(word));
  if (words.length !== WORDS) throw refusal(`${words.length} words where ${WORDS} are needed`);
  const unknown = words.findIndex((word) => !known.has(word));
  if (unknown >= 0) throw refusal(`word ${unknown + 1} is not in the list of such words`);
  if (!(await mnemonicValidate(words))) throw refusal('the words do not make a key: one is wrong, or their order is');
  return await seedOf(words);
}

async function seedOf(words: readonly string[]): Promise<Buffer> {
  return (await mnemonicToPrivateKey([...words])).secretKey.subarray(0, 32);
}

function refusal(why: string): MoneyError {
  return new MoneyError('MONEY_MNEMONIC', `these are not the 24 words of a key: ${why}`);
}
