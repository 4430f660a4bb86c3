import assert from 'node:assert/strict';
import { it } from 'node:test';
import { z } from 'zod';
import { address, bytes32, describeFaults, flag, int, port, router, tonAmount } from './index.ts';

const Schema = z.strictObject({ port, count: int(1, 9), flag, key: bytes32, owner: address, via: router });
const owner = 'UQAuz15H1ZHrZ_psVrAra7HealMIVeFq0wguqlmFno1f3B-m';
const good = {
  port: 80,
  count: 3,
  flag: true,
  key: Buffer.alloc(32, 7).toString('base64'),
  owner,
  via: '127.0.0.1:8116',
};

const faultsOf = (json: unknown) => {
  const read = Schema.safeParse(json, { reportInput: true });
  return read.success ? undefined : describeFaults(read.error);
};

it('reads numbers and bools as the C++ programs do', () => {
  const read = Schema.parse({ ...good, port: '8080', flag: '0', via: '' });
  assert.equal(read.port, 8080);
  assert.equal(read.flag, false);
  assert.equal(read.via, undefined);
  assert.deepEqual(Schema.parse({ ...good, via: 'localhost:8116' }).via, { host: '127.0.0.1', port: 8116 });
  assert.deepEqual(read.key, Buffer.alloc(32, 7));
  assert.equal(read.owner.workChain, 0);
  assert.equal(Schema.parse({ ...good, flag: 2 }).flag, true);
});

const faults: readonly (readonly [json: unknown, sentence: string])[] = [
  [{ ...good, port: 65_536 }, '"port" must be at most 65535'],
  [{ ...good, count: '0' }, '"count" must be at least 1'],
  [{ ...good, count: 1.5 }, '"count" must be a whole number from 1 to 9'],
  [{ ...good, flag: 'yes' }, '"flag" must be true or false'],
  [{ ...good, key: 'AAAA' }, '"key" must be 32 bytes in base64'],
  [{ ...good, owner: `${owner.slice(0, -1)}n` }, '"owner" must be an account address (48 characters or workchain:hex)'],
  [{ ...good, via: 'nowhere' }, '"via" must be empty or ip:port'],
  [{ ...good, prot: 1, x: 2 }, 'unknown fields "prot", "x"'],
  [{ ...good, count: undefined }, '"count" is missing'],
  [[], 'it must be a JSON object'],
  [{ ...good, port: -1, prot: 1 }, '"port" must be at least 0; unknown field "prot"'],
];
for (const [json, sentence] of faults) {
  it(`says: ${sentence}`, () => assert.equal(faultsOf(json), sentence));
}

it('reads TON as a number or as text, exact to the nanoton', () => {
  assert.equal(tonAmount.parse(0.25), 250_000_000n);
  assert.equal(tonAmount.parse('9000000000.000000001'), 9_000_000_000_000_000_001n);
  for (const wrong of ['', '1.0000000001', '-1', '1e3', 'ten', -1, Number.NaN, null]) {
    assert.equal(tonAmount.safeParse(wrong).success, false, String(wrong));
  }
});
