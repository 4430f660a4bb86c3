import assert from 'node:assert/strict';
import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { type Binding, ed25519Of, encodeEvidence, imageHash, readCertificate, readQuote } from '@bombyx/attest';
import { nodeCrypto } from '@bombyx/attest/node';
import { silentLogger, systemClock } from '@bombyx/base';
import { CollateralStore } from '@bombyx/evidence';
import { eventually, FakeClock } from '@bombyx/testkit';
import {
  anyPolicy,
  type Connection,
  type ConnectionHandlers,
  connect,
  createIdentity,
  FAKE_IMAGE_HASH,
  fakeTdxPolicy,
  type ListenSecurity,
  listen,
  NO_IMAGE_HASH,
  TransportError,
} from '@bombyx/transport';
import { intelWorld, WORLD_AT_MS } from '../../../packages/attest/testing/intel-world.ts';
import { Machine, NOW_MS, signingKey } from '../../../packages/attest/testing/peer-world.ts';
import { WallClock } from '../../../packages/evidence/testing/clocks.ts';
import { makeTlsCertificate, makeTlsKey } from '../../../packages/evidence/testing/ra-tls.ts';
import { halfHandshake } from '../testing/half-handshake.ts';
import { certificateFolder, plainServer, raw, route } from '../testing/worlds.ts';
import { certificateFiles } from './certificate-files.ts';
import type { RouterError } from './errors.ts';
import type { PortPlan } from './plan.ts';
import { policyOfFile, policyOfWords } from './policies.ts';
import { replyForFailure } from './socks.ts';

const files = await certificateFolder();
after(() => files[Symbol.dispose]());
const deps = { clock: systemClock, log: silentLogger };
const answer = { kind: 'client.workerTypesV2', types: [] } as const;
const answering: ConnectionHandlers = { onMessage() {}, onQuery: async () => answer };

async function part(security: ListenSecurity = { kind: 'router' }) {
  const accepted: Connection[] = [];
  const listener = await listen(
    { host: '127.0.0.1', port: 0, security },
    (connection) => {
      accepted.push(connection);
      return answering;
    },
    deps,
  );
  return { listener, accepted, [Symbol.asyncDispose]: () => listener.close() };
}

const local = (port: number) => ({ host: '127.0.0.1', port }) as const;
const ask = (connection: Connection) => connection.query({ kind: 'client.getWorkerTypesV2' }, { timeoutMs: 20_000 });

const policyOf = (name: string, images: readonly string[]) =>
  policyOfWords(name, 'tdx', images, (fault) => assert.fail(fault));

/** Our connecting side, through a SOCKS5 port, to `target`. */
function through(socksPort: number, target: number): Promise<Connection> {
  return connect({ ...local(target), security: { kind: 'router', via: local(socksPort) } }, () => answering, deps);
}

describe('two routers between two parts', () => {
  for (const [policy, base, hash, attestation] of [
    ['any', files.plain, NO_IMAGE_HASH, 'none'],
    ['any', files.fake, NO_IMAGE_HASH, 'none'],
    ['fake_tdx', files.fake, FAKE_IMAGE_HASH, 'fake_tdx'],
  ] as const) {
    it(`under the policy ${policy} with the certificate ${base.split('/').at(-1)} both parts learn who the other is, and talk`, async () => {
      await using server = await part();
      const plan = { certificateBase: base };
      await using there = await route([{ type: 'reverse', policy, destination: local(server.listener.port) }], plan);
      await using here = await route([{ type: 'socks5', policy }], plan);
      const connection = await through(here.ports[0]!, there.ports[0]!);
      assert.deepEqual(await ask(connection), answer);
      for (const { peer } of [connection, server.accepted[0]!]) {
        assert.deepEqual([peer.attestation, peer.imageHash], [attestation, hash]);
        assert.equal(peer.publicKey?.length, 32);
      }
      assert.equal(server.accepted[0]!.peer.address, '127.0.0.1');
      assert.deepEqual([here.router.doors[0]!.tunnels, there.router.doors[0]!.tunnels], [1, 1]);
      connection.close();
      await eventually(
        'both tunnels ended',
        () => here.router.doors[0]!.tunnels + there.router.doors[0]!.tunnels === 0,
      );
    });
  }

  it('a fixed destination needs no SOCKS5, and without the peer-info frame bytes are passed on as they are', async () => {
    await using echo = await plainServer((socket) => void socket.pipe(socket));
    const plan = { serializeInfo: false };
    await using there = await route([{ type: 'reverse', policy: 'any', destination: local(echo.port) }], plan);
    await using here = await route([{ type: 'forward', policy: 'any', destination: local(there.ports[0]!) }], plan);
    const program = raw(here.ports[0]!);
    const sent = Buffer.alloc(1_000_000, 'abcdefg');
    program.socket.write(sent);
    await eventually('the echo', () => program.got().length === sent.length);
    assert.ok(program.got().equals(sent));
    program.socket.end();
    await program.closed;
  });

  it('a machine that only plays to be confidential passes no policy tdx, at either end', async () => {
    await using server = await part();
    const plan = { certificateBase: files.fake };
    const destination = local(server.listener.port);
    await using there = await route(
      [
        { type: 'reverse', policy: 'tdx', destination },
        { type: 'reverse', policy: 'any', destination },
      ],
      plan,
    );
    await using here = await route(
      [
        { type: 'socks5', policy: 'any' },
        { type: 'socks5', policy: 'tdx' },
      ],
      plan,
    );
    await assert.rejects(through(here.ports[0]!, there.ports[0]!), { code: /^TRANSPORT_/ });
    await eventually('the refusal over there', () =>
      there.refusals.some((told) => /PEER_REFUSED.*stand-in/.test(told)),
    );
    await assert.rejects(through(here.ports[1]!, there.ports[1]!), { code: /^TRANSPORT_/ });
    await eventually('the refusal here', () => here.refusals.some((told) => /PEER_REFUSED.*stand-in/.test(told)));
    assert.equal(server.accepted.length, 0);
  });
});

describe('a TD behind a router', () => {
  /** A machine of a maker of our own, its certificate files, and a store that knows its platform. */
  async function tdWorld() {
    const clock = new WallClock(WORLD_AT_MS);
    const key = makeTlsKey();
    const world = intelWorld({
      quotedBody(body) {
        body.set(Buffer.from('e702060000000000', 'hex'), 128); // XFAM
        body.fill(7, 328, 328 + 48); // RTMR0
        body.set(createHash('sha512').update(key.publicKey).digest(), 520);
      },
    });
    const der = makeTlsCertificate(key, world.quote, WORLD_AT_MS);
    const base = `${files.plain}-td`;
    const body = Buffer.from(der).toString('base64').replace(/.{64}/g, '$&\n');
    writeFileSync(`${base}_cert.pem`, `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`);
    writeFileSync(`${base}_key.pem`, key.key.export({ type: 'pkcs8', format: 'pem' }));
    const random = { bytes: (size: number) => new Uint8Array(randomBytes(size)) };
    const store = new CollateralStore(
      { intel: { endpoints: [], fmspcs: 'any', root: world.root } },
      { clock, log: silentLogger, random },
    );
    await store.intel.add(world.collateral);
    return { clock, collateral: store, base, quote: readQuote(world.quote) };
  }

  it('is admitted by the policy tdx, and its registers reach the program on the other side', async () => {
    const { clock, collateral, base, quote } = await tdWorld();
    await using _ = collateral;
    await using server = await part();
    const destination = local(server.listener.port);
    await using there = await route([{ type: 'reverse', policy: 'tdx', destination }], {}, { clock, collateral });
    await using here = await route([{ type: 'socks5', policy: 'any' }], { certificateBase: base }, { clock });
    const connection = await through(here.ports[0]!, there.ports[0]!);
    assert.deepEqual(await ask(connection), answer);
    const { peer } = server.accepted[0]!;
    assert.deepEqual([peer.attestation, peer.imageHash], ['tdx', Buffer.from(imageHash(quote, nodeCrypto))]);
    connection.close();
  });

  it('is refused where its platform is not known, or its image not listed', async () => {
    const { clock, collateral, base } = await tdWorld();
    await using _ = collateral;
    const ports = (policy: PortPlan['policy']) => [{ type: 'reverse', policy, destination: local(1) }] as const;
    const other = policyOf('other', ['00'.repeat(32)]);
    await using unknown = await route(ports('tdx'), {}, { clock });
    await using unlisted = await route(ports(other), {}, { clock, collateral });
    await using here = await route([{ type: 'socks5', policy: 'any' }], { certificateBase: base }, { clock });
    for (const [there, code] of [
      [unknown, /COLLATERAL|collateral|real evidence/],
      [unlisted, /is not allowed/],
    ] as const) {
      await assert.rejects(through(here.ports[0]!, there.ports[0]!), { code: /^TRANSPORT_/ });
      await eventually('the refusal', () => there.refusals.length > 0);
      assert.match(there.refusals[0]!, code);
    }
  });
});

describe('a router between one part that does its own TLS and one that does not', () => {
  it('leads a program to a listener with TLS of its own', async () => {
    const identity = await createIdentity({ attestation: 'fake_tdx' });
    await using server = await part({ kind: 'tls', identity, policy: anyPolicy(), pow: { difficulty: 1 } });
    await using here = await route([{ type: 'socks5', policy: 'fake_tdx' }]);
    const connection = await through(here.ports[0]!, server.listener.port);
    assert.deepEqual(await ask(connection), answer);
    assert.deepEqual(connection.peer.imageHash, FAKE_IMAGE_HASH);
    connection.close();
  });

  it('lets a peer in that does its own TLS', async () => {
    await using server = await part();
    await using there = await route(
      [{ type: 'reverse', policy: 'fake_tdx', destination: local(server.listener.port) }],
      {
        certificateBase: files.fake,
      },
    );
    const security = {
      kind: 'tls',
      identity: await createIdentity({ attestation: 'fake_tdx' }),
      policy: fakeTdxPolicy(),
    } as const;
    const connection = await connect({ ...local(there.ports[0]!), security }, () => answering, deps);
    assert.deepEqual(await ask(connection), answer);
    assert.deepEqual(server.accepted[0]!.peer.imageHash, FAKE_IMAGE_HASH);
    connection.close();
  });

  it('judges a part of ours by its evidence for this connection, and tells what the frame has no word for as not attested', async () => {
    const clock = new WallClock(NOW_MS);
    const machine = new Machine(signingKey());
    const prove = async (binding: Binding) => encodeEvidence(machine.prove(binding, { publicKey: binding.publicKey }));
    const evidence = { role: 'worker', evidence: prove } as const;
    const identity = await createIdentity({ attestation: 'simulated', evidence, clock });
    const desk = (root: Uint8Array) => {
      const roots = [Buffer.from(root).toString('hex')];
      return policyOfFile({ name: 'desk', type: 'simulated', measurements: 'any', roots }, (fault) =>
        assert.fail(fault),
      );
    };
    await using server = await part();
    const destination = local(server.listener.port);
    const policies = [desk(machine.root.publicKey), desk(signingKey().publicKey)];
    await using there = await route(
      policies.map((policy) => ({ type: 'reverse', policy, destination })),
      {},
      { clock },
    );
    const security = { kind: 'tls', identity, policy: anyPolicy() } as const;
    const knock = (port: number) => connect({ ...local(port), security }, () => answering, { ...deps, clock });
    const connection = await knock(there.ports[0]!);
    assert.deepEqual(await ask(connection), answer);
    assert.deepEqual(server.accepted[0]!.peer.attestation, 'none');
    connection.close();
    // policies of one name are two policies
    await assert.rejects(knock(there.ports[1]!), { code: 'TRANSPORT_REFUSED_BY_PEER', message: /SIMULATED_ROOT|root/ });
  });

  it('shows nothing of a peer that is refused to the program behind it', async () => {
    let seen = 0;
    await using program = await plainServer(() => void seen++);
    await using there = await route([{ type: 'reverse', policy: 'fake_tdx', destination: local(program.port) }]);
    const security = { kind: 'tls', identity: await createIdentity(), policy: anyPolicy() } as const;
    await assert.rejects(
      connect({ ...local(there.ports[0]!), security }, () => answering, deps),
      { code: /^TRANSPORT_/ },
    );
    await eventually('the refusal', () => /TRANSPORT_PEER_REFUSED/.test(there.refusals[0] ?? ''));
    assert.match(there.refusals[0]!, /the policy "fake_tdx" asks for the fake_tdx stand-in/);
    assert.equal(seen, 0);
  });
});

describe('the SOCKS5 port', () => {
  for (const [name, code, reply] of [
    ['a connection that the target refuses', 'ECONNREFUSED', 5],
    ['a host that cannot be reached', 'EHOSTUNREACH', 4],
    ['a network that cannot be reached', 'ENETUNREACH', 3],
    ['a target that never answers', 'ETIMEDOUT', 6],
    ['what has no code of its own', 'EACCES', 1],
  ] as const) {
    it(`tells ${name} by code ${reply}`, () => {
      const cause = Object.assign(new Error('the system says so'), { code });
      assert.equal(replyForFailure(new TransportError('TRANSPORT_CONNECT', 'x', {}, { cause })), reply);
    });
  }

  it('tells a step that took too long by code 6', () => {
    assert.equal(replyForFailure(new TransportError('TRANSPORT_TIMEOUT', 'x')), 6);
  });

  const REQUEST = Buffer.of(5, 1, 0, 1, 127, 0, 0, 1, 0, 1); // to port 1, where nobody listens
  const refused: [string, Buffer[], string][] = [
    ['another version', [Buffer.of(4, 1, 0)], ''],
    ['only a user name, where none may choose', [Buffer.of(5, 1, 2)], '05ff'],
    ['BIND', [Buffer.of(5, 1, 0), Buffer.of(5, 2, 0, 1, 127, 0, 0, 1, 0, 80)], '050005070001000000000000'],
    ['a host name', [Buffer.of(5, 1, 0), Buffer.of(5, 1, 0, 3, 1, 65, 0, 80)], '050005080001000000000000'],
    [
      'IPv6',
      [Buffer.of(5, 1, 0), Buffer.concat([Buffer.of(5, 1, 0, 4), Buffer.alloc(18)])],
      '050005080001000000000000',
    ],
    ['a port where nobody listens', [Buffer.of(5, 1, 0), REQUEST], '050005050001000000000000'],
  ];
  for (const [name, sent, expected] of refused) {
    it(`answers ${name} with a refusal, and closes`, async () => {
      await using here = await route([{ type: 'socks5', policy: 'any' }]);
      const program = raw(here.ports[0]!);
      for (const bytes of sent) program.socket.write(bytes);
      await program.closed;
      assert.equal(program.got().toString('hex'), expected);
      assert.match(here.refusals[0]!, /^TRANSPORT_(SOCKS|CONNECT)/);
    });
  }

  it('a user name chooses the policy where the port says so, and an unknown one is refused', async () => {
    await using here = await route([{ type: 'socks5', policy: 'tdx', policyFromUser: true }]);
    const hello = (name: string) => Buffer.from([5, 2, 0, 2, 1, name.length, ...Buffer.from(name), 1, 120]);
    const unknown = raw(here.ports[0]!);
    unknown.socket.write(hello('tdxx'));
    await unknown.closed;
    assert.equal(unknown.got().toString('hex'), '05020101');
    const known = raw(here.ports[0]!);
    known.socket.write(hello('fake_tdx'));
    await eventually('the answer', () => known.got().toString('hex') === '05020100');
    known.socket.destroy();
  });
});

describe('strangers', () => {
  it('who send garbage get nowhere, and the program behind hears nothing of them', async () => {
    let seen = 0;
    await using program = await plainServer(() => void seen++);
    await using there = await route([{ type: 'reverse', policy: 'any', destination: local(program.port) }], {
      powDifficulty: 20,
    });
    const answers = [
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.alloc(100_000, 0xff),
      Buffer.alloc(12),
      Buffer.from('19738201'.padEnd(24, '0'), 'hex'),
    ];
    for (const bytes of answers) {
      const peer = raw(there.ports[0]!);
      peer.socket.write(bytes);
      await peer.closed;
    }
    await eventually('the refusals', () => there.refusals.length === answers.length);
    for (const told of there.refusals) assert.match(told, /TRANSPORT_POW/);
    assert.equal(seen, 0);
  });

  for (const [name, records] of [
    ['certificate', 1],
    ['certificate and signature, and not the end of the handshake', 2],
  ] as const) {
    it(`who show the ${name} are not told to the program behind, and one who shows all three is`, async () => {
      const told: Buffer[] = [];
      let connections = 0;
      await using program = await plainServer((socket) => {
        connections++;
        socket.on('data', (chunk: Buffer) => told.push(chunk));
      });
      const clock = new FakeClock(Date.now());
      await using there = await route(
        [{ type: 'reverse', policy: 'fake_tdx', destination: local(program.port) }],
        { certificateBase: files.fake },
        { clock },
      );
      const { raw: certificate } = new X509Certificate(readFileSync(`${files.fake}_cert.pem`));
      const { sizes } = await halfHandshake(there.ports[0]!, files.fake, records);
      assert.ok(sizes[0]! > certificate.length && sizes[0]! < certificate.length + 100, 'the first record is no more');
      const { socket } = await halfHandshake(there.ports[0]!, files.fake, 3); // by its end, the first had time as well
      const key = Buffer.from(ed25519Of(readCertificate(certificate))!);
      await eventually('the frame', () => Buffer.concat(told).includes(key));
      assert.deepEqual([connections, there.router.doors[0]!.handshakes], [1, 1]);
      socket.destroy();
      await clock.advanceGently(30_000);
      await eventually('the refusal', () => there.refusals.some((why) => /TRANSPORT_TIMEOUT/.test(why)));
      assert.equal(connections, 1);
    });
  }

  it('who connect and say nothing hold a bounded number of places', async () => {
    await using there = await route([{ type: 'reverse', policy: 'any', destination: local(1) }]);
    const silent = Array.from({ length: 40 }, () => raw(there.ports[0]!));
    await eventually('the places', () => there.router.doors[0]!.handshakes === 32);
    await eventually('the others turned away', () => there.refusals.length === 8);
    for (const { socket } of silent) socket.destroy();
    await eventually('the places free', () => there.router.doors[0]!.handshakes === 0);
  });

  it('who connect and say nothing are given up, at either kind of port', async () => {
    const clock = new FakeClock(Date.now());
    await using silent = await plainServer(() => {}); // takes connections, and never sends a puzzle
    await using there = await route([{ type: 'reverse', policy: 'any', destination: local(1) }], {}, { clock });
    await using here = await route(
      [
        { type: 'socks5', policy: 'any' },
        { type: 'forward', policy: 'any', destination: local(silent.port) },
      ],
      {},
      { clock },
    );
    const peers = [raw(there.ports[0]!), raw(here.ports[0]!), raw(here.ports[1]!)];
    const doors = [...there.router.doors, ...here.router.doors];
    await eventually('all of them are being set up', () => doors.every(({ handshakes }) => handshakes === 1));
    await clock.advanceGently(30_000);
    await Promise.all(peers.map(({ closed }) => closed));
    for (const told of [...there.refusals, ...here.refusals]) assert.match(told, /TRANSPORT_TIMEOUT/);
    assert.equal(there.refusals.length + here.refusals.length, 3);
  });

  it('a router that closes ends what is under way', async () => {
    await using echo = await plainServer((socket) => void socket.pipe(socket));
    await using there = await route([{ type: 'reverse', policy: 'any', destination: local(echo.port) }], {
      serializeInfo: false,
    });
    const here = await route([{ type: 'forward', policy: 'any', destination: local(there.ports[0]!) }], {
      serializeInfo: false,
    });
    const program = raw(here.ports[0]!);
    program.socket.write('x');
    await eventually('the echo', () => program.got().length === 1);
    await here[Symbol.asyncDispose]();
    await program.closed;
  });
});

it('a connection ends with the verdict on its peer, though bytes flow', async () => {
  const clock = new FakeClock(Date.now());
  await using echo = await plainServer((socket) => void socket.pipe(socket));
  const verdict = await anyPolicy().judgeCertificate(Buffer.alloc(0), {
    role: 'worker',
    address: '',
    signal: AbortSignal.timeout(1_000),
  });
  assert.ok(verdict.ok);
  const peer = { ...verdict.peer, expiresAtMs: clock.nowMs() + 300_000 };
  const admit = () => Promise.resolve({ ok: true, peer } as const);
  const judge = { name: 'for five minutes', wantsFresh: false, judgeCertificate: admit, judgeEvidence: admit };
  const plan = { serializeInfo: false };
  await using there = await route([{ type: 'reverse', policy: 'any', destination: local(echo.port) }], plan, {
    clock,
    judge,
  });
  await using here = await route([{ type: 'forward', policy: 'any', destination: local(there.ports[0]!) }], plan);
  const program = raw(here.ports[0]!);
  program.socket.write('x');
  await eventually('the echo', () => program.got().length === 1);
  clock.advance(299_000);
  program.socket.write('y');
  await eventually('the echo', () => program.got().length === 2);
  clock.advance(2_000);
  await program.closed;
});

describe('the certificate', () => {
  it('is read again when its files have grown younger, and kept while they do not fit together', async () => {
    const clock = new FakeClock(Date.now());
    const base = `${files.plain}-again`;
    await files.renew(base);
    const identity = await certificateFiles(base, clock, silentLogger);
    const first = (await identity.credentials()).publicKey;
    await files.renew(base);
    const later = new Date(Date.now() + 5_000);
    for (const name of ['cert', 'key']) utimesSync(`${base}_${name}.pem`, later, later);
    assert.deepEqual((await identity.credentials()).publicKey, first, 'looked at once a minute');
    clock.advance(60_000);
    const second = (await identity.credentials()).publicKey;
    assert.notDeepEqual(second, first);
    writeFileSync(`${base}_key.pem`, 'half written');
    utimesSync(`${base}_key.pem`, new Date(Date.now() + 9_000), new Date(Date.now() + 9_000));
    clock.advance(60_000);
    assert.deepEqual((await identity.credentials()).publicKey, second);
  });

  it('that cannot be used stops the router before a port is opened', async () => {
    const code = async (base: string) => {
      try {
        await using _ = await route([{ type: 'socks5', policy: 'any' }], { certificateBase: base });
        return 'started';
      } catch (error) {
        return (error as RouterError).code;
      }
    };
    assert.equal(await code(`${files.plain}-nowhere`), 'ROUTER_CERTIFICATE');
    await files.renew(`${files.plain}-mixed`);
    writeFileSync(`${files.plain}-mixed_key.pem`, readFileSync(`${files.fake}_key.pem`));
    assert.equal(await code(`${files.plain}-mixed`), 'ROUTER_CERTIFICATE');
  });

  it('a port that is taken is told, and nothing stays open', async () => {
    await using taken = await plainServer(() => {});
    await assert.rejects(
      route([
        { type: 'socks5', policy: 'any' },
        { type: 'socks5', policy: 'any', ...{ port: taken.port } },
      ]),
      { code: 'ROUTER_LISTEN' },
    );
  });
});
