import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MAX_LONG } from '@bombyx/base';
import { Address } from '@bombyx/ton';
import fc from 'fast-check';
import { CliError } from '../usage.ts';
import { MoneyError } from './errors.ts';
import { readAmount, readNano, readRecipient } from './recipient.ts';

const account = new Address(0, Buffer.alloc(32, 7));
const forms = fc.record({
  hash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  workChain: fc.constantFrom(0, -1),
  bounceable: fc.boolean(),
  testOnly: fc.boolean(),
  urlSafe: fc.boolean(),
});

const wrong = (sentence: RegExp) => (error: unknown) => {
  assert.ok(error instanceof MoneyError && error.code === 'MONEY_ADDRESS', String(error));
  assert.match(error.message, sentence);
  return true;
};

it('reads every form of an address on its own network, and on no other', () => {
  fc.assert(
    fc.property(forms, ({ hash, workChain, ...form }) => {
      const address = new Address(workChain, Buffer.from(hash));
      const text = address.toString(form);
      const read = readRecipient(text, form.testOnly);
      assert.ok(read.address.equals(address));
      assert.equal(read.bounceable, form.bounceable);
      assert.throws(() => readRecipient(text, !form.testOnly), wrong(/address of the (main|test) network/));
      for (const testnet of [false, true]) {
        assert.ok(readRecipient(address.toRawString(), testnet).address.equals(address));
      }
    }),
  );
});

it('names the fix for an address of the other network', () => {
  const [main, test] = [false, true].map((testOnly) => account.toString({ testOnly, bounceable: false }));
  assert.throws(
    () => readRecipient(test!, false),
    wrong(/ask for the address on the main network, or say --network testnet$/),
  );
  assert.throws(
    () => readRecipient(main!, true),
    (error: Error) => {
      assert.ok(error.message.endsWith(`write ${test}`), error.message);
      return true;
    },
  );
});

it('refuses an address with any one character mistyped', () => {
  const text = account.toString();
  fc.assert(
    fc.property(fc.nat({ max: 47 }), fc.constantFrom(...'ABCXYZabcxyz019-_'), (at, typed) => {
      fc.pre(text[at] !== typed);
      assert.throws(() => readRecipient(text.slice(0, at) + typed + text.slice(at + 1), false), wrong(/mistyped/));
    }),
  );
});

for (const text of [
  '',
  'me',
  '0:12',
  `2:${'00'.repeat(32)}`,
  `-2:${'00'.repeat(32)}`,
  'UQ…',
  account.toString().slice(1),
]) {
  it(`refuses "${text.slice(0, 12)}" as an address`, () => {
    assert.throws(() => readRecipient(text, false), wrong(/not an account address|there is no workchain/));
  });
}

it('reads amounts to the nanoton', () => {
  assert.equal(readAmount('0.000000001'), 1n);
  assert.equal(readAmount('9223372036.854775807'), MAX_LONG);
  assert.equal(readNano('9223372036854775807', 'it'), MAX_LONG);
  assert.equal(readNano('0', 'it'), 0n);
});

for (const text of [
  '0',
  '0.0',
  '-1',
  '1e3',
  '1,5',
  '.5',
  '1.',
  '0.0000000001',
  '9223372036.854775808',
  '18446744073.709551616',
  '',
]) {
  it(`refuses "${text}" as an amount to send`, () => {
    assert.throws(
      () => readAmount(text),
      (error) => error instanceof CliError && error.code === 'CLI_USAGE',
    );
  });
}

for (const text of ['', '-1', '1.5', '9223372036854775808', '18446744073709551616', '99999999999999999999']) {
  it(`refuses "${text}" as a price`, () => {
    assert.throws(
      () => readNano(text, '--price'),
      /^CliError: --price: ".*" is no whole number of nanoTON below 2\^63$/,
    );
  });
}
