import assert from 'node:assert/strict';
import { it } from 'node:test';
import { loadVectors } from '../testing/vectors.ts';
import { type Declaration, declarations, type FieldType } from './declarations.ts';

const { ids } = loadVectors<{ ids: Record<string, string> }>('ids');
const hex = (id: number) => id.toString(16).padStart(8, '0');

it('gives every object of the C++ programs the id it has there', () => {
  const theirs = [...declarations.values()].filter(({ name }) => !name.startsWith('bombyx.'));
  assert.deepEqual(Object.fromEntries(theirs.map(({ name, id }) => [name, hex(id)])), ids);
});

it('gives no two objects the same id', () => {
  assert.equal(new Set(Array.from(declarations.values(), ({ id }) => id)).size, declarations.size);
});

it('keeps the ids of protocol version 3', () => {
  const ours = [...declarations.values()].filter(({ name }) => name.startsWith('bombyx.'));
  assert.deepEqual(Object.fromEntries(ours.map(({ name, id }) => [name, hex(id)])), {
    'bombyx.finalInfo': '5393fb79',
    'bombyx.answerHead': 'f55397ac',
    'bombyx.answerPart': '6c984247',
    'bombyx.answerError': 'ec327837',
    'bombyx.cancel': '8468bbc1',
    'bombyx.window': '449fad8e',
    'bombyx.servedBy': '83fec1ad',
    'bombyx.provenHead': 'b3ff5acc',
    'bombyx.evidence': 'a999c768',
    'bombyx.workerProof': '1ce96b75',
    'bombyx.workerProofs': 'fb4413fc',
    'bombyx.runQuery': '68b8733f',
    'bombyx.runJob': 'abb38fda',
    'bombyx.attest': '0056310b',
    'bombyx.getWorkerProofs': 'a6079697',
  });
});

it('names only objects that are declared', () => {
  const results = new Set([...declarations.values()].filter((it) => it.role === 'constructor').map((it) => it.result));
  for (const { name, role, fields, result } of declarations.values()) {
    if (role === 'function') assert.ok(results.has(result), `${name} is answered with ${result}`);
    for (const type of fields.flatMap((field) => named(field.type))) {
      assert.ok(type.is === 'boxed' ? results.has(type.result) : declarations.has(type.name), name);
    }
  }
});

it('lets no object contain itself, so the schema bounds the depth', () => {
  const depths = Array.from(declarations.values(), (it) => depth(it, []));
  assert.equal(Math.max(...depths), 3);
});

it('has the flags in front of the fields that depend on them', () => {
  for (const { name, fields } of declarations.values()) {
    const flags = fields.findIndex((field) => field.name === 'flags');
    for (const [i, { bit }] of fields.entries()) assert.ok(bit === undefined || (flags >= 0 && flags < i), name);
  }
});

type Named = Extract<FieldType, { is: 'bare' | 'boxed' }>;

function named(type: FieldType): Named[] {
  if (type.is === 'vector') return named(type.of);
  return type.is === 'basic' ? [] : [type];
}

function depth(of: Declaration, above: readonly string[]): number {
  assert.ok(!above.includes(of.name), `${of.name} contains itself`);
  const inside = of.fields
    .flatMap((field) => named(field.type))
    .flatMap((type) =>
      [...declarations.values()].filter((it) =>
        type.is === 'bare' ? it.name === type.name : it.role === 'constructor' && it.result === type.result,
      ),
    );
  return 1 + Math.max(0, ...inside.map((it) => depth(it, [...above, of.name])));
}
