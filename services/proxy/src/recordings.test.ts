/** The recorded conversations of the C++ programs: our proxy in the place of theirs, the peers' frames as recorded. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parseAddress, verifyPayment } from '@bombyx/ton';
import { decode, decodeOf, type Tl, type TlFunction, type TlObject } from '@bombyx/wire';
import { createBench, leaks, type Peer, turns, vectors } from '../testing/harness.ts';

interface Packet {
  readonly fromPeer: boolean;
  readonly packet: Tl<'tcp.packet'> | Tl<'tcp.query'> | Tl<'tcp.queryAnswer'>;
  readonly inner: TlObject;
}

/** Messages and queries of one recorded connection, in order. */
function conversation(name: string): Packet[] {
  const text = readFileSync(new URL(`decoded/${name}.frames.jsonl`, vectors), 'utf8');
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, string>);
  const packets = lines
    .filter(({ kind }) => kind === 'frame')
    .map(({ dir, hex }) => ({
      fromPeer: dir === 'a>b',
      packet: decodeOf('tcp.Packet', Buffer.from(hex!, 'hex').subarray(8)),
    }))
    .filter((it): it is Omit<Packet, 'inner'> =>
      ['tcp.packet', 'tcp.query', 'tcp.queryAnswer'].includes(it.packet.kind),
    )
    .map((it) => ({ ...it, inner: decode(it.packet.data) }));
  assert.ok(packets.length > 3, `${name} is empty`);
  return packets;
}

const client = conversation('rpc-client.c6');
const worker = conversation('rpc-worker.c5');
const theirs = <K extends TlObject['kind']>(from: readonly Packet[], kind: K, fromPeer = false) =>
  from
    .filter((it) => it.fromPeer === fromPeer && it.inner.kind === kind)
    .map(({ inner }) => inner as Extract<TlObject, { kind: K }>);

async function handshakes(bench: ReturnType<typeof createBench>): Promise<{ client: Peer; worker: Peer }> {
  const peers = { client: bench.clientPeer(), worker: bench.workerPeer() };
  const steps: [Peer, readonly Packet[], TlObject['kind']][] = [
    [peers.worker, worker, 'worker.connectToProxy'],
    [peers.worker, worker, 'worker.compareBalanceWithProxy'],
    [peers.worker, worker, 'worker.proxyHandshakeComplete'],
    [peers.client, client, 'client.connectToProxy'],
    [peers.client, client, 'client.authorizeWithProxyShort'],
  ];
  for (const [peer, recording, kind] of steps) {
    const asked = recording.find(({ inner, fromPeer }) => fromPeer && inner.kind === kind)!;
    await peer.ask(asked.inner as TlFunction);
  }
  await turns();
  bench.clock.advance(60);
  return peers;
}

describe('the recorded C++ peers at our proxy', () => {
  it('get the addresses, version and authorization that the C++ proxy gave', async () => {
    using bench = createBench();
    for (const [recording, kind, peer] of [
      [client, 'client.connectToProxy', bench.clientPeer()],
      [worker, 'worker.connectToProxy', bench.workerPeer()],
    ] as const) {
      const [asked] = theirs(recording, kind, true);
      const answer = await peer.ask(asked!);
      const expected = recording.find(({ inner }) => inner.kind === kind.replace('connectTo', 'connectedTo'))!.inner;
      assert.deepEqual(answer, expected);
    }
  });

  it('get a payment that the recorded client could verify', async () => {
    using bench = createBench();
    const [connected] = theirs(client, 'client.connectedToProxy');
    const peer = bench.clientPeer();
    await peer.ask(theirs(client, 'client.connectToProxy', true)[0]!);
    const done = await peer.ask(theirs(client, 'client.authorizeWithProxyShort', true)[0]!);
    assert.ok(
      done.kind === 'client.authorizationWithProxySuccess' && done.signed_payment.kind === 'proxy.signedPayment',
    );
    const contract = parseAddress(connected!.client_sc_address);
    const expected = { kind: 'charge', contract, publicKey: connected!.params.proxy_public_key } as const;
    const [theirSuccess] = theirs(client, 'client.authorizationWithProxySuccess');
    assert.ok(theirSuccess!.signed_payment.kind === 'proxy.signedPayment');
    const recorded = verifyPayment(theirSuccess!.signed_payment.data, expected);
    const ours = verifyPayment(done.signed_payment.data, expected);
    assert.equal(ours.tokens, recorded.tokens);
    assert.ok(ours.excess.equals(recorded.excess), 'the same wallet gets the coins left over');
    assert.equal(done.signed_payment.data.length, theirSuccess!.signed_payment.data.length);
  });

  it('get the recorded list of models', async () => {
    using bench = createBench();
    const peers = await handshakes(bench);
    const types = await peers.client.ask({ kind: 'client.getWorkerTypesV2' });
    assert.deepEqual(types, theirs(client, 'client.workerTypesV2')[0]);
  });

  it('have their recorded requests served, streams and errors included, and every token counted', async () => {
    using bench = createBench();
    const peers = await handshakes(bench);
    let expected = 0n;
    const answers = worker.filter(({ fromPeer, inner }) => fromPeer && inner.kind.startsWith('proxy.queryAnswer'));
    const served: string[] = [];
    for (const request of theirs(client, 'client.runQueryEx', true)) {
      peers.client.connection.sent.length = 0;
      peers.worker.connection.sent.length = 0;
      peers.client.tell(request);
      const [job] = peers.worker.got('proxy.runQueryEx');
      if (!job) {
        const { answer, final_info } = peers.client.the('client.queryAnswerEx');
        assert.equal(decodeOf('http.response', answer).status_code, 404, 'only the unknown model is refused');
        assert.ok(final_info);
        served.push('refused');
        continue;
      }
      assert.deepEqual(job.query, request.query, 'the request is passed on as it came');
      const recordedJob = theirs(worker, 'proxy.runQueryEx').find(({ query }) => query.equals(request.query));
      assert.ok(recordedJob, 'the C++ proxy sent this one on, too');
      for (const { inner } of answers) {
        if (!('request_id' in inner) || !inner.request_id.equals(recordedJob.request_id)) continue;
        const replayed = { ...inner, request_id: job.request_id } as TlObject;
        if ('final_info' in inner && inner.final_info) expected += inner.final_info.tokens_used.total_tokens_used;
        peers.worker.tell(replayed);
      }
      await turns();
      const ends = peers.client.connection.sent.filter((it) => 'flags' in it && (it.flags & 1) === 1);
      assert.equal(ends.length, 1, 'one end');
      assert.equal(peers.client.got('proxy.clientRequestPayment').length, 1);
      assert.equal(peers.worker.the('proxy.workerRequestPayment').request_client_owner, '');
      served.push('served');
    }
    assert.ok(served.filter((it) => it === 'served').length >= 5 && served.includes('refused'), served.join());
    assert.equal(bench.keeper.totals().charged, expected);
    assert.ok(expected > 0n);
    assert.deepEqual(leaks(bench), []);
  });

  it('have their price and their switch obeyed', async () => {
    using bench = createBench();
    const peers = await handshakes(bench);
    const [link] = [...bench.core.sessions.pool.links()];
    const said: string[] = [];
    for (const { fromPeer, inner } of worker) {
      if (!fromPeer || (inner.kind !== 'worker.enabledDisabled' && inner.kind !== 'worker.newCoefficient')) continue;
      peers.worker.tell(inner);
      said.push(`${link!.enabled} ${link!.coefficient}`);
    }
    assert.deepEqual(said, ['false 1000', 'true 1000', 'true 2000']);
  });

  it('authorize with another secret by the long way, at once, as the second recorded client', async () => {
    using bench = createBench();
    const second = conversation('rpc-client.c9');
    const peer = bench.clientPeer();
    for (const { fromPeer, packet, inner } of second) {
      if (!fromPeer || packet.kind !== 'tcp.query') continue;
      const answer = await peer.ask(inner as TlFunction);
      const answered = second.find((it) => it.packet.kind === 'tcp.queryAnswer' && it.packet.id === packet.id);
      if (answered) assert.equal(answer.kind, answered.inner.kind);
    }
    assert.equal(peer.connection.signal.aborted, false);
  });

  it('a worker that remembers more than our books is let in by the extended way', async () => {
    using bench = createBench();
    const reconnecting = conversation('rpc-worker.c15');
    const peer = bench.workerPeer();
    await peer.ask(theirs(reconnecting, 'worker.connectToProxy', true)[0]!);
    const result = await peer.ask(theirs(reconnecting, 'worker.compareBalanceWithProxy', true)[0]!);
    assert.ok(result.kind === 'worker.compareBalanceWithProxyResult');
    assert.equal(result.error_code, 1);
    await peer.ask({
      kind: 'worker.extendedCompareBalanceWithProxy',
      tokens_committed_to_db: 295n,
      other: Buffer.alloc(0),
    });
    const done = await peer.ask(theirs(reconnecting, 'worker.proxyHandshakeComplete', true)[0]!);
    assert.equal(done.kind, 'worker.proxyHandshakeCompleted');
  });
});
