import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseEngineConfig } from './config.ts';
import { EngineError } from './errors.ts';

it('fills in what is left out', () => {
  const defaults = { host: '127.0.0.1', port: 8000, modelName: 'bombyx-tiny', maxRunning: 1, maxQueue: 16 };
  assert.deepEqual(parseEngineConfig({ http_port: 8000 }), defaults);
});

it('reads every field', () => {
  const json = { http_port: 0, host: '::1', model_path: 'm.gguf', model_name: 'm', max_running: 2, max_queue: 0 };
  const options = { host: '::1', port: 0, modelPath: 'm.gguf', modelName: 'm', maxRunning: 2, maxQueue: 0 };
  assert.deepEqual(parseEngineConfig(json), options);
});

for (const [what, json, named] of [
  ['an unknown key', { http_port: 1, modle_path: 'x' }, /modle_path/],
  ['a missing port', {}, /http_port/],
  ['a port beyond 65535', { http_port: 65_536 }, /http_port/],
  ['a queue below zero', { http_port: 1, max_queue: -1 }, /max_queue/],
  ['something that is no object', 'x', /configuration/],
] as const) {
  it(`refuses ${what} and names it`, () => {
    assert.throws(
      () => parseEngineConfig(json),
      (error) => error instanceof EngineError && error.code === 'ENGINE_CONFIG' && named.test(error.message),
    );
  });
}
