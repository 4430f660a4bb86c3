/** Stack entries of get methods as JSON of the HTTP API. */
import type { TupleItem } from '@ton/core';
import { z } from 'zod';
import { cellOf, fault } from './toncenter-answers.ts';

/** Nesting a get method may return. */
const MAX_DEPTH = 16;

const Entry = z.tuple([z.string(), z.unknown()]);
const Bytes = z.object({ bytes: z.string() });
const Elements = z.object({ elements: z.array(z.unknown()).max(1_024) });
const Nested = z.object({
  '@type': z.string(),
  number: z.object({ number: z.string() }).optional(),
  cell: Bytes.optional(),
  slice: Bytes.optional(),
  tuple: Elements.optional(),
  list: Elements.optional(),
});

/** @throws {TypeError} for an argument that the API cannot carry */
export function writeStack(items: readonly TupleItem[]): readonly (readonly [string, string])[] {
  return items.map((item) => {
    switch (item.type) {
      case 'int':
        return ['num', item.value.toString()];
      case 'cell':
        return ['tvm.Cell', item.cell.toBoc().toString('base64')];
      case 'slice':
        return ['tvm.Slice', item.cell.toBoc().toString('base64')];
      default:
        throw new TypeError(`a get method cannot be given a ${item.type} over HTTP`);
    }
  });
}

/** @throws {ChainError} `CHAIN_RESPONSE` */
export function readStack(stack: readonly unknown[], host: string): TupleItem[] {
  return stack.map((entry) => {
    const parsed = Entry.safeParse(entry);
    if (!parsed.success) throw fault(host, 'a stack entry is no pair');
    const [kind, value] = parsed.data;
    return item(kind, value, host);
  });
}

function item(kind: string, value: unknown, host: string): TupleItem {
  switch (kind) {
    case 'num':
      return { type: 'int', value: integer(value, host) };
    case 'null':
      return { type: 'null' };
    case 'cell':
    case 'slice':
    case 'builder':
      return { type: kind, cell: cellOf(Bytes.safeParse(value).data?.bytes, host, kind) };
    case 'tuple':
    case 'list':
      return sequence(kind, Elements.safeParse(value).data?.elements, host, 0);
    default:
      throw fault(host, 'a stack entry of unknown kind');
  }
}

/** The public API writes null as an empty list. */
function sequence(
  kind: 'tuple' | 'list',
  elements: readonly unknown[] | undefined,
  host: string,
  depth: number,
): TupleItem {
  if (elements === undefined || depth > MAX_DEPTH) throw fault(host, `a ${kind} on the stack is malformed`);
  if (kind === 'list' && elements.length === 0) return { type: 'null' };
  return { type: 'tuple', items: elements.map((element) => nested(element, host, depth + 1)) };
}

function nested(element: unknown, host: string, depth: number): TupleItem {
  const entry = Nested.safeParse(element).data;
  switch (entry?.['@type']) {
    case 'tvm.stackEntryNumber':
      return { type: 'int', value: integer(entry.number?.number, host) };
    case 'tvm.stackEntryCell':
      return { type: 'cell', cell: cellOf(entry.cell?.bytes, host, 'cell') };
    case 'tvm.stackEntrySlice':
      return { type: 'slice', cell: cellOf(entry.slice?.bytes, host, 'slice') };
    case 'tvm.stackEntryTuple':
      return sequence('tuple', entry.tuple?.elements, host, depth);
    case 'tvm.stackEntryList':
      return sequence('list', entry.list?.elements, host, depth);
    default:
      throw fault(host, 'a nested stack entry of unknown kind');
  }
}

function integer(value: unknown, host: string): bigint {
  const parts = typeof value === 'string' ? /^(-?)(0x[0-9a-fA-F]{1,64}|\d{1,78})$/.exec(value) : null;
  if (parts === null) throw fault(host, 'a number on the stack is malformed');
  const size = BigInt(parts[2] ?? '0');
  return parts[1] === '-' ? -size : size;
}
