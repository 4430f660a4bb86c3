import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseRouterFile } from '@bombyx/router';
import { scratchFolder } from '../../testing/attestation-cases.ts';
import { ended, printed } from '../../testing/printed.ts';
import { planOf } from '../router/plan.ts';
import { parseCommandLine } from '../usage.ts';
import { router } from './router.ts';

const folder = scratchFolder();
after(() => folder[Symbol.dispose]());
const planned = (...argv: readonly string[]) => planOf(parseCommandLine(router, argv));

describe('the command line of the C++ router', () => {
  it('means the same here, in its short and its long form', () => {
    const short = planned(
      '-S8116@tdx',
      '-R',
      '11001:localhost:11101@any',
      '-s',
      '-C',
      '/etc/tdx/tdx',
      '-d',
      '0',
      '-m',
      '30',
      '-t',
      '2',
    );
    const long = planned(
      ...['--socks5', '8116@tdx', '--rev=11001:localhost:11101@any', '--serialize-info', '--cert', '/etc/tdx/tdx'],
      ...['--pow-difficulty', '0', '--max-pow-difficulty=30', '--threads', '2'],
    );
    assert.deepEqual(short, long);
    assert.deepEqual(short, {
      certificateBase: '/etc/tdx/tdx',
      threads: 2,
      serializeInfo: true,
      powDifficulty: 0,
      maxPowDifficulty: 30,
      collateralRoots: undefined,
      policies: [],
      ports: [
        { port: 8116, type: 'socks5', policy: 'tdx' },
        { port: 11_001, type: 'reverse', policy: 'any', destination: { host: 'localhost', port: 11_101 } },
      ],
    });
  });

  it('asks for 20 bits of work and does 28, when nothing else is said', () => {
    const { powDifficulty, maxPowDifficulty, serializeInfo, threads } = planned('-S', '8116@any');
    assert.deepEqual([powDifficulty, maxPowDifficulty, serializeInfo, threads], [20, 28, false, 0]);
  });

  it('ports named on it replace those of the file, whose policies stay', () => {
    const file = folder.write(
      'router.json',
      JSON.stringify({
        cert_base_name: 'there',
        policies: [{ name: 'mine', type: 'tdx', measurements: 'any' }],
        ports: [{ port: 9000, type: 'socks5', policy_name: 'mine', serialize_info: true, max_pow_difficulty: 4 }],
      }),
    );
    const fromFile = planned('-c', file);
    assert.deepEqual(
      fromFile.ports.map(({ port, serializeInfo, maxPowDifficulty }) => [port, serializeInfo, maxPowDifficulty]),
      [[9000, true, 4]],
    );
    const replaced = planned('-c', file, '-S', '8116@mine', '-C', 'here');
    assert.deepEqual([replaced.ports.map(({ port }) => port), replaced.certificateBase], [[8116], 'here']);
  });

  it('a file in which a name stands twice is refused, however deep it stands', () => {
    const text = '{"policies":[{"name":"mine","type":"tdx","measurements":[],"measurements":"any"}],"ports":[]}';
    assert.throws(() => planned('-c', folder.write('doubled.json', text)), {
      code: 'CLI_CONFIG',
      message: /the name "measurements" stands twice/,
    });
  });

  const bad: [string, string[], RegExp][] = [
    ['no port at all', [], /CLI_USAGE: there is no port to open/],
    ['an unknown policy', ['-S', '8116@tdxx'], /no policy "tdxx"/],
    [
      'several mistakes at once',
      ['-S', '80@tdx', '-R', '9000@any', '-P', 'tdx:tdx:ab'],
      /"80" is not a port.*port:host:port@policy.*not 64 hex digits/,
    ],
    [
      'more work than a hash has bits',
      ['-S', '8116@any', '-d', '65'],
      /--pow-difficulty must be an integer from 0 to 64/,
    ],
    ['a root key that is none', ['-S', '8116@tdx', '--collateral-hash', 'ab'], /not 96 hex digits/],
    ['a file that is missing', ['-c', '/nowhere/router.json'], /CLI_CONFIG: the router configuration .* is missing/],
    [
      'a file that is cut off, with the place',
      ['-c', folder.write('torn.json', '{"name":"x",')],
      /CLI_CONFIG: .*torn\.json is not JSON: it ends too early, in line 1, column 13$/,
    ],
    [
      'a file that is none, with the place and nothing of its text',
      ['-c', folder.write('html', '{"key": secret}')],
      /CLI_CONFIG: .* is not JSON: the fault is in line 1, column 9$/,
    ],
    [
      'a file with a policy that shadows a built-in one',
      [
        '-c',
        folder.write(
          'shadow.json',
          '{"policies":[{"name":"tdx","type":"tdx","tdx_config":{"allowed_image_hashes":[]}}]}',
        ),
      ],
      /CLI_CONFIG: .*name of a built-in policy/,
    ],
  ];
  for (const [name, argv, expected] of bad) {
    it(`refuses ${name}`, () => {
      try {
        planned(...argv);
      } catch (error) {
        return assert.match(`${(error as { code: string }).code}: ${(error as Error).message}`, expected);
      }
      return assert.fail('it was taken');
    });
  }

  it('refuses an option that nobody knows, by name', () => {
    assert.throws(() => planned('-S', '8116@any', '--sockz5', 'x'), /--sockz5/);
    assert.throws(() => planned('-S', '8116@any', '-x'), /-x/);
  });

  it('prints an example that it takes itself', async () => {
    const text = await printed(router, '-g');
    assert.equal(parseRouterFile(JSON.parse(text)).ports.length, 2);
  });

  const start = (...argv: string[]) => printed(router, '-v', '0', '--data-dir', folder.path, ...argv);

  it('says which certificate file is missing, and how another is named', async () => {
    await assert.rejects(start('-S', '8116@tdx', '-C', '/nowhere/tdx'), {
      code: 'CLI_CONFIG',
      message:
        /^the certificate file \/nowhere\/tdx_cert\.pem is missing; name BASE_cert\.pem .* with -C BASE, or leave/,
    });
    const example = folder.write('example.json', await printed(router, '-g'));
    if (existsSync('/etc/tdx/tdx_cert.pem')) return; // a machine that has one
    await assert.rejects(start('-c', example), {
      code: 'CLI_CONFIG',
      message:
        /\/etc\/tdx\/tdx is the base name of the example: .* with -C BASE or as cert_base_name in .*example\.json/,
    });
  });

  it('says what is wrong with certificate files that are there, without the words of OpenSSL', async () => {
    folder.write('odd_cert.pem', 'no certificate');
    folder.write('odd_key.pem', 'no key');
    await assert.rejects(start('-S', '8116@tdx', '-C', join(folder.path, 'odd')), {
      code: 'CLI_CONFIG',
      message: /odd_cert\.pem and .*odd_key\.pem cannot be used: the first holds no certificate in PEM; /,
    });
  });

  it('says which port is in use', async () => {
    const taken = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as net.AddressInfo;
    try {
      await assert.rejects(start('-S', `${port}@any`), {
        code: 'CLI_PORT_IN_USE',
        message: `port ${port} is in use by another program; choose another`,
      });
    } finally {
      taken.close();
    }
  });

  it('opens its ports, says so, and closes them when it is stopped', async () => {
    const port = await freePort();
    const stop = new AbortController();
    const data = ['--data-dir', folder.path];
    const running = ended(router, ['-S', `${port}@tdx`, '-s', '-v', '0', ...data, '--json'], stop.signal);
    for (let tries = 0; !(await opens(port)); tries++) {
      assert.ok(tries < 1_000, 'the port never opens');
      await sleep(10);
    }
    stop.abort();
    const { code, lines } = await running;
    assert.equal(code, 0);
    assert.deepEqual((JSON.parse(lines[0]!) as { ports: unknown }).ports, [{ port, type: 'socks5' }]);
    assert.equal(await opens(port), false);
  });
});

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function opens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
