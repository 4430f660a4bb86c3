import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MoneyError } from './errors.ts';
import { drawMnemonic, readMnemonic } from './mnemonic.ts';

/** Source: the test vector of @ton/crypto, whose key other wallet programs give, too. */
const WORDS =
  'hospital stove relief fringe tongue always charge angry urge sentence again match nerve inquiry senior coconut ' +
  'label tumble carry category beauty bean road solution';
const SEED = '9d659a6c2234db7f6e4f977e6e8653b9f5946d557163f31034011375d8f3f97d';

const refused = (sentence: RegExp) => (error: unknown) => {
  assert.ok(error instanceof MoneyError && error.code === 'MONEY_MNEMONIC');
  assert.match(error.message, sentence);
  return true;
};

it('makes the key that other programs make of the same words', async () => {
  assert.equal((await readMnemonic(WORDS)).toString('hex'), SEED);
});

it('reads words as people copy them: in rows, with numbers, in capitals', async () => {
  const copied = WORDS.split(' ')
    .map((word, index) => `${index + 1}. ${word.toUpperCase()}${index % 4 === 3 ? '\r\n' : '\t'}`)
    .join('');
  assert.equal((await readMnemonic(copied)).toString('hex'), SEED);
});

it('draws words that lead to the key it gives', async () => {
  const { words, seed } = await drawMnemonic();
  assert.equal(words.length, 24);
  assert.deepEqual(await readMnemonic(words.join(' ')), seed);
});

for (const [name, text, sentence] of [
  ['no words', '', /: 0 words where 24 are needed$/],
  ['a word too few', WORDS.split(' ').slice(1).join(' '), /: 23 words where 24 are needed$/],
  ['a word that is none', WORDS.replace('angry', 'angryy'), /: word 8 is not in the list of such words$/],
  ['two words exchanged', WORDS.replace('hospital stove', 'stove hospital'), /one is wrong, or their order is$/],
] as const) {
  it(`refuses ${name}, without repeating what was typed`, async () => {
    await assert.rejects(readMnemonic(text), (error: Error) => {
      assert.doesNotMatch(error.message, /hospital|angry/);
      return refused(sentence)(error);
    });
  });
}
