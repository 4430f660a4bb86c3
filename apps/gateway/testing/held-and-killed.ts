/** A gateway's process that waits to be killed, one request paid and two running. Arguments: file, bearer. */
import { silentLogger, systemClock } from '@bombyx/base';
import { Keys } from '../src/index.ts';

const [, , path, bearer] = process.argv as unknown as [string, string, string, string];
const keys = new Keys({ path, required: false }, { clock: systemClock, log: silentLogger });
const key = keys.authenticate(bearer);
const paid = await keys.hold(key, 20n);
await Promise.all([keys.hold(key, 25n), keys.hold(key, 15n)]);
await paid.settle(10n);
process.send?.('held');
setInterval(() => {}, 1_000);
