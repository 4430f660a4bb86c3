/** What event logs lead to: the registers that a quote of the same boot must have. A log proves nothing by itself. */
import { type LogEvent, type Registers, readCcelTable, readDstackLog, readTcgLog, replay } from '@bombyx/attest';
import { nodeCrypto } from '@bombyx/attest/node';
import { hex, type Row, register, type View } from './view.ts';

/** @throws {MalformedError} not a CCEL table */
export function viewCcelTable(bytes: Uint8Array): View {
  const { logBytes, logAddress } = readCcelTable(bytes);
  const json = { logBytes: Number(logBytes), logAddress: `0x${logAddress.toString(16)}` };
  const rows: Row[] = [
    ['log', `${json.logBytes} bytes at ${json.logAddress}`],
    ['content', 'give /sys/firmware/acpi/tables/data/CCEL of the same machine'],
  ];
  return { title: 'CCEL: the ACPI table that says where the event log of a TD lies', json, rows };
}

/** @throws {MalformedError} not a log */
export function viewCcelLog(bytes: Uint8Array): View {
  const events = readTcgLog(bytes);
  const extensions = events.flatMap(
    ({ index, digest }) => (index === 0 ? [] : [{ register: (index - 1) as 0 | 1 | 2 | 3, digest }]), // the reader knows 0…4
  );
  return viewOf('Event log of firmware', replay(extensions, nodeCrypto), events.map(eventOf));
}

/** @throws {MalformedError} not a log, or a digest that is not of its payload */
export function viewDstackLog(log: unknown): View {
  const events = readDstackLog(log, nodeCrypto);
  const told = events.map(({ register: rtmr, digest, name }) => ({ rtmr, digest: hex(digest), name }));
  return viewOf('Event log of a dstack guest', replay(events, nodeCrypto), told);
}

interface ToldEvent {
  /** Undefined: MRTD, which no event extends. */
  readonly rtmr: number | undefined;
  readonly digest: string;
  readonly name: string;
}

function eventOf({ index, type, digest }: LogEvent): ToldEvent {
  return { rtmr: index === 0 ? undefined : index - 1, digest: hex(digest), name: `0x${type.toString(16)}` };
}

function viewOf(title: string, registers: Registers, events: readonly ToldEvent[]): View {
  const into = (rtmr: number) => events.filter((event) => event.rtmr === rtmr);
  const rows: Row[] = registers.map((value, rtmr) => [
    `RTMR${rtmr}`,
    `${register(value)} (${into(rtmr).length} events)`,
  ]);
  const named = into(3).filter(({ name }) => name !== '' && !name.startsWith('0x'));
  return {
    title: `${title}, ${events.length} events`,
    json: { rtmr: registers.map(hex), events },
    rows: [
      ...rows,
      ...(named.length > 0 ? ['Events in RTMR3', ...named.map(({ name, digest }): Row => [name, digest])] : []),
    ],
  };
}
