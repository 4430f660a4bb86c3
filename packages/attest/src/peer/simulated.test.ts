import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { signingKey } from '../../testing/peer-world.ts';
import { toHex } from '../bytes.ts';
import { nodeCrypto } from '../crypto/node.ts';
import { MalformedError } from '../malformed.ts';
import { endorsementOf, readSimulated, simulatedImageHash, verifySimulated, writeSimulated } from './simulated.ts';

const [root, platformKey, stranger] = [signingKey(), signingKey(), signingKey()];
const platform = {
  root: root.publicKey,
  platformKey: platformKey.publicKey,
  endorsement: root.sign(endorsementOf(platformKey.publicKey)),
};
const measurement = new Uint8Array(48).fill(1);
const reportData = new Uint8Array(64).fill(2);
const roots = [toHex(stranger.publicKey), toHex(root.publicKey)];
const good = writeSimulated(platform, measurement, reportData, platformKey.sign);

const codes = (bytes: Uint8Array, listed: readonly string[] = roots) => {
  const verdict = verifySimulated(bytes, listed, nodeCrypto);
  return verdict.ok ? [] : verdict.failures.map(({ code }) => code);
};

it('believes a platform that a listed root endorsed, and gives back what it reports', () => {
  const verdict = verifySimulated(good, roots, nodeCrypto);
  assert.ok(verdict.ok);
  assert.deepEqual(verdict.report.measurement, measurement);
  assert.deepEqual(verdict.report.reportData, reportData);
});

it('believes nobody where no root is listed, and says which root was missing and what to do', () => {
  const verdict = verifySimulated(good, [], nodeCrypto);
  assert.ok(!verdict.ok);
  assert.equal(verdict.failures[0]?.code, 'SIMULATED_ROOT');
  assert.match(verdict.failures[0]?.message ?? '', new RegExp(toHex(root.publicKey)));
  assert.match(verdict.failures[0]?.fix ?? '', /roots/);
});

it('refuses a platform that endorsed itself under the name of a listed root', () => {
  const endorsement = platformKey.sign(endorsementOf(platformKey.publicKey));
  assert.deepEqual(codes(writeSimulated({ ...platform, endorsement }, measurement, reportData, platformKey.sign)), [
    'SIMULATED_ENDORSEMENT',
  ]);
});

it('refuses a report that another key signed', () => {
  assert.deepEqual(codes(writeSimulated(platform, measurement, reportData, stranger.sign)), ['SIMULATED_SIGNATURE']);
});

it('refuses the endorsement of one platform beside the key of another', () => {
  const bytes = writeSimulated(
    { ...platform, platformKey: stranger.publicKey },
    measurement,
    reportData,
    stranger.sign,
  );
  assert.deepEqual(codes(bytes), ['SIMULATED_ENDORSEMENT']);
});

it('refuses a signed report that is presented as an endorsement, and the reverse: each has a domain of its own', () => {
  const asReport = platformKey.sign(new Uint8Array([...measurement, ...reportData]));
  assert.deepEqual(codes(writeSimulated(platform, measurement, reportData, () => asReport)), ['SIMULATED_SIGNATURE']);
  const bare = root.sign(platformKey.publicKey);
  assert.deepEqual(
    codes(writeSimulated({ ...platform, endorsement: bare }, measurement, reportData, platformKey.sign)),
    ['SIMULATED_ENDORSEMENT'],
  );
});

it('refuses a change of any one bit', () => {
  fc.assert(
    fc.property(fc.nat({ max: good.length * 8 - 1 }), (bit) => {
      const bytes = good.slice();
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.notDeepEqual(codes(bytes), []);
    }),
    { numRuns: 500 },
  );
});

it('answers hostile bytes with a verdict', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => assert.deepEqual(codes(bytes), ['SIMULATED_FORMAT'])),
  );
});

it('refuses to write what it could not read', () => {
  assert.throws(() => writeSimulated(platform, new Uint8Array(47), reportData, platformKey.sign), MalformedError);
  assert.throws(() => readSimulated(new Uint8Array(2_000)), MalformedError);
});

it('gives an image hash that no real machine has', () => {
  const zeros = new Uint8Array(48);
  assert.notDeepEqual(simulatedImageHash(zeros, nodeCrypto), nodeCrypto.hash('sha256', new Uint8Array(448)));
  assert.notDeepEqual(simulatedImageHash(zeros, nodeCrypto), nodeCrypto.hash('sha256', new Uint8Array(112)));
});
