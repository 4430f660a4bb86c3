/** Thread of one puzzle; see pow-solver.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { solvePow } from '@bombyx/wire';

const { salt, difficulty } = workerData as { salt: Uint8Array; difficulty: number };
parentPort?.postMessage(solvePow(salt, difficulty));
