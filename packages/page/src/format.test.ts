import assert from 'node:assert/strict';
import { it } from 'node:test';
import { age, brief, bytes, coins, count, decimal, duration, price, short } from './format.ts';

const table = <T>(show: (value: T) => unknown, expected: readonly (readonly [T, string])[]) => {
  for (const [value, text] of expected) assert.equal(String(show(value)), text, String(value));
};

it('groups thousands', () => {
  table(count, [
    [0, '0'],
    [1_234_567, '1,234,567'],
    [499_999_999_999_580, '499,999,999,999,580'],
  ]);
});

it('shows three figures of a number, and never an endless decimal', () => {
  table(decimal, [
    [0, '0'],
    [0.0004, '<0.01'],
    [0.1 + 0.2, '0.30'],
    [2, '2'],
    [9.994, '9.99'],
    [9.996, '10.0'],
    [12.345, '12.3'],
    [99.96, '100'],
    [1_234.5, '1,235'],
  ]);
});

it('shows sizes in powers of 1024', () => {
  table(bytes, [
    [0, '0 B'],
    [0.02, '<1 B'],
    [27.7, '28 B'],
    [1_023, '1,023 B'],
    [1_536, '1.5 KiB'],
    [3 * 1024 ** 3, '3.0 GiB'],
    [2 ** 80, '1,073,741,824.0 PiB'],
  ]);
});

it('shows times in the unit a person would choose', () => {
  table(duration, [
    [0, '0 ms'],
    [0.2, '<1 ms'],
    [134.956, '135 ms'],
    [999.9, '1.00 s'],
    [119_000, '119 s'],
    [180_000, '3 min'],
    [7_200_000, '2 h'],
    [5 * 86_400_000, '5 d'],
  ]);
  table(age, [
    [-5_000, 'just now'],
    [12_300, '12 s ago'],
    [185_000, '3 min ago'],
  ]);
});

it('shows money and prices', () => {
  table(coins, [
    [0, '0 TON'],
    [2, '2 nanoton'],
    [1_500_000_000, '1.50 TON'],
    [1e15, '1,000,000 TON'],
  ]);
  table(price, [
    [1_000, '1×'],
    [1_525, '1.525×'],
  ]);
});

it('shortens an address, keeps all of it in the title, and escapes it in both places', () => {
  const address = 'UQAuz15H1ZHrZ_psVrAra7HealMIVeFq0wguqlmFno1f3B-m';
  assert.equal(String(short(address)), `<code title="${address}">UQAuz1…3B-m</code>`);
  assert.equal(String(short('1b5759858afc')), '<code>1b5759858afc</code>');
  assert.equal(short(''), undefined);
  const hostile = String(short('"><script>alert(1)</script><i title="'));
  assert.match(hostile, /^<code title="[^"<>]*">[^"<>]*<\/code>$/);
});

it('shows the start of a long text, and all of a short one', () => {
  assert.equal(brief('connect ECONNREFUSED'), 'connect ECONNREFUSED');
  const long = String(brief(`<${'x'.repeat(1_000)}`));
  assert.match(long, /^<span title="&#60;x{1000}">&#60;x{139}…<\/span>$/);
});
