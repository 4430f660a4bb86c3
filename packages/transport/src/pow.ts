/** Proof-of-work exchange in clear, before TLS. Source: wire.md §4. */
import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { checkPow, decodePowChallenge, decodePowResponse, encodePowChallenge, encodePowResponse } from '@bombyx/wire';
import { asTransportError, TransportError } from './errors.ts';
import { POW_TIMEOUT_MS } from './limits.ts';
import type { PowSolver } from './pow-solver.ts';
import { readExactly, runStep, type Step, type StepContext } from './step.ts';

const CHALLENGE_BYTES = 24;
const RESPONSE_BYTES = 12;
const STEP: Step = { name: 'proof of work', timeoutMs: POW_TIMEOUT_MS, code: 'TRANSPORT_POW' };

/** Accepting side. @throws {TransportError} `TRANSPORT_POW` for a wrong answer; the socket is destroyed */
export async function askForPow(socket: Duplex, difficulty: number, context: StepContext): Promise<void> {
  const salt = randomBytes(16);
  socket.write(encodePowChallenge({ difficulty, salt }));
  const response = await readExactly(socket, RESPONSE_BYTES, STEP, context);
  try {
    const { nonce } = decodePowResponse(response);
    if (!checkPow(salt, nonce, difficulty)) throw new TransportError('TRANSPORT_POW', 'the nonce does not solve it');
  } catch (error) {
    socket.destroy();
    throw asTransportError(error, 'TRANSPORT_POW', 'proof of work');
  }
}

/**
 * Connecting side.
 * @throws {TransportError} `TRANSPORT_POW` for a challenge above `maxDifficulty` bits; the socket is destroyed
 */
export async function answerPow(
  socket: Duplex,
  maxDifficulty: number,
  solver: PowSolver,
  context: StepContext,
): Promise<void> {
  const challenge = await readExactly(socket, CHALLENGE_BYTES, STEP, context);
  const nonce = await runStep<bigint>(socket, STEP, context, (resolve, reject) => {
    const { difficulty, salt } = decodePowChallenge(challenge);
    if (difficulty > maxDifficulty) {
      const detail = { difficulty, maxDifficulty };
      throw new TransportError('TRANSPORT_POW', `the peer asks for ${difficulty} bits of work`, detail);
    }
    const stop = new AbortController(); // the peer may leave while a thread still counts
    solver.solve(salt, difficulty, stop.signal).then(resolve, reject);
    return () => stop.abort();
  });
  socket.write(encodePowResponse({ nonce }));
}
