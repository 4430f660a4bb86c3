import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { anyObject, anyOf } from '../testing/arbitraries.ts';
import { toJson } from '../testing/json.ts';
import { loadVectors, type Refused } from '../testing/vectors.ts';
import { declarations } from './declarations.ts';
import {
  decode,
  decodeFunction,
  decodeOf,
  encode,
  encodedSize,
  MAX_VECTOR_ITEMS,
  type Tl,
  type TlObject,
  WireError,
} from './index.ts';

interface Accepted {
  readonly name: string;
  readonly hex: string;
  readonly value: unknown;
}
const { accepted, refused } = loadVectors<{ accepted: Accepted[]; refused: Refused[] }>('messages');
const id32 = Buffer.alloc(32);

for (const { name, hex, value } of accepted) {
  it(`reads and writes the vector "${name}"`, () => {
    const decoded = decode(Buffer.from(hex, 'hex'));
    assert.deepEqual(toJson(decoded), value);
    assert.equal(encode(decoded).toString('hex'), hex);
  });
}

for (const { name, hex, code } of refused) {
  it(`refuses ${name}`, () => {
    assert.throws(() => decode(Buffer.from(hex, 'hex')), { name: 'WireError', code });
  });
}

for (const name of declarations.keys()) {
  it(`gives back any ${name} it wrote`, () => {
    const property = fc.property(anyOf(name), (value) => {
      const bytes = encode(value);
      assert.equal(bytes.length, encodedSize(value));
      assert.deepEqual(decode(bytes), value);
    });
    fc.assert(property, { numRuns: 20 });
  });
}

it('has one encoding of a value: what it accepts it writes back, and the rest is a WireError', () => {
  const mutation = fc.record({ at: fc.nat(), to: fc.nat(255), cut: fc.nat(8), add: fc.uint8Array({ maxLength: 2 }) });
  let kept = 0;
  const property = fc.property(anyObject, mutation, (value, { at, to, cut, add }) => {
    const whole = encode(value);
    const bytes = Buffer.concat([cut < 6 ? whole : whole.subarray(0, -cut), add.length < 2 ? Buffer.alloc(0) : add]);
    if (bytes.length > 0) bytes[at % bytes.length] = to;
    const decoded = decodeOrRefuse(bytes);
    if (decoded === undefined) return;
    kept++;
    assert.deepEqual(encode(decoded), bytes);
  });
  fc.assert(property, { numRuns: 2_000 });
  assert.ok(kept > 200, 'the changes leave too little to check');
});

it('answers hostile bytes with WireError and nothing else', () => {
  const tag = fc.constantFrom(...Array.from(declarations.values(), ({ id }) => id));
  const property = fc.property(tag, fc.uint8Array({ maxLength: 200 }), (id, tail) => {
    const bytes = Buffer.concat([Buffer.alloc(4), tail]);
    bytes.writeUInt32LE(id);
    decodeOrRefuse(bytes);
  });
  fc.assert(property, { numRuns: 2_000 });
});

function decodeOrRefuse(bytes: Buffer): TlObject | undefined {
  try {
    return decode(bytes);
  } catch (error) {
    assert.ok(error instanceof WireError, String(error));
    return undefined;
  }
}

it('reads the same from a bare Uint8Array, at an offset too', () => {
  const bytes = encode({ kind: 'tcp.ping', id: 7n });
  const moved = new Uint8Array(bytes.length + 3).subarray(3);
  moved.set(bytes);
  assert.deepEqual(decode(moved), { kind: 'tcp.ping', id: 7n });
});

it('gives views of what it decoded, not copies', () => {
  const bytes = encode({ kind: 'tcp.packet', data: Buffer.from('abcd') });
  const packet = decodeOf('tcp.packet', bytes);
  bytes[5] = 0x78;
  assert.equal(packet.data.toString(), 'xbcd');
});

it('narrows to one type, one constructor or any function', () => {
  const response: Tl<'http.response'> = {
    kind: 'http.response',
    http_version: 'HTTP/1.1',
    status_code: 200,
    reason: 'OK',
    headers: [{ kind: 'http.header', name: 'a', value: 'b' }],
    payload: Buffer.alloc(0),
  };
  const bytes = encode(response);
  assert.deepEqual(decodeOf('http.Response', bytes), response);
  assert.deepEqual(decodeOf('http.response', bytes), response);
  const strange = { code: 'WIRE_UNKNOWN_TAG' };
  assert.throws(() => decodeOf('http.request', bytes), strange);
  assert.throws(() => decodeOf('tcp.Packet', bytes), strange);
  assert.throws(() => decodeFunction(bytes), strange);
  const question = encode({ kind: 'client.getWorkerTypesV2' });
  assert.deepEqual(decodeFunction(question), { kind: 'client.getWorkerTypesV2' });
  assert.throws(() => decodeOf('client.WorkerTypesV2', question), strange);
});

it('takes and writes at most MAX_VECTOR_ITEMS items of a vector', () => {
  const header = { kind: 'http.header', name: '', value: '' } as const;
  const request = (count: number): Tl<'http.request'> => ({
    kind: 'http.request',
    method: '',
    url: '',
    http_version: '',
    headers: Array.from({ length: count }, () => header),
    payload: Buffer.alloc(0),
  });
  const most = encode(request(MAX_VECTOR_ITEMS));
  assert.equal(decodeOf('http.request', most).headers.length, MAX_VECTOR_ITEMS);
  assert.throws(() => encode(request(MAX_VECTOR_ITEMS + 1)), RangeError);
  const tooMany = Buffer.concat([most, Buffer.alloc(8)]);
  tooMany.writeUInt32LE(MAX_VECTOR_ITEMS + 1, 16);
  assert.throws(() => decode(tooMany), { code: 'WIRE_BAD_VALUE' });
  assert.throws(() => decode(tooMany.subarray(0, MAX_VECTOR_ITEMS + 100)), { code: 'WIRE_TRUNCATED' });
});

it('reads and writes data of 2^24 bytes and more, for which a length takes eight bytes', () => {
  const packet = { kind: 'tcp.packet', data: Buffer.alloc(2 ** 24 + 1, 0x61) } as const;
  const bytes = encode(packet);
  assert.equal(bytes.length, 4 + 8 + 2 ** 24 + 4);
  assert.ok(decodeOf('tcp.packet', bytes).data.equals(packet.data));
});

it('keeps text that holds the replacement character, and refuses what only decodes to it', () => {
  const ping = { kind: 'tcp.queryError', id: 1n, code: 0, message: 'a\ufffdb' } as const;
  const bytes = encode(ping);
  assert.deepEqual(decode(bytes), ping);
  bytes[bytes.indexOf('\ufffd')] = 0xff;
  assert.throws(() => decode(bytes), { code: 'WIRE_BAD_VALUE' });
});

const payment = { kind: 'proxy.signedPaymentEmpty' } as const;
const wrong: readonly { why: string; error: typeof TypeError | typeof RangeError; value: TlObject }[] = [
  {
    why: 'an optional field without its flag',
    error: TypeError,
    value: {
      kind: 'client.queryAnswerErrorEx',
      request_id: id32,
      error_code: 0,
      error: '',
      flags: 0,
      final_info: {} as never,
    },
  },
  {
    why: 'a flag without its optional field',
    error: TypeError,
    value: { kind: 'client.queryAnswerErrorEx', request_id: id32, error_code: 0, error: '', flags: 1 },
  },
  { why: 'a field that is missing', error: TypeError, value: { kind: 'tcp.ping' } as never },
  { why: 'a kind that does not exist', error: TypeError, value: { kind: 'tcp.pingpong' } as never },
  {
    why: 'an object of another type in a boxed field',
    error: TypeError,
    value: {
      kind: 'client.paymentStatus',
      signed_payment: { kind: 'tcp.ping' } as never,
      db_tokens: 0n,
      max_tokens: 0n,
    },
  },
  {
    why: 'another object in a bare field',
    error: TypeError,
    value: { kind: 'client.connectToProxy', params: { ...payment } as never, min_config_version: 1 },
  },
  { why: 'text in the place of bytes', error: TypeError, value: { kind: 'tcp.packet', data: 'abc' as never } },
  {
    why: 'an array in the place of an int256',
    error: TypeError,
    value: { kind: 'bombyx.cancel', request_id: [] as never },
  },
  {
    why: 'an int beyond 32 bits',
    error: RangeError,
    value: { kind: 'worker.newCoefficient', new_coefficient: 2 ** 31 },
  },
  { why: 'an int with a fraction', error: RangeError, value: { kind: 'worker.newCoefficient', new_coefficient: 0.5 } },
  { why: 'a long beyond 64 bits', error: RangeError, value: { kind: 'tcp.ping', id: 2n ** 63n } },
  { why: 'an int256 of 31 bytes', error: RangeError, value: { kind: 'bombyx.cancel', request_id: id32.subarray(1) } },
  {
    why: 'negative flags',
    error: RangeError,
    value: { kind: 'bombyx.answerPart', request_id: id32, data: id32, flags: -2 },
  },
  {
    why: 'NaN',
    error: RangeError,
    value: {
      kind: 'proxy.runQuery',
      query: id32,
      signed_payment: payment,
      coefficient: 0n,
      timeout: Number.NaN,
      request_id: id32,
    },
  },
  {
    why: 'half a surrogate pair',
    error: TypeError,
    value: { kind: 'tcp.queryError', id: 0n, code: 0, message: '\ud800' },
  },
];
for (const { why, error, value } of wrong) {
  it(`does not write ${why}`, () => {
    assert.throws(() => encode(value), error);
  });
}
