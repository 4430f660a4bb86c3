import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import fc from 'fast-check';
import { EngineError, type EngineErrorCode } from './errors.ts';
import { parseGguf } from './gguf.ts';
import { Llama } from './llama.ts';
import { Tokenizer } from './tokenizer.ts';

const file = readFileSync(new URL('../model/bombyx-tiny-q8.gguf', import.meta.url));
const HEADER_BYTES = 70_000; // metadata and directory; the weights follow

/** The bytes as a running engine would use them. */
function load(bytes: Uint8Array): void {
  const gguf = parseGguf(bytes);
  new Tokenizer(gguf);
  new Llama(gguf);
}

function codeOf(action: () => void): EngineErrorCode | 'none' {
  try {
    action();
    return 'none';
  } catch (error) {
    assert.ok(error instanceof EngineError, `a stranger: ${error}`);
    return error.code;
  }
}

/** A file with one metadata pair; `value` is its type and bytes. */
function onePair(value: Buffer, { version = 3, tensors = 0n } = {}): Buffer {
  const head = Buffer.alloc(24);
  head.write('GGUF');
  head.writeUInt32LE(version, 4);
  head.writeBigUInt64LE(tensors, 8);
  head.writeBigUInt64LE(1n, 16);
  return Buffer.concat([head, u64(1n), Buffer.from('k'), value]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}

it('reads metadata and tensors of the bundled model', () => {
  const gguf = parseGguf(file);
  assert.equal(gguf.string('general.architecture'), 'llama');
  assert.equal(gguf.number('llama.context_length'), 512);
  assert.equal(gguf.strings('tokenizer.ggml.tokens').length, 2048);
  assert.equal(gguf.tensor('token_embd.weight', [192, 2048]).bytes.length, ((192 * 2048) / 32) * 34);
});

for (const [name, value] of [
  ['int8', Buffer.concat([u32(1), Buffer.from([0xff])])],
  ['int16', Buffer.concat([u32(3), Buffer.from([0xff, 0xff])])],
  ['int32', Buffer.concat([u32(5), u32(0xffff_ffff)])],
] as const) {
  it(`reads the sign of an ${name}`, () => assert.equal(parseGguf(onePair(value)).number('k'), -1));
}

for (const [what, bytes, code] of [
  ['an empty file', Buffer.alloc(0), 'ENGINE_MODEL_FORMAT'],
  ['another magic', Buffer.from('GGML0000000000000000000000000'), 'ENGINE_MODEL_FORMAT'],
  ['version 1', onePair(u32(4), { version: 1 }), 'ENGINE_MODEL_UNSUPPORTED'],
  ['more tensors than bytes', onePair(Buffer.concat([u32(4), u32(1)]), { tensors: 1n << 40n }), 'ENGINE_MODEL_FORMAT'],
  ['a size beyond 2^53', onePair(Buffer.concat([u32(4), u32(1)]), { tensors: 1n << 60n }), 'ENGINE_MODEL_FORMAT'],
  ['a string longer than the file', onePair(Buffer.concat([u32(8), u64(1n << 33n)])), 'ENGINE_MODEL_FORMAT'],
  ['an array longer than the file', onePair(Buffer.concat([u32(9), u32(4), u64(1n << 33n)])), 'ENGINE_MODEL_FORMAT'],
  ['an unknown value type', onePair(Buffer.concat([u32(99), u64(0n)])), 'ENGINE_MODEL_FORMAT'],
  [
    'arrays in arrays without end',
    onePair(Buffer.concat([u32(9), ...Array.from({ length: 64 }, () => Buffer.concat([u32(9), u64(1n)])), u64(0n)])),
    'ENGINE_MODEL_FORMAT',
  ],
  ['metadata of no model', onePair(Buffer.concat([u32(4), u32(1)])), 'ENGINE_MODEL_UNSUPPORTED'],
] as const) {
  it(`refuses ${what} with ${code}`, () =>
    assert.equal(
      codeOf(() => load(bytes)),
      code,
    ));
}

it('refuses the file cut anywhere', () => {
  fc.assert(
    fc.property(fc.oneof(fc.nat(HEADER_BYTES), fc.nat(file.length - 1)), (length) => {
      assert.equal(
        codeOf(() => parseGguf(file.subarray(0, length))),
        'ENGINE_MODEL_FORMAT',
      );
    }),
    { numRuns: 60 },
  );
});

it('answers changed header bytes with a coded error or a model, and nothing else', () => {
  const change = fc.tuple(fc.oneof(fc.nat(1_200), fc.nat(HEADER_BYTES)), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const bytes = Buffer.from(file);
      for (const [at, value] of changes) bytes[at] = value;
      codeOf(() => load(bytes));
    }),
    { numRuns: 40 },
  );
});
