import { silentLogger, systemClock } from '@bombyx/base';
import { openDevnet, parseDevnetConfig } from '@bombyx/devnet';
import { parseAddress } from '@bombyx/ton';

const config = parseDevnetConfig({ http_port: 0, block_ms: 50 });
await using devnet = await openDevnet(config, { clock: systemClock, log: silentLogger });

const account = parseAddress(`0:${'11'.repeat(32)}`);
await devnet.faucet.give(account, 5_000_000_000n); // on disk now, on chain with the next block
await devnet.ledger.produce();
console.log((await devnet.chain.account(account)).balance);

const answer = await fetch(`http://127.0.0.1:${devnet.port}/api/v2/getAddressBalance?address=${account}`);
console.log(await answer.json());
