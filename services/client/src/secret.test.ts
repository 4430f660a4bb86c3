import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { it } from 'node:test';
import { Secrets } from './secret.ts';

const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest();
const random = Buffer.alloc(32, 1);

it('opens the hash of its own secret at this proxy only', () => {
  const secrets = new Secrets('abc', random);
  const secret = secrets.of('proxy A');
  assert.deepEqual(secrets.answering(sha256(secret), 'proxy A'), secret);
  assert.equal(secrets.answering(sha256(secret), 'proxy B'), undefined);
});

it('opens what a C++ client with the same configuration registered', () => {
  assert.deepEqual(new Secrets('abc', random).answering(sha256('abc'), 'proxy A'), Buffer.from('abc'));
});

it('opens nothing else', () => {
  assert.equal(new Secrets('abc', random).answering(sha256('abd'), 'proxy A'), undefined);
  assert.equal(new Secrets('abc', random).answering(Buffer.alloc(5), 'proxy A'), undefined);
});

it('is random when none is configured', () => {
  const [one, two] = [new Secrets('', random), new Secrets('', Buffer.alloc(32, 2))];
  assert.notDeepEqual(one.of('proxy A'), two.of('proxy A'));
  assert.throws(() => new Secrets('', Buffer.alloc(0)), RangeError);
});
