import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { it, type TestContext } from 'node:test';
import { nanoTon } from '@bombyx/base';
import { KeyError, type KeyErrorCode } from './key-errors.ts';
import { hashOf, KEYS_FILE, KeyStore } from './key-store.ts';

function storeFor(t: TestContext): { store: KeyStore; path: string } {
  const folder = mkdtempSync(join(tmpdir(), 'bombyx-keys-'));
  const path = join(folder, KEYS_FILE);
  const store = new KeyStore(path);
  t.after(() => {
    store[Symbol.dispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  return { store, path };
}

const isKeyError = (code: KeyErrorCode) => (error: unknown) => error instanceof KeyError && error.code === code;

it('makes keys of 32 random bytes and keeps only their hash and eight characters', (t) => {
  const { store, path } = storeFor(t);
  const { key, record } = store.create('laptop', { total: nanoTon(5n) }, 1_000);
  assert.match(key, /^bxk_[A-Za-z0-9_-]{43}$/);
  assert.equal(Buffer.from(key.slice(4), 'base64url').length, 32);
  assert.notEqual(store.create('phone', {}, 1_000).key, key);
  assert.deepEqual([record.prefix, record.hash, record.caps.total], [key.slice(4, 12), hashOf(key), 5n]);
  for (const file of [path, `${path}-wal`]) {
    const bytes = readFileSync(file);
    assert.equal(bytes.includes(key), false);
    assert.equal(bytes.includes(key.slice(4, 20)), false);
    assert.equal(bytes.includes(Buffer.from(key.slice(4), 'base64url')), false);
  }
});

it('lists keys with caps and spending beyond 64 bits, as another process wrote them', (t) => {
  const { store, path } = storeFor(t);
  const { record } = store.create('laptop', { day: nanoTon(7n) }, 1_000);
  const other = new KeyStore(path);
  t.after(() => other[Symbol.dispose]());
  const { version } = store;
  const books = { spentTotal: 2n ** 70n + 1n, day: '2026-01-02', spentDay: 3n, held: 2n ** 64n };
  other.write([{ id: record.id, books }]);
  assert.notEqual(store.version, version);
  const [listed] = store.list();
  assert.deepEqual(listed, { ...record, books });
  assert.deepEqual(listed?.caps, { total: undefined, day: 7n });
});

it('revokes by name or prefix, once, and lets the name be used again', (t) => {
  const { store } = storeFor(t);
  const first = store.create('laptop', {}, 1_000);
  assert.throws(() => store.create('laptop', {}, 1_000), isKeyError('KEY_NAME'));
  assert.equal(store.revoke('laptop', 2_000).revokedMs, 2_000);
  assert.throws(() => store.revoke('laptop', 2_000), isKeyError('KEY_UNKNOWN'));
  const second = store.create('laptop', {}, 3_000);
  assert.equal(store.revoke(`bxk_${second.record.prefix}`, 4_000).id, second.record.id);
  assert.throws(() => store.revoke(first.record.prefix, 5_000), isKeyError('KEY_UNKNOWN'));
  assert.deepEqual(
    store.list().map(({ revokedMs }) => revokedMs),
    [2_000, 4_000],
  );
});

it('revokes the key itself, and never repeats what it was told', (t) => {
  const { store } = storeFor(t);
  const { key, record } = store.create('laptop', {}, 1_000);
  assert.throws(
    () => store.revoke(`${key}A`, 2_000),
    (error) => error instanceof KeyError && !error.message.includes(key),
  );
  assert.equal(store.revoke(key, 2_000).id, record.id);
});

it('prefers a name to a prefix that reads the same', (t) => {
  const { store } = storeFor(t);
  const { record } = store.create('laptop', {}, 1_000);
  const named = store.create(record.prefix, {}, 1_000);
  assert.equal(store.revoke(record.prefix, 2_000).id, named.record.id);
});

for (const name of ['', ' ', ' laptop', 'laptop ', 'two\nlines', '\u202egnp', 'x'.repeat(65), '\u0000']) {
  it(`refuses ${JSON.stringify(name.slice(0, 12))} as a name`, (t) => {
    assert.throws(() => storeFor(t).store.create(name, {}, 1_000), isKeyError('KEY_NAME'));
  });
}

it('refuses a file of a newer version, and one that is none', (t) => {
  const { store, path } = storeFor(t);
  store[Symbol.dispose]();
  const db = new DatabaseSync(path);
  db.exec('PRAGMA user_version=99');
  db.close();
  assert.throws(() => new KeyStore(path), isKeyError('KEY_FILE'));
  assert.throws(() => new KeyStore(import.meta.filename), isKeyError('KEY_FILE'));
  assert.throws(() => new KeyStore(join(tmpdir(), 'no-such-folder', KEYS_FILE)), isKeyError('KEY_FILE'));
});
