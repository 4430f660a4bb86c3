import assert from 'node:assert/strict';
import { it } from 'node:test';
import { FakeClock } from '@bombyx/testkit';
import { Rates } from './rate.ts';
import { rateNameOf } from './verifier/address.ts';

it('grants a burst, then the rate, to each name by itself', () => {
  const clock = new FakeClock();
  const rates = new Rates({ perSecond: 2, burst: 5 }, 100, clock);
  const take = (name: string, times: number) =>
    Array.from({ length: times }, () => rates.take(name)).filter(Boolean).length;
  assert.deepEqual([take('a', 9), take('b', 9)], [5, 5]);
  clock.advance(500);
  assert.equal(take('a', 9), 1);
  clock.advance(60_000);
  assert.equal(take('a', 9), 5);
});

it('remembers so many names, and forgets the one that was quiet for longest', () => {
  const rates = new Rates({ perSecond: 1, burst: 1 }, 2, new FakeClock());
  assert.ok(rates.take('a') && rates.take('b') && rates.take('c'));
  assert.ok(!rates.take('b') && !rates.take('c'));
  assert.ok(rates.take('a'));
});

it('counts an IPv4 address by itself, and IPv6 by its /64, however it is written', () => {
  const names = [
    '::ffff:10.0.0.1',
    '10.0.0.1',
    '2001:db8::1',
    '2001:DB8:0:0:ffff::2%eth0',
    '2001:0db8:0000:0000:1:2:3:4',
    '2001:db8:0:1::1',
    '::1',
  ];
  assert.deepEqual(names.map(rateNameOf), [
    '10.0.0.1',
    '10.0.0.1',
    '2001:db8:0:0',
    '2001:db8:0:0',
    '2001:db8:0:0',
    '2001:db8:0:1',
    '0:0:0:0',
  ]);
});
