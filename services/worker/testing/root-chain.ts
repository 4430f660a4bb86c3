/** A chain on which there is nothing but a root contract. */
import type { Clock } from '@bombyx/base';
import { type ChainAccount, ChainError, parseAddress, type RootConfig, type RootData, rootDataCell } from '@bombyx/ton';
import { beginCell } from '@ton/core';
import { FakeChain } from '../../../packages/ton/testing/chain-fake.ts';
import { ROOT_ADDRESS } from './fake-proxy.ts';

export class RootChain extends FakeChain {
  isDown = false;

  constructor(clock: Clock, root: RootConfig) {
    super(clock);
    this.write(root);
  }

  write(root: RootConfig): void {
    const data = rootDataCell(rootDataOf(root));
    Object.assign(this.at(parseAddress(ROOT_ADDRESS)), { status: 'active', code: beginCell().endCell(), data });
  }

  override account(...args: Parameters<FakeChain['account']>): Promise<ChainAccount> {
    if (this.isDown) return Promise.reject(new ChainError('CHAIN_UNREACHABLE', 'no endpoint can be reached'));
    return super.account(...args);
  }
}

/** What a root contract keeps that says `root`. */
export function rootDataOf(root: RootConfig): RootData {
  const { proxyCode, workerCode, clientCode } = root;
  const proxies = root.registeredProxies.map(
    ({ seqno, workers }) => [seqno, `${workers.host}:${workers.port}`] as const,
  );
  return {
    owner: root.ownerAddress,
    version: root.version,
    proxyImages: root.proxyHashes,
    proxies: new Map(proxies),
    lastProxySeqno: root.lastProxySeqno,
    workerImages: root.workerHashes,
    models: root.modelHashes,
    params: { ...root, proxyCode, workerCode, clientCode },
  };
}
