/** The suite of the chain interface, in this process and through our server with our own client. */
import { randomBytes } from 'node:crypto';
import { silentLogger, systemClock } from '@bombyx/base';
import { type Chain, Toncenter } from '@bombyx/ton';
import type { Address } from '@ton/core';
import { type ChainUnderTest, chainSuite } from '../../../packages/ton/testing/chain-suite.ts';
import { testConfig } from '../testing/harness.ts';
import { type Devnet, openDevnet } from './index.ts';

async function underTest(open: (devnet: Devnet) => Chain): Promise<ChainUnderTest> {
  const devnet = await openDevnet(testConfig({ block_ms: 1_000 }), { clock: systemClock, log: silentLogger });
  const chain = open(devnet);
  return {
    chain,
    async fund(address: Address, amount: bigint) {
      await devnet.faucet.give(address, amount);
      await devnet.ledger.produce();
    },
    tick: () => devnet.ledger.produce(),
    async [Symbol.asyncDispose]() {
      await chain[Symbol.asyncDispose]();
      await devnet.close();
    },
  };
}

chainSuite('the embedded chain', () => underTest(({ chain }) => chain));

chainSuite('the embedded chain over HTTP', () =>
  underTest(({ port, network }) => {
    const url = `http://127.0.0.1:${port}/api/v2/jsonRPC`;
    const options = { endpoints: [{ url, requestsPerSecond: 10_000 }], network };
    return new Toncenter(options, {
      clock: systemClock,
      log: silentLogger,
      random: { bytes: (size) => randomBytes(size) },
    });
  }),
);
