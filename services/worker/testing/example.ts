import { readFileSync } from 'node:fs';
import { silentLogger, systemClock } from '@bombyx/base';
import { readFakeRoot } from '@bombyx/ton';
import { parseWorkerConfig, startWorker } from '@bombyx/worker';

const [, , configFile = 'worker-config.json', rootFile = 'fake-ton.json'] = process.argv;
const config = parseWorkerConfig(readFileSync(configFile, 'utf8'));
const root = readFakeRoot(readFileSync(rootFile, 'utf8'));
await using worker = await startWorker(config, { clock: systemClock, log: silentLogger, root });
await worker.whenReady(AbortSignal.timeout(20_000));
console.log(`ready for ${config.model_name}`);
