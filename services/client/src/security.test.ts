import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { AttestedPeer, ContractLists } from '@bombyx/attest';
import { silentLogger, systemClock } from '@bombyx/base';
import { anyPolicy, type PeerIdentity, type PeerPolicy, reconsider } from '@bombyx/transport';
import { BASE_CONFIG } from '../testing/network.ts';
import { MODEL, rootWith, ScriptedProxy } from '../testing/scripted-proxy.ts';
import { parseClientConfig } from './config.ts';
import { adopt, faultsOf, securityOf } from './security.ts';

const IMAGE = Buffer.alloc(32, 0x1a);
const peer: PeerIdentity = {
  publicKey: undefined,
  imageHash: IMAGE,
  attestation: 'simulated',
  address: '127.0.0.1',
  port: 1,
  attested: { model: MODEL } as AttestedPeer,
};
const root = { ...rootWith(), proxyHashes: [IMAGE], modelHashes: [] };
const checking = parseClientConfig({ ...BASE_CONFIG, check_proxy_hashes: true });

it('has against a proxy that its image is not listed any more, and whatever its policy says', () => {
  assert.deepEqual(faultsOf(peer, undefined, checking, root), []);
  const withdrawn = faultsOf(peer, undefined, checking, { ...root, proxyHashes: [] });
  assert.deepEqual(
    withdrawn.map(({ code }) => code),
    ['ROOT_IMAGE'],
  );
  const policy: PeerPolicy = { ...anyPolicy(), reconsider: () => [{ code: 'LISTED_NO_MORE', message: '' }] };
  const both = faultsOf(peer, policy, checking, { ...root, proxyHashes: [] });
  assert.deepEqual(
    both.map(({ code }) => code),
    ['LISTED_NO_MORE', 'ROOT_IMAGE'],
  );
  assert.deepEqual(faultsOf(peer, undefined, parseClientConfig(BASE_CONFIG), { ...root, proxyHashes: [] }), []);
});

it('ends the connection to such a proxy at once, with every reason', () => {
  const proxy = new ScriptedProxy(root, { host: '127.0.0.1', port: 1 }, { peer });
  const connection = proxy.accept(() => ({ onMessage: () => {}, onQuery: () => Promise.reject(new Error('no')) }));
  const now = { ...root, proxyHashes: [Buffer.alloc(32)] };
  assert.equal(
    reconsider([connection], (it) => faultsOf(it, undefined, checking, root), silentLogger),
    0,
  );
  assert.equal(
    reconsider([connection], (it) => faultsOf(it, undefined, checking, now), silentLogger),
    1,
  );
  assert.equal(proxy.connected, false);
  assert.match(String(connection.signal.reason), /not admitted any more: ROOT_IMAGE/);
});

it('gives its policy the lists of the root contract, or "any" in a test network that checks none', () => {
  const seen: ContractLists[] = [];
  const policy: PeerPolicy = { ...anyPolicy(), adopt: (lists) => void seen.push(lists) };
  adopt(policy, checking, root);
  adopt(policy, parseClientConfig(BASE_CONFIG), root);
  assert.deepEqual(seen, [
    { images: [IMAGE], models: [] },
    { images: 'any', models: 'any' },
  ]);
});

it('does not start with a policy or an attestation that nobody was given to make good', async () => {
  for (const wrong of [{ proxy_policy: 'tdx' }, { attestation: 'sev-snp' }]) {
    const opening = securityOf(parseClientConfig({ ...BASE_CONFIG, ...wrong }), undefined, systemClock);
    await assert.rejects(opening, { code: 'CLIENT_CONFIG' });
  }
});
