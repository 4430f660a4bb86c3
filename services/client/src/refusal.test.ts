import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { bombyxRefusal, refusal, worthAnotherProxy } from './refusal.ts';

const TEXTS: readonly (readonly [number, string, string, number, boolean])[] = [
  [
    602,
    'client balance is too low: max_tokens=9 tokens_payed=5 tokens_used=4 tokens_reserved=3 tokens_stake=1',
    'CLIENT_BALANCE',
    402,
    true,
  ],
  [651, 'balance is too low', 'CLIENT_BALANCE', 402, true],
  [602, 'active config version is too low', 'CLIENT_NOT_READY', 503, true],
  [651, 'client is closing', 'CLIENT_NOT_READY', 503, true],
  [651, 'proxy is disabled', 'CLIENT_NOT_READY', 503, true],
  [621, 'unknown model no/such', 'CLIENT_UNKNOWN_MODEL', 404, true],
  [651, 'no workers for model m', 'CLIENT_NO_WORKER', 503, true],
  [651, 'no ready workers for modelm', 'CLIENT_NO_WORKER', 503, true],
  [651, 'can run this query with coefficient=5000', 'CLIENT_PRICE', 409, true],
  [602, 'connection is dead', 'CLIENT_NO_WORKER', 503, true],
  [0, 'proxy: received incorrect answer: Not enough data to read at 4', 'CLIENT_PROTOCOL', 502, false],
  [652, 'timeout in proxy', 'CLIENT_TIMEOUT', 504, false],
  [621, 'out of order answer parts', 'CLIENT_PROTOCOL', 502, false],
  [602, 'too many active queries', 'CLIENT_NO_WORKER', 503, true],
  [652, 'worker: timeout', 'CLIENT_TIMEOUT', 504, false],
  [621, "worker: invalid http request: unknown option 'user' in request", 'CLIENT_BAD_REQUEST', 400, false],
  [602, 'worker: http failed: refused', 'CLIENT_WORKER', 502, false],
  [601, 'something new', 'CLIENT_REFUSED', 502, false],
];

for (const [number, text, code, status, elsewhere] of TEXTS) {
  it(`reads "${text.slice(0, 60)}" as ${code}`, () => {
    const error = refusal(number, text);
    assert.equal(error.code, code);
    assert.equal(error.httpStatus, status);
    assert.equal(error.cocoonCode, number);
    assert.equal(worthAnotherProxy(error), elsewhere);
  });
}

it('shows no account number of the balance refusals', () => {
  for (const [number, text] of TEXTS) assert.doesNotMatch(refusal(number, text).message, /tokens_|max_tokens=/);
  const odd = refusal(602, 'not known: tokens_payed=123 tokens_stake=456 to_reserve=7');
  assert.doesNotMatch(odd.message, /\d/);
});

it('tells the caller the price at which a worker is free', () => {
  assert.match(refusal(651, 'can run this query with coefficient=5000').message, /5000 thousandths/);
});

it('takes reason, status and pause of our own proxy', () => {
  const error = bombyxRefusal({
    error_code: 651,
    reason: 'queue_full',
    message: 'the queue is full',
    http_status: 503,
    retry_after_ms: 1_500,
  });
  assert.deepEqual(
    [error.code, error.httpStatus, error.retryAfterMs, error.message],
    ['CLIENT_NO_WORKER', 503, 1_500, 'the queue is full'],
  );
  assert.equal(error.detail['reason'], 'queue_full');
});

it('ignores a status or reason that makes no sense', () => {
  for (const http_status of [0, 200, 399, 600, -1]) {
    const error = bombyxRefusal({
      error_code: 652,
      reason: 'constructor',
      message: 'x',
      http_status,
      retry_after_ms: -5,
    });
    assert.deepEqual([error.code, error.httpStatus, error.retryAfterMs], ['CLIENT_TIMEOUT', 504, undefined]);
  }
});

it('makes any text presentable: one line, bounded', () => {
  fc.assert(
    fc.property(fc.integer(), fc.string({ unit: 'binary', maxLength: 2_000 }), (number, text) => {
      const { message } = refusal(number, text);
      assert.ok(message.length > 0 && message.length <= 500);
      assert.doesNotMatch(message, /[\r\n\0]/);
    }),
  );
});
