import assert from 'node:assert/strict';
import net from 'node:net';
import { duplexPair } from 'node:stream';
import { describe, it } from 'node:test';
import { eventually, FakeClock } from '@bombyx/testkit';
import { checkPow, decodePowResponse, encodePowChallenge, encodePowResponse } from '@bombyx/wire';
import { gate, knock } from '../testing/listeners.ts';
import { codeOf } from '../testing/pairs.ts';
import { answerPow, askForPow } from './pow.ts';
import { PowSolver, processSolver } from './pow-solver.ts';
import { guard } from './step.ts';

const salt = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');

function ends() {
  const [mine, theirs] = duplexPair();
  const sent: Buffer[] = [];
  guard(theirs).on('data', (chunk: Buffer) => sent.push(chunk));
  const clock = new FakeClock();
  return {
    socket: guard(mine),
    theirs,
    sent: () => Buffer.concat(sent),
    clock,
    context: { clock, signal: new AbortController().signal },
  };
}

describe('the solver', () => {
  it('finds the nonce of the specification', async () => {
    assert.equal(await new PowSolver().solve(salt, 16, new AbortController().signal), 84_956n);
  });

  it('leaves the event loop free while it works on 20 bits', async () => {
    let turns = 0;
    let longestMs = 0;
    let last = performance.now();
    const beat = setInterval(() => {
      turns++;
      longestMs = Math.max(longestMs, performance.now() - last);
      last = performance.now();
    }, 5);
    const started = performance.now();
    const nonce = await processSolver.solve(salt, 20, new AbortController().signal);
    const tookMs = performance.now() - started;
    clearInterval(beat);
    assert.equal(nonce, 303_607n);
    // in the loop itself it would be one pause of nearly the whole time
    assert.ok(turns >= 5 && longestMs < tookMs * 0.7, `${turns} turns, longest ${longestMs} of ${tookMs} ms`);
  });

  it('stops when it is told to, which frees the thread for the next', async () => {
    const solver = new PowSolver({ maxThreads: 1 });
    const stop = new AbortController();
    const hopeless = solver.solve(salt, 64, stop.signal);
    const next = solver.solve(salt, 12, new AbortController().signal);
    stop.abort(new Error('enough'));
    await assert.rejects(hopeless, /enough/);
    assert.ok(checkPow(salt, await next, 12));
  });

  it('has a bound on threads and on those that wait; who waits can leave', async () => {
    const solver = new PowSolver({ maxThreads: 1, maxWaiting: 1 });
    const stop = new AbortController();
    const leave = new AbortController();
    const running = solver.solve(salt, 64, stop.signal);
    const waiting = solver.solve(salt, 64, leave.signal);
    assert.equal(await codeOf(solver.solve(salt, 64, stop.signal)), 'TRANSPORT_LIMIT');
    leave.abort(new Error('left'));
    await assert.rejects(waiting, /left/);
    const again = solver.solve(salt, 12, new AbortController().signal);
    stop.abort(new Error('enough'));
    await assert.rejects(running, /enough/);
    assert.ok(checkPow(salt, await again, 12));
  });
});

describe('the connecting side', () => {
  it('answers with a nonce that solves the challenge', async () => {
    const { socket, theirs, sent, context } = ends();
    theirs.write(encodePowChallenge({ difficulty: 10, salt }));
    await answerPow(socket, 28, processSolver, context);
    await eventually('an answer', () => sent().length === 12);
    assert.ok(checkPow(salt, decodePowResponse(sent()).nonce, 10));
  });

  it('does not work for a peer that asks for more than agreed, or for what is no challenge', async () => {
    const nonsense = Buffer.alloc(24, 1);
    const hostile = Buffer.from(encodePowChallenge({ difficulty: 0, salt }));
    hostile.writeInt32LE(-1, 4);
    for (const challenge of [encodePowChallenge({ difficulty: 29, salt }), nonsense, hostile]) {
      const { socket, theirs, context } = ends();
      theirs.write(challenge);
      assert.equal(await codeOf(answerPow(socket, 28, processSolver, context)), 'TRANSPORT_POW');
      assert.ok(socket.destroyed);
    }
  });

  it('gives up when no challenge comes, and when the peer leaves', async () => {
    const silent = ends();
    const code = codeOf(answerPow(silent.socket, 28, processSolver, silent.context));
    silent.clock.advance(20_000);
    assert.equal(await code, 'TRANSPORT_TIMEOUT');
    assert.equal(silent.clock.pending, 0);
    const gone = ends();
    gone.theirs.end(Buffer.alloc(5));
    assert.equal(await codeOf(answerPow(gone.socket, 28, processSolver, gone.context)), 'TRANSPORT_POW');
  });

  it('stops working when the time is over or the peer leaves meanwhile', async () => {
    const solver = new PowSolver({ maxThreads: 1 });
    const late = ends();
    late.theirs.write(encodePowChallenge({ difficulty: 64, salt }));
    const code = codeOf(answerPow(late.socket, 64, solver, late.context));
    await new Promise((resolve) => setTimeout(resolve, 20));
    late.clock.advance(20_000);
    assert.equal(await code, 'TRANSPORT_TIMEOUT');
    assert.ok(checkPow(salt, await solver.solve(salt, 9, new AbortController().signal), 9), 'the thread is free again');
  });
});

describe('the accepting side', () => {
  it('asks with fresh salt and lets a right answer in, keeping what comes behind it', async () => {
    const { socket, theirs, sent, context } = ends();
    const asked = askForPow(socket, 9, context);
    await eventually('a challenge', () => sent().length === 24);
    const nonce = await processSolver.solve(sent().subarray(8), 9, new AbortController().signal);
    theirs.write(Buffer.concat([encodePowResponse({ nonce }), Buffer.from('behind')]));
    await asked;
    assert.equal(String(socket.read()), 'behind');
  });

  it('closes on a wrong nonce, on nonsense, and on a peer that never answers', async () => {
    for (const answer of [encodePowResponse({ nonce: -1n }), Buffer.alloc(12)]) {
      const { socket, theirs, context } = ends();
      theirs.write(answer);
      assert.equal(await codeOf(askForPow(socket, 60, context)), 'TRANSPORT_POW');
      assert.ok(socket.destroyed);
    }
    const { socket, theirs, clock, context } = ends();
    const code = codeOf(askForPow(socket, 20, context));
    theirs.write(Buffer.alloc(11));
    clock.advance(20_000);
    assert.equal(await code, 'TRANSPORT_TIMEOUT');
  });

  it('costs a listener nothing but a refusal', async () => {
    await using server = await gate({ security: { pow: { difficulty: 30 } } });
    assert.equal(await codeOf(knock(server.listener.port)), 'TRANSPORT_POW');
    const socket = net.connect(server.listener.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(encodePowResponse({ nonce: 1n }));
    await eventually('both refusals', () => server.refusals.length === 2);
    assert.match(server.refusals[1]!, /TRANSPORT_POW/);
  });
});
