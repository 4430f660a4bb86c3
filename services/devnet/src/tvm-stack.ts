/** Stacks of the machine in the JSON of the public API. */
import { readCell, writeCell } from '@bombyx/ton';
import type { Cell, TupleItem } from '@ton/core';
import { z } from 'zod';

const cell = z.string().transform((text, context): Cell => {
  try {
    return readCell(Buffer.from(text, 'base64'));
  } catch {
    context.addIssue({ code: 'custom', message: 'must be a bag of cells in base64' });
    return z.NEVER;
  }
});
const decimal = /^-?\d{1,78}$/;
const hexadecimal = /^(-?)0x([0-9a-fA-F]{1,64})$/;
const number = z.union([z.string(), z.int()]).transform((given, context): bigint => {
  const text = String(given);
  const hex = hexadecimal.exec(text);
  if (hex) return BigInt(`0x${hex[2]}`) * (hex[1] === '-' ? -1n : 1n);
  if (decimal.test(text)) return BigInt(text);
  context.addIssue({ code: 'custom', message: 'must be a number, decimal or 0x-hexadecimal' });
  return z.NEVER;
});

const entry = z.union([
  z.tuple([z.enum(['num', 'int', 'number']), number]).transform(([, value]): TupleItem => ({ type: 'int', value })),
  z.tuple([z.enum(['tvm.Cell', 'cell']), cell]).transform(([, cell]): TupleItem => ({ type: 'cell', cell })),
  z.tuple([z.enum(['tvm.Slice', 'slice']), cell]).transform(([, cell]): TupleItem => ({ type: 'slice', cell })),
  z.tuple([z.enum(['tvm.Builder', 'builder']), cell]).transform(([, cell]): TupleItem => ({ type: 'builder', cell })),
]);

/** Arguments of a get method: `[["num", "0x1f"], ["tvm.Cell", "te6…"], …]`. */
export const stackParameter = z.array(entry).max(255).default([]);

/** Results of a get method. An empty list stands for null, as on the public servers. */
export function stackJson(stack: readonly TupleItem[]): unknown[] {
  return stack.map((item) => {
    switch (item.type) {
      case 'int':
        return ['num', item.value < 0n ? `-0x${(-item.value).toString(16)}` : `0x${item.value.toString(16)}`];
      case 'nan':
        return ['num', 'nan'];
      case 'null':
        return ['list', { '@type': 'tvm.list', elements: [] }];
      case 'tuple':
        return ['tuple', { '@type': 'tvm.tuple', elements: item.items.map(elementJson) }];
      default:
        return [item.type, { bytes: base64(item.cell) }];
    }
  });
}

function elementJson(item: TupleItem): object {
  switch (item.type) {
    case 'int':
      return number256(item.value.toString());
    case 'nan':
      return number256('nan');
    case 'null':
      return { '@type': 'tvm.stackEntryList', list: { '@type': 'tvm.list', elements: [] } };
    case 'tuple':
      return { '@type': 'tvm.stackEntryTuple', tuple: { '@type': 'tvm.tuple', elements: item.items.map(elementJson) } };
    case 'cell':
      return { '@type': 'tvm.stackEntryCell', cell: { '@type': 'tvm.cell', bytes: base64(item.cell) } };
    default: // a builder inside a tuple is shown as the slice it would end in
      return { '@type': 'tvm.stackEntrySlice', slice: { '@type': 'tvm.slice', bytes: base64(item.cell) } };
  }
}

function number256(number: string): object {
  return { '@type': 'tvm.stackEntryNumber', number: { '@type': 'tvm.numberDecimal', number } };
}

function base64(cell: Cell): string {
  return writeCell(cell).toString('base64');
}
