/** A proxy in a process of its own, to be killed. Argument: the folder of its database. Prints its ports as JSON. */
import { silentLogger, systemClock } from '@bombyx/base';
import { startProxy } from '../src/proxy.ts';
import { fakeRoot, testConfig } from './harness.ts';

const config = testConfig({ db_path: process.argv[2], pow_difficulty: 0, http: false });
const { clientPort, workersPort } = await startProxy(config, {
  clock: systemClock,
  log: silentLogger,
  root: fakeRoot(),
});
process.stdout.write(`${JSON.stringify({ clientPort, workersPort })}\n`);
