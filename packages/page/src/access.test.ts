import assert from 'node:assert/strict';
import { it } from 'node:test';
import { AccessHash, refusesOrder, type Sender } from './access.ts';

it('lets in who knows the hash, from the address or the header, and nobody else', () => {
  const access = new AccessHash('s3cret');
  for (const query of [
    'access_hash=s3cret',
    'a=b&access_hash=s3cret',
    'access_hash=s3cret&a=b',
    'access_hash=%733cret',
  ]) {
    assert.equal(access.refuses(query, undefined), undefined, query);
  }
  assert.equal(access.refuses('', 'Bearer s3cret'), undefined);
  for (const query of [
    '',
    'access_hash',
    'access_hash=',
    'access_hash=s3cre',
    'access_hash=s3crett',
    'xaccess_hash=s3cret',
  ]) {
    assert.equal(access.refuses(query, undefined)?.status, 400, query);
  }
  for (const header of ['s3cret', 'Basic s3cret', 'Bearer ', 'Bearer s3cre', 'Bearer undefined']) {
    assert.equal(access.refuses('', header)?.status, 400, header);
  }
});

it('a refusal says where to put the hash, and not what it is', () => {
  const refusal = new AccessHash('s3cret').refuses('access_hash=guess', undefined);
  assert.match(refusal!.text, /http_access_hash/);
  assert.match(refusal!.text, /\?access_hash=/);
  assert.match(refusal!.text, /Authorization: Bearer/);
  assert.doesNotMatch(refusal!.text, /s3cret|guess/);
});

it('a hash in base64 works as it is written, plus signs and all, as with the C++ programs', () => {
  const access = new AccessHash('a+b/c==');
  assert.equal(access.refuses('access_hash=a+b/c==', undefined), undefined);
  assert.equal(access.refuses('access_hash=a%2Bb%2Fc%3D%3D', undefined), undefined);
  assert.equal(access.refuses('access_hash=%', undefined)?.status, 400);
  assert.equal(new AccessHash('%').refuses('access_hash=%', undefined), undefined);
});

it('without a hash nobody is refused', () => {
  const access = new AccessHash('');
  assert.equal(access.isSet, false);
  assert.equal(access.refuses('', undefined), undefined);
});

const here = '127.0.0.1';
const open = new AccessHash('');
const closed = new AccessHash('s3cret');
const sender = (headers: Sender['headers'] = {}, remoteAddress: string | undefined = here): Sender => ({
  headers: { host: 'localhost:1', ...headers },
  remoteAddress,
});

it('takes orders from this machine, and from elsewhere only behind a hash', () => {
  for (const remote of ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1']) {
    assert.equal(refusesOrder(sender({}, remote), open), undefined, remote);
  }
  for (const remote of ['192.168.1.2', '::ffff:10.0.0.1', '127.evil', 'fe80::1']) {
    assert.equal(refusesOrder(sender({}, remote), open)?.status, 403, remote);
    assert.equal(refusesOrder(sender({}, remote), closed), undefined, remote);
  }
  assert.equal(refusesOrder({ headers: { host: 'localhost' }, remoteAddress: undefined }, open)?.status, 403);
});

it('takes no order from a page of another site, behind a hash or not', () => {
  for (const access of [open, closed]) {
    for (const headers of [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: 'http://localhost:2' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]) {
      assert.equal(refusesOrder(sender(headers), access)?.status, 403, JSON.stringify(headers));
    }
    assert.equal(
      refusesOrder(sender({ origin: 'http://localhost:1', 'sec-fetch-site': 'same-origin' }), access),
      undefined,
    );
  }
});

it('without a hash takes no order under a name that a stranger could point here', () => {
  const rebound = { host: 'evil.example', origin: 'http://evil.example' };
  assert.equal(refusesOrder(sender(rebound), open)?.status, 403);
  assert.equal(refusesOrder(sender({ host: undefined }), open)?.status, 403);
  assert.equal(refusesOrder(sender(rebound), closed), undefined);
  for (const host of ['127.0.0.1:8', '[::1]:8', 'LOCALHOST']) {
    assert.equal(refusesOrder(sender({ host }), open), undefined, host);
  }
});
