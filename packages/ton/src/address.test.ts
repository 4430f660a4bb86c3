import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { OWNER, ROOT } from '../testing/recordings.ts';
import { Address, formatAddress, parseAddress, TonError } from './index.ts';

const MAIN = { testnet: false };
const anyAddress = fc
  .tuple(fc.constantFrom(0, -1), fc.uint8Array({ minLength: 32, maxLength: 32 }))
  .map(([workchain, hash]) => new Address(workchain, Buffer.from(hash)));

it('writes the recorded owner back as it came', () => {
  assert.equal(formatAddress(parseAddress(OWNER), MAIN), OWNER);
});

it('writes a bounceable or testnet address non-bounceable and with the bit of the own network', () => {
  assert.equal(formatAddress(parseAddress(ROOT), MAIN), 'UQBT4hy4vMEZ9uxSCuhw_gBKh9_AwmHXLe7Wo0O4Vh-4kUUM');
  const testnet = formatAddress(parseAddress(ROOT), { testnet: true });
  assert.match(testnet, /^0Q/);
  assert.equal(formatAddress(parseAddress(testnet), MAIN), formatAddress(parseAddress(ROOT), MAIN));
});

it('reads every form of an address as the same account', () => {
  fc.assert(
    fc.property(anyAddress, fc.boolean(), fc.boolean(), fc.boolean(), (address, urlSafe, bounceable, testOnly) => {
      assert.ok(parseAddress(address.toString({ urlSafe, bounceable, testOnly })).equals(address));
      assert.ok(parseAddress(address.toRawString()).equals(address));
      assert.ok(parseAddress(address.toRawString().toUpperCase()).equals(address));
    }),
  );
});

it('refuses text that is no address, and never with another error', () => {
  const refused = (error: unknown) => error instanceof TonError && error.code === 'TON_ADDRESS';
  const hex = '00'.repeat(32);
  for (const text of [
    '',
    ' ',
    OWNER.slice(1),
    `${OWNER} `,
    `${OWNER.slice(0, -1)}n`,
    `0:${hex}0`,
    `128:${hex}`,
    `-129:${hex}`,
    `+0:${hex}`,
    `:${hex}`,
    `0x0:${hex}`,
    'x'.repeat(1_000),
  ]) {
    assert.throws(() => parseAddress(text), refused, text);
  }
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string({ minLength: 48, maxLength: 48 }),
        fc.base64String({ minLength: 48, maxLength: 48 }),
      ),
      (text) => {
        try {
          parseAddress(text);
        } catch (error) {
          assert.ok(refused(error));
        }
      },
    ),
  );
});

it('notices any single changed character', () => {
  fc.assert(
    fc.property(fc.nat(47), fc.constantFrom(...'ABCXYZabcxyz0189-_'), (at, character) => {
      fc.pre(OWNER[at] !== character);
      assert.throws(() => parseAddress(OWNER.slice(0, at) + character + OWNER.slice(at + 1)), TonError);
    }),
  );
});
