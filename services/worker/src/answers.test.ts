import assert from 'node:assert/strict';
import { it } from 'node:test';
import { NO_TOKENS } from '@bombyx/ledger';
import { decode, decodeOf, encode, type TlObject } from '@bombyx/wire';
import { type Answers, BombyxAnswers, ExAnswers, LegacyAnswers, type Send } from './answers.ts';
import { JobError } from './errors.ts';

const id = Buffer.alloc(32, 7);
const head = { status: 200, reason: 'OK', headers: [{ name: 'content-type', value: 'text/plain' }] };
const final = { tokens: NO_TOKENS, startSec: 1.5, headSec: 2, endSec: 3 };
const error = new JobError('JOB_TIMEOUT', 'worker: timeout');

/** What `say` made an answer in one dialect send, through the codec. */
function sent(make: (send: Send) => Answers, say: (answers: Answers) => void): TlObject[] {
  const messages: TlObject[] = [];
  say(
    make((message) => {
      messages.push(decode(encode(message)));
      return true;
    }),
  );
  return messages;
}

const dialects: [string, (send: Send) => Answers, string[]][] = [
  [
    '0',
    (send) => new LegacyAnswers(id, send),
    ['proxy.queryAnswer', 'proxy.queryAnswerPart', 'proxy.queryAnswerPartError'],
  ],
  [
    '1',
    (send) => new ExAnswers(id, send, true, 1),
    ['proxy.queryAnswerEx', 'proxy.queryAnswerPartEx', 'proxy.queryAnswerErrorEx'],
  ],
  [
    '2',
    (send) => new ExAnswers(id, send, false, 2),
    ['proxy.queryAnswerEx', 'proxy.queryAnswerPartEx', 'proxy.queryAnswerErrorEx'],
  ],
  ['3', (send) => new BombyxAnswers(id, send, true), ['bombyx.answerHead', 'bombyx.answerPart', 'bombyx.answerError']],
];

for (const [version, make, kinds] of dialects) {
  it(`version ${version} says head, part and error with its own objects, the last always with a bill`, () => {
    const messages = sent(make, (answers) => {
      answers.head(head, Buffer.from('a'), 1, 2, undefined);
      answers.part(Buffer.from('b'), undefined);
      answers.error(error, final, true);
    });
    assert.deepEqual(
      messages.map(({ kind }) => kind),
      kinds,
    );
    for (const message of messages.slice(0, 2)) assert.equal('final_info' in message && message.final_info, false);
    const last = messages[2]!;
    assert.ok('final_info' in last ? last.final_info : 'tokens_used' in last && last.tokens_used);
  });

  it(`version ${version} tells the length of a body that is whole, and of no other`, () => {
    const lengthOf = (whole: boolean) => {
      const [message] = sent(make, (answers) =>
        answers.head(head, Buffer.from('abc'), 1, 2, whole ? final : undefined),
      );
      assert.ok(message && 'answer' in message);
      const { headers } = decodeOf('http.response', message.answer as Buffer);
      return headers.find(({ name }) => name === 'Content-Length')?.value;
    };
    // A C++ client with debug on appends to the body.
    assert.equal(lengthOf(true), version === '1' ? undefined : '3');
    assert.equal(lengthOf(false), undefined);
  });
}

it('below version 3 an error before the head is an HTTP answer, complete and with a bill', () => {
  for (const [version, make] of dialects.slice(0, 3)) {
    const [message, ...more] = sent(make, (answers) => answers.error(error, final, false));
    assert.deepEqual(more, []);
    assert.ok(message && 'answer' in message, version);
    assert.equal(decodeOf('http.response', message.answer as Buffer).status_code, 504);
  }
});

it('version 3 keeps code, reason and when to try again', () => {
  const full = new JobError('JOB_TOO_MANY', 'too many active queries');
  const [message] = sent(dialects[3]![1], (answers) => answers.error(full, final, false));
  assert.ok(message?.kind === 'bombyx.answerError');
  const { error_code, reason, http_status, retry_after_ms } = message;
  assert.deepEqual([error_code, reason, http_status, retry_after_ms], [602, 'JOB_TOO_MANY', 503, 1_000]);
});
