/** The chain of proofs that an app can check by itself, and the headers that lead to it. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { ProxyProof } from '@bombyx/client';
import { chat, gatewayFor } from './harness.ts';
import { openAiBackend } from './openai-backend.ts';

const bundle = Buffer.from('a bundle');
const shown = {
  form: 'fresh',
  proof: bundle,
  publicKey: Buffer.alloc(32, 1),
  imageHash: Buffer.alloc(32, 2),
  nonce: Buffer.alloc(32, 3),
  exporter: Buffer.alloc(32, 4),
  policy: 'simulated',
  judgedAtMs: Date.UTC(2026, 0, 1),
} as const;
const evidence = createHash('sha256').update(bundle).digest();
const proofs: ProxyProof[] = [
  {
    address: '127.0.0.1:11002',
    tier: 'simulated',
    shown,
    verdict: {
      tier: 'simulated',
      attestation: 'simulated',
      imageHash: Buffer.alloc(32, 2),
      publicKey: Buffer.alloc(32, 1),
      owner: '',
      measurements: { measurement: '00' },
      advisories: [],
      gpus: [],
      fresh: true,
      notBeforeMs: 0,
      expiresAtMs: Number.POSITIVE_INFINITY,
    },
    workers: [{ tier: 'simulated', model: 'm@c:h', evidence, shown }],
  },
];

test('GET /v1/attestation gives the proofs of proxies and workers with all that they are bound to', async (t) => {
  const { ask, client } = await gatewayFor(t);
  client.proofs_ = proofs;
  const answer = await ask('GET', '/v1/attestation');
  assert.equal(answer.status, 200);
  assert.equal(answer.json.exporter_label, 'EXPORTER-cocoon-attest-v2');
  const [proxy] = answer.json.proxies;
  assert.equal(proxy.verdict.image_hash, '02'.repeat(32));
  assert.equal(proxy.verdict.expires_at_ms, null);
  const [worker] = proxy.workers;
  assert.equal(worker.model_hash, createHash('sha256').update('m@c:h').digest('hex'));
  assert.equal(worker.evidence, evidence.toString('hex'));
  for (const one of [proxy, worker]) {
    assert.equal(one.proof, bundle.toString('base64'));
    assert.equal(one.nonce, shown.nonce.toString('base64'));
    assert.equal(one.exporter, shown.exporter.toString('base64'));
    assert.equal(one.judged_at, '2026-01-01T00:00:00.000Z');
  }
});

test('evidence that no connected worker showed is not found, and what is no digest is refused', async (t) => {
  const { ask } = await gatewayFor(t);
  assert.equal((await ask('GET', `/v1/attestation?evidence=${'0'.repeat(64)}`)).json.error.code, 'evidence_not_found');
  assert.equal((await ask('GET', '/v1/attestation?evidence=xyz')).status, 400);
  assert.equal((await ask('POST', '/v1/attestation', {})).status, 405);
});

for (const stream of [false, true]) {
  test(`an answer names tier, model and evidence in its head${stream ? ', also a stream' : ''}`, async (t) => {
    const serve = openAiBackend();
    const headers = [
      ['X-Bombyx-Tier', 'simulated'],
      ['X-Bombyx-Model-Hash', 'aa'.repeat(32)],
      ['X-Bombyx-Evidence', evidence.toString('hex')],
    ] as const;
    const { ask } = await gatewayFor(t, (run) => {
      const { sink } = run;
      const head: typeof sink.head = (status, reason, list) => sink.head(status, reason, [...list, ...headers]);
      return serve({ ...run, sink: { ...sink, head } });
    });
    const answer = await ask('POST', '/v1/chat/completions', chat('hello', { stream }));
    assert.equal(answer.status, 200);
    for (const [name, value] of headers) assert.equal(answer.headers[name.toLowerCase()], value);
  });
}
