import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import type { TokensUsed } from './api.ts';
import { checkUsage, type Excess, UsageAudit } from './usage-audit.ts';

const used = (prompt: bigint, completion: bigint, total = prompt + completion): TokensUsed => ({
  prompt,
  cached: 0n,
  completion,
  reasoning: 0n,
  total,
});

it('finds plausible numbers plausible', () => assert.deepEqual(checkUsage(used(3n, 4n), 7n), []));

it('names every check that fails', () => {
  assert.deepEqual(checkUsage(used(-3n, 4n), 100n), ['a count is negative']);
  assert.deepEqual(checkUsage(used(3n, 4n, 8n), 100n), ['the total is not the sum']);
  assert.deepEqual(checkUsage(used(3n, 4n), 6n), ['the total is above the reservation']);
  assert.equal(checkUsage(used(-1n, -1n, 50n), 6n).length, 3);
});

it('accepts an honest proxy over many requests', () => {
  const audit = new UsageAudit();
  let total = 1_000n; // used before this client started
  audit.total(total);
  for (let i = 0; i < 50; i += 1) {
    audit.started(`r${i}`, 100n);
    audit.finished(`r${i}`, used(20n, 30n));
    audit.billed(`r${i}`, 50n);
    total += 50n;
    audit.total(total);
  }
  assert.equal(audit.disagreements, 0);
  assert.equal(audit.checked, 100);
});

it('reports a bill that differs from the answer', () => {
  const audit = new UsageAudit();
  audit.started('r', 100n);
  audit.finished('r', used(20n, 30n));
  audit.billed('r', 60n);
  assert.deepEqual(audit.latest, [{ requestId: 'r', failures: ['the bill differs from the answer'] }]);
});

it('reports a cumulative total that no request explains, once', () => {
  const audit = new UsageAudit();
  audit.total(0n);
  audit.started('r', 100n);
  audit.total(100n); // may be what runs now
  assert.equal(audit.disagreements, 0);
  audit.total(101n);
  audit.total(101n);
  assert.equal(audit.disagreements, 1);
});

it('grants a cancelled request what it had reserved', () => {
  const audit = new UsageAudit();
  audit.total(0n);
  audit.started('r', 100n);
  audit.finished('r', undefined);
  audit.billed('r', 70n);
  audit.total(70n);
  assert.equal(audit.disagreements, 0);
});

it('stays bounded under a flood', () => {
  const audit = new UsageAudit();
  for (let i = 0; i < 10_000; i += 1) {
    audit.started(`r${i}`, 1n);
    audit.finished(`r${i}`, used(1n, 1n));
  }
  assert.equal(audit.disagreements, 10_000);
  assert.equal(audit.latest.length, 16);
});

const remembering = (explained: bigint | undefined, stride = 0n) => {
  const written: bigint[] = [];
  const excesses: Excess[] = [];
  const audit = new UsageAudit({
    explained,
    stride,
    write: (tokens) => written.push(tokens),
    exceeded: (excess) => excesses.push(excess),
  });
  return { audit, written, excesses };
};

it('counts a claim of one request above its reservation only up to that, so that the running total tells', () => {
  const { audit, excesses } = remembering(0n);
  audit.started('r', 100n);
  audit.finished('r', used(0n, 1_000n));
  audit.total(1_000n);
  assert.deepEqual(
    excesses.map(({ claimed, explained }) => [claimed, explained]),
    [
      [1_000n, 100n],
      [1_000n, 100n],
    ],
  );
});

it('has written what a request may cost before it goes out, in strides', () => {
  const { audit, written } = remembering(0n, 1_000n);
  for (let i = 0; i < 30; i += 1) {
    audit.started(`${i}`, 100n);
    assert.ok((written.at(-1) ?? 0n) >= (audit.explained ?? 0n));
    audit.finished(`${i}`, used(0n, 100n));
  }
  assert.deepEqual(written, [1_100n, 2_200n, 3_300n]);
  audit.close();
  assert.equal(written.at(-1), 3_000n);
});

it('does not send what it could not write down', () => {
  const audit = new UsageAudit({
    explained: 0n,
    stride: 0n,
    write: () => {
      throw new Error('disk full');
    },
    exceeded: () => {},
  });
  assert.throws(() => audit.started('r', 1n), /disk full/);
  assert.equal(audit.explained, 0n);
});

it('takes what a proxy says when the disk refuses, and sends nothing more then', () => {
  const audit = new UsageAudit({
    explained: undefined,
    stride: 0n,
    write: () => {
      throw new Error('disk full');
    },
    exceeded: () => {},
  });
  audit.total(5n);
  assert.equal(audit.explained, 5n);
  assert.throws(() => audit.started('r', 1n), /disk full/);
});

it('takes a request back that did not go out', () => {
  const { audit, excesses } = remembering(0n);
  audit.started('r', 100n);
  audit.withdrawn('r');
  audit.claimed(1n, 'the signed payment');
  assert.equal(excesses.length, 1);
});

it('tells of no excess for what an honest proxy claims, in any order of requests and cuts', () => {
  const acts = fc.array(fc.record({ cut: fc.boolean(), cost: fc.nat(100), late: fc.boolean() }), { maxLength: 30 });
  fc.assert(
    fc.property(acts, (list) => {
      let disk = 0n;
      const excesses: Excess[] = [];
      const life = () =>
        new UsageAudit({
          explained: disk,
          stride: 10n,
          write: (tokens) => {
            disk = tokens;
          },
          exceeded: (excess) => excesses.push(excess),
        });
      let audit = life();
      let total = 0n;
      for (const [i, { cut, cost, late }] of list.entries()) {
        audit.started(`${i}`, 100n);
        total += BigInt(cost);
        if (!late) audit.total(total);
        if (cut) {
          audit = life(); // a crash: only the disk is left
          continue;
        }
        audit.finished(`${i}`, late ? undefined : used(0n, BigInt(cost)));
        audit.claimed(total, 'the signed payment');
        assert.equal(excesses.length, 0);
      }
    }),
  );
});
