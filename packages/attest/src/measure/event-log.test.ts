import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import fc from 'fast-check';
import { concat, fromHex, toHex, utf8 } from '../bytes.ts';
import { nodeCrypto as crypto } from '../crypto/node.ts';
import { readQuote } from '../intel/quote.ts';
import { MalformedError } from '../malformed.ts';
import { readDstackLog } from './dstack-log.ts';
import { type EventLogs, verifyEventLogs } from './event-log.ts';
import { lineExtension, type Registers, replay } from './registers.ts';
import { readCcelTable, readTcgLog } from './tcg-log.ts';

const vector = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../../../vectors/attestation/tdx/${name}`, import.meta.url)));
const registersOf = (name: string): Registers => {
  const { body } = readQuote(vector(`quotes/${name}.bin`));
  return body.kind === 'sgx' ? assert.fail('not a TD') : body.rtmr;
};
const google = vector('eventlog/google-cos-ccel-data.bin');
const googleTable = vector('eventlog/google-cos-ccel-table.bin');
const googleRegisters = registersOf('google-cos-v4');
const dstack: Record<string, unknown>[] = JSON.parse(Buffer.from(vector('eventlog/dstack-lite.json')).toString());
const dstackRegisters = registersOf('dstack-lite-v4');
/** Bytes of the log that are read: what follows is the firmware's padding. */
const GOOGLE_END = 18_101;

const codes = (logs: EventLogs, registers: Registers) => {
  const verdict = verifyEventLogs(logs, registers, crypto);
  return verdict.ok ? [] : verdict.failures.map(({ code }) => code);
};

it('leads from the log of a real guest to all four registers of its quote', () => {
  const verdict = verifyEventLogs({ ccel: google }, googleRegisters, crypto);
  assert.ok(verdict.ok);
  assert.deepEqual(verdict.registers.map(toHex), googleRegisters.map(toHex));
  assert.equal(verdict.firmware.length, 43);
});

it('tells proven text from claims: the command line of the kernel is proven, its label and the TD HOB are not', () => {
  const verdict = verifyEventLogs({ ccel: google }, googleRegisters, crypto);
  assert.ok(verdict.ok);
  const { firmware } = verdict;
  assert.equal(firmware.filter(({ proven }) => proven !== undefined).length, 31);
  const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);
  const line = firmware.find(({ data }) => text(data).startsWith('kernel_cmdline: '));
  assert.match(text(line?.proven), /^\/syslinux\/vmlinuz\.A init=\/usr\/lib\/systemd\/systemd /);
  assert.equal(firmware[0]?.proven, undefined);
});

it('finds data that is not what its digest is of, though the registers agree', () => {
  const at = Buffer.from(google).indexOf('kernel_cmdline: ') + 20;
  assert.deepEqual(codes({ ccel: google.with(at, 0x58) }, googleRegisters), ['LOG_DATA_MISMATCH']);
});

it('finds an event left out, added, swapped or changed', () => {
  const events = readTcgLog(google);
  const last = events.at(-1)!;
  assert.equal(last.data.byteOffset + last.data.length - google.byteOffset, GOOGLE_END);
  const whole = google.subarray(0, GOOGLE_END);
  const lastBytes = whole.subarray(GOOGLE_END - last.data.length - 4 - 48 - 2 - 12);
  assert.deepEqual(codes({ ccel: whole }, googleRegisters), []);
  assert.deepEqual(codes({ ccel: whole.subarray(0, -lastBytes.length) }, googleRegisters), ['LOG_REGISTER_MISMATCH']);
  assert.deepEqual(codes({ ccel: concat(whole, lastBytes) }, googleRegisters), ['LOG_REGISTER_MISMATCH']);
  const digestAt = GOOGLE_END - last.data.length - 4 - 48;
  assert.deepEqual(codes({ ccel: whole.with(digestAt, whole[digestAt]! ^ 1) }, googleRegisters), [
    'LOG_DATA_MISMATCH',
    'LOG_REGISTER_MISMATCH',
  ]);
  const extended = events
    .map(({ index, digest }) => ({ register: (index - 1) as 0, digest }))
    .filter((e) => e.register >= 0);
  assert.deepEqual(replay(extended, crypto).map(toHex), googleRegisters.map(toHex));
  const swapped = replay([extended[1]!, extended[0]!, ...extended.slice(2)], crypto);
  assert.notDeepEqual(swapped.map(toHex), googleRegisters.map(toHex));
});

it('does not extend RTMR0 by an event of MRTD, as the C++ programs do', () => {
  const ofMrtd = google.slice(0, GOOGLE_END);
  const first = readTcgLog(google)[0]!;
  assert.equal(first.index, 1);
  ofMrtd[32 + 33] = 0; // its register, in front of a header of 65 bytes
  assert.equal(readTcgLog(ofMrtd)[0]!.index, 0);
  const { register, digest } = { register: 0 as const, digest: first.digest };
  const rest = readTcgLog(google)
    .slice(1)
    .map((event) => ({ register: (event.index - 1) as 0, digest: event.digest }));
  assert.deepEqual(codes({ ccel: ofMrtd }, replay(rest, crypto)), []);
  assert.deepEqual(codes({ ccel: ofMrtd }, replay([{ register, digest }, ...rest], crypto)), ['LOG_REGISTER_MISMATCH']);
});

it('wants all four registers: no log at all is refused for a guest that extended them', () => {
  assert.deepEqual(codes({}, dstackRegisters), Array(4).fill('LOG_REGISTER_MISMATCH'));
  assert.deepEqual(codes({ ccel: google }, dstackRegisters), Array(4).fill('LOG_REGISTER_MISMATCH'));
  assert.deepEqual(codes({}, replay([], crypto)), []);
});

it('computes RTMR3 of dstack from the payloads', () => {
  const verdict = verifyEventLogs({ dstack }, dstackRegisters, crypto);
  assert.ok(verdict.ok);
  const named = verdict.dstack.find(({ name }) => name === 'storage-fs');
  assert.equal(new TextDecoder().decode(named?.payload), 'zfs');
  assert.equal(verdict.dstack.find(({ name }) => name === 'acpi-loader')?.payload, undefined);
});

it('never believes a digest of RTMR3 that stands in a dstack log', () => {
  const at = dstack.findIndex(({ event }) => event === 'compose-hash');
  const honest = readDstackLog(dstack, crypto)[at]!.digest;
  const lied = dstack.with(at, { ...dstack[at], event_payload: '00'.repeat(32), digest: toHex(honest) });
  assert.deepEqual(codes({ dstack: lied }, dstackRegisters), ['LOG_MALFORMED']);
  const silent = dstack.with(at, { ...dstack[at], event_payload: '00'.repeat(32) });
  assert.deepEqual(codes({ dstack: silent }, dstackRegisters), ['LOG_REGISTER_MISMATCH']);
  const otherType = dstack.with(at, { ...dstack[at], event_type: 13, digest: toHex(honest) });
  assert.deepEqual(codes({ dstack: otherType }, dstackRegisters), ['LOG_MALFORMED']);
});

it('refuses dstack logs of another shape', () => {
  const good = { imr: 0, event_type: 4, digest: 'ab'.repeat(48), event: '', event_payload: '' };
  assert.equal(readDstackLog([good], crypto).length, 1);
  const wrong: unknown[] = [
    undefined,
    {},
    'log',
    [null],
    [7],
    [{ ...good, imr: 4 }],
    [{ ...good, imr: '0' }],
    [{ ...good, event_type: -1 }],
    [{ ...good, event_type: 2 ** 32 }],
    [{ ...good, digest: '' }],
    [{ ...good, digest: 'ab' }],
    [{ ...good, digest: 'zz'.repeat(48) }],
    [{ ...good, event: 5 }],
    [{ ...good, imr: 3, event_type: 0x08000001, digest: '', event_payload: 'f' }],
    Array(20_000).fill(good),
  ];
  for (const log of wrong) assert.throws(() => readDstackLog(log, crypto), MalformedError);
});

it('extends RTMR3 by the lines of COCOON', () => {
  const lines = [`cocoon:spec.tree=${'0'.repeat(64)}`, 'cocoon:tdx_inited'];
  const after = (n: number) =>
    toHex(
      replay(
        lines.slice(0, n).map((line) => lineExtension(line, crypto)),
        crypto,
      )[3],
    );
  assert.match(after(1), /^ade2420070c84fc3[0-9a-f]+bb222cd2c$/);
  const expected = '2423278264fe303bbf6b0b4bd491dc5a379707af9682b89c42e4808e1883c36db9ea7d8507d0c805f47e7a2bf5e5e8c4';
  assert.equal(after(2), expected);
  const zero = new Uint8Array(48);
  const quoted: Registers = [zero, zero, zero, fromHex(expected)];
  const verdict = verifyEventLogs({ lines: utf8(`${lines.join('\n')}\n`) }, quoted, crypto);
  assert.ok(verdict.ok);
  assert.deepEqual(verdict.lines, lines);
  const debug = utf8([lines[0], 'cocoon:cocoon_debug', lines[1], ''].join('\n'));
  assert.deepEqual(codes({ lines: debug }, quoted), ['LOG_REGISTER_MISMATCH']);
  assert.deepEqual(codes({ lines: utf8(lines.join('\n')) }, quoted), ['LOG_MALFORMED']);
  assert.deepEqual(codes({ lines: Uint8Array.of(0xff, 10) }, quoted), ['LOG_MALFORMED']);
  assert.deepEqual(codes({ lines: utf8('\n'.repeat(2_000)) }, quoted), ['LOG_MALFORMED']);
  assert.deepEqual(codes({ lines: new Uint8Array((1 << 20) + 1).fill(10) }, quoted), ['LOG_MALFORMED']);
  assert.deepEqual(codes({ lines: utf8(`\ufeff${lines.join('\n')}\n`) }, quoted), ['LOG_REGISTER_MISMATCH']);
});

it('reads the table that says where the log lies, and no other', () => {
  assert.deepEqual(readCcelTable(googleTable), { logBytes: 262_144n, logAddress: 0xbedbf000n });
  const summed = (at: number, value: number) => {
    const table = googleTable.with(at, value);
    return table.with(9, (table[9]! + googleTable[at]! - value) & 0xff);
  };
  const wrong = [
    googleTable.subarray(1),
    googleTable.with(9, 0),
    summed(0, 0x58),
    summed(36, 1),
    summed(4, 57),
    new Uint8Array(0),
  ];
  for (const table of [...wrong, concat(googleTable, Uint8Array.of(0))]) {
    assert.throws(() => readCcelTable(table), MalformedError);
  }
});

it('refuses logs whose counts and lengths lie, at once', () => {
  const u32 = (value: number) => Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
  const head = google.slice(0, 65);
  const event = (index: number, count: number, digest: Uint8Array, length: number, data = new Uint8Array(0)) =>
    concat(head, u32(index), u32(4), u32(count), digest, u32(length), data);
  const digest = concat(Uint8Array.of(0x0c, 0), new Uint8Array(48));
  assert.equal(readTcgLog(event(1, 1, digest, 0)).length, 1);
  const noAction = event(0xffff_fffe, 1, digest, 0).with(head.length + 4, 3); // tells something, extends nothing
  assert.deepEqual(readTcgLog(noAction), []);
  const small = (at: number, value: number) => concat(head.with(at, value), new Uint8Array(8));
  const wrong = [
    new Uint8Array(0),
    new Uint8Array((1 << 20) + 1),
    google.subarray(0, 64),
    small(4, 4), // the first event is another one
    small(32, 0x54), // signature
    small(28, 200), // longer than there is
    small(56, 255), // algorithms
    small(60, 32), // SHA-384 of another size
    event(5, 1, digest, 0),
    event(1, 0, new Uint8Array(0), 0),
    event(1, 2, concat(digest, digest), 0),
    event(1, 0xffff_ffff, digest, 0),
    event(1, 1, digest, 0xffff_ffff),
    event(1, 1, digest.with(0, 0x0b), 0),
    concat(head, ...Array(16_385).fill(event(1, 1, digest, 0).subarray(65))),
  ];
  for (const log of wrong)
    assert.deepEqual(codes({ ccel: log }, googleRegisters), ['LOG_MALFORMED'], `${log.length} bytes`);
});

it('answers any log with a verdict', () => {
  const start = google.slice(0, 4_000);
  const logs = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.tuple(fc.nat({ max: start.length - 1 }), fc.nat({ max: 255 })).map(([at, value]) => start.with(at, value)),
  );
  fc.assert(
    fc.property(logs, (ccel) => assert.notDeepEqual(codes({ ccel, lines: ccel }, googleRegisters), [])),
    {
      numRuns: 500,
    },
  );
  fc.assert(fc.property(fc.jsonValue(), (log) => assert.ok(codes({ dstack: log }, googleRegisters).length > 0)));
});

it('tells about data that is not what its digest is of once, however many events lie', () => {
  const last = readTcgLog(google).at(-1)!;
  const event = google.slice(GOOGLE_END - last.data.length - 4 - 48 - 2 - 12, GOOGLE_END);
  event[14] = (event[14] ?? 0) ^ 1; // of the digest
  const ccel = concat(google.subarray(0, GOOGLE_END), ...Array<Uint8Array>(1_000).fill(event));
  const verdict = verifyEventLogs({ ccel }, googleRegisters, crypto);
  assert.ok(!verdict.ok);
  assert.equal(verdict.failures.filter(({ code }) => code === 'LOG_DATA_MISMATCH').length, 1);
  assert.match(verdict.failures[0]?.message ?? '', /and that of 999 more/);
});
