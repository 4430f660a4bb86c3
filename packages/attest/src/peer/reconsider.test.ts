import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Machine, MODEL, options, signingKey } from '../../testing/peer-world.ts';
import { toHex, utf8 } from '../bytes.ts';
import { nodeCrypto as crypto } from '../crypto/node.ts';
import { builtinPolicy, type SimulatedPolicy, withMeasurements } from '../policy/policy.ts';
import { judgePeer } from './judge.ts';
import { reconsiderPeer } from './reconsider.ts';
import type { AttestedPeer } from './verdict.ts';

const root = signingKey();
const worker = new Machine(root);
const waiting = builtinPolicy('simulated', [root.publicKey]) as SimulatedPolicy;
const anything = withMeasurements(waiting, { images: 'any', models: 'any' });

function admitted(): AttestedPeer {
  const binding = worker.connection();
  const verdict = judgePeer(worker.prove(binding), binding, anything, {}, options);
  assert.ok(verdict.ok);
  return verdict.peer;
}
const peer = admitted();
const { imageHash } = peer;
const modelHash = crypto.hash('sha256', utf8(MODEL));
const codes = (...args: Parameters<typeof reconsiderPeer>) => reconsiderPeer(...args).map(({ code }) => code);

it('leaves a peer alone whose image and model are still listed', () => {
  assert.deepEqual(codes(peer, 'worker', withMeasurements(waiting, { images: [imageHash], models: [modelHash] })), []);
  assert.deepEqual(codes(peer, 'worker', anything), []);
});

it('turns against a peer whose image or model was taken back', () => {
  assert.deepEqual(codes(peer, 'worker', withMeasurements(waiting, { images: [], models: [modelHash] })), [
    'POLICY_IMAGE',
  ]);
  assert.deepEqual(codes(peer, 'worker', withMeasurements(waiting, { images: [imageHash], models: [] })), [
    'POLICY_MODEL',
  ]);
  assert.deepEqual(codes(peer, 'proxy', withMeasurements(waiting, { images: [imageHash], models: [] })), []);
});

it('turns against a peer whose platform was put on the deny list, and counts nobody', () => {
  const platforms = { deny: [toHex(peer.platform ?? new Uint8Array())], maxPeers: 1 };
  assert.deepEqual(codes(peer, 'worker', { ...anything, platforms } as SimulatedPolicy), ['POLICY_PLATFORM']);
  assert.deepEqual(codes(peer, 'worker', { ...anything, platforms: { deny: [], maxPeers: 1 } } as SimulatedPolicy), []);
});

it('counts the connections of its platform where a peer is about to join them', () => {
  const bounded = { ...anything, platforms: { deny: [], maxPeers: 2 } } as SimulatedPolicy;
  const name = toHex(peer.platform ?? new Uint8Array());
  assert.deepEqual(codes(peer, 'worker', bounded, new Map([[name, 1]])), []);
  assert.deepEqual(codes(peer, 'worker', bounded, new Map([[name, 2]])), ['POLICY_PLATFORM_PEERS']);
  assert.deepEqual(codes(peer, 'worker', anything, new Map([[name, 2]])), []);
});

it('asks nothing where nothing is asked, and of a stand-in only its image', () => {
  assert.deepEqual(codes(peer, 'worker', builtinPolicy('any')), []);
  assert.deepEqual(codes(peer, 'worker', builtinPolicy('fake_tdx')), []);
  const fake = { name: 'p', type: 'fake_tdx', measurements: 'root-contract' } as const;
  assert.deepEqual(codes(peer, 'worker', withMeasurements(fake, { images: [], models: [] })), ['POLICY_IMAGE']);
});

it('asks a peer for no model that its certificate could not name', () => {
  const { model: _, modelHash: __, ...silent } = peer;
  const lists = withMeasurements(waiting, { images: 'any', models: [] });
  assert.deepEqual(codes({ ...silent, fresh: false }, 'worker', lists), []);
  assert.deepEqual(codes({ ...silent, fresh: true }, 'worker', lists), ['POLICY_MODEL_MISSING']);
});

it('takes the lists of the root contract as bytes or as hex, in either case', () => {
  for (const images of [[imageHash], [toHex(imageHash)], [toHex(imageHash).toUpperCase()]])
    assert.deepEqual(codes(peer, 'worker', withMeasurements(waiting, { images, models: 'any' })), []);
});

it('changes no list that a file has written out', () => {
  const written = { ...waiting, measurements: [{ imageHash: '00'.repeat(32) }], models: 'any' } as SimulatedPolicy;
  assert.deepEqual(withMeasurements(written, { images: 'any', models: [] }), written);
});
