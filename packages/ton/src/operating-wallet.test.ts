import assert from 'node:assert/strict';
import { it } from 'node:test';
import { contractAddress } from '@ton/core';
import { actor, publicKey } from '../testing/contracts-world.ts';
import { operatingWallet, readWalletState, walletAddress } from './index.ts';

const party = { publicKey, owner: actor('owner of the node') };

it('our wallet can be deployed: what deploys it has its address, its key and its owner', () => {
  const { address, init } = operatingWallet(party, 'bombyx');
  assert.ok(init);
  assert.ok(address.equals(contractAddress(0, init)));
  const { owner, seqno, blocked, ...state } = readWalletState(init.data);
  assert.ok(owner.equals(party.owner));
  assert.deepEqual({ seqno, blocked, key: state.publicKey }, { seqno: 0, blocked: false, key: publicKey });
});

it('the wallet of the C++ programs is where they have it, and is not ours to deploy', () => {
  const { address, init } = operatingWallet(party, 'cocoon');
  assert.ok(address.equals(walletAddress(party)));
  assert.equal(init, undefined);
});

it('another owner or key has another wallet, and so has the other code', () => {
  const key = Buffer.alloc(32, 9);
  const wallets = [
    operatingWallet(party, 'bombyx'),
    operatingWallet(party, 'cocoon'),
    operatingWallet({ ...party, owner: actor('somebody else') }, 'bombyx'),
    operatingWallet({ ...party, publicKey: key }, 'bombyx'),
  ];
  assert.equal(new Set(wallets.map(({ address }) => address.toRawString())).size, wallets.length);
});
