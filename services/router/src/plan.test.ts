import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exampleFile, parseRouterFile } from './config.ts';
import type { RouterError } from './errors.ts';
import { checkPlan, policiesOf, policyOfPort, type RouterPlan } from './plan.ts';
import { isHost, readFixedPort, readHexList, readOldPort, readPolicy, readSocksPort } from './words.ts';

const HASH = '04b3afd931d28680af91a15b09d672c40ad6b141f7f9089a8d67d595220f7436';
const ROOT = '46e4'.repeat(24);

/** What a reader gives, and what it complains about. */
function reading<T>(read: (tell: (fault: string) => void) => T): { value: T; faults: string } {
  const faults: string[] = [];
  const value = read((fault) => void faults.push(fault));
  return { value, faults: faults.join('; ') };
}

describe('words of the command line', () => {
  it('reads every form of a port that the C++ router has', () => {
    const good = [
      [readSocksPort, '8116@tdx', { port: 8116, type: 'socks5', policy: 'tdx' }],
      [readSocksPort, '8116@mine', { port: 8116, type: 'socks5', policy: 'mine' }],
      [readOldPort, '8116:socks5', { port: 8116, type: 'socks5', policy: 'any', destination: undefined }],
      [
        readOldPort,
        '9000:reverse:tdx:localhost:11101',
        { port: 9000, type: 'reverse', policy: 'tdx', destination: { host: 'localhost', port: 11_101 } },
      ],
    ] as const;
    for (const [read, text, expected] of good) {
      assert.deepEqual(
        reading((tell) => read(text, tell)),
        { value: expected, faults: '' },
        text,
      );
    }
    const fixed = reading((tell) => readFixedPort('reverse', '11001:127.0.0.1:11101@any', tell));
    assert.deepEqual(fixed, {
      value: { port: 11_001, type: 'reverse', policy: 'any', destination: { host: '127.0.0.1', port: 11_101 } },
      faults: '',
    });
  });

  it('hashes behind a built-in policy make a policy of this port alone', () => {
    const { value, faults } = reading((tell) => readSocksPort(`8116@tdx:${HASH},${'AB'.repeat(32)}`, tell));
    assert.equal(faults, '');
    assert.ok(typeof value.policy === 'object' && value.policy.type === 'tdx');
    assert.deepEqual(value.policy.measurements, [{ imageHash: HASH }, { imageHash: 'ab'.repeat(32) }]);
    assert.equal(value.policy.name, 'tdx of port 8116');
  });

  const bad: [string, (tell: (fault: string) => void) => unknown, RegExp][] = [
    ['no policy', (tell) => readSocksPort('8116', tell), /policy is missing/],
    ['a port of the system', (tell) => readSocksPort('80@any', tell), /"80" is not a port from 1024 to 65535/],
    ['a port that is too large', (tell) => readSocksPort('65536@any', tell), /is not a port/],
    ['a port in hexadecimal', (tell) => readSocksPort('0x2000@any', tell), /is not a port/],
    ['a port with a sign', (tell) => readSocksPort('+8116@any', tell), /is not a port/],
    ['no destination', (tell) => readFixedPort('forward', '9000@any', tell), /write port:host:port@policy/],
    [
      'half a destination',
      (tell) => readFixedPort('forward', '9000:localhost@any', tell),
      /write port:host:port@policy/,
    ],
    ['one part too many', (tell) => readFixedPort('reverse', '9000:a:1024:b@any', tell), /write port:host:port@policy/],
    [
      'an address that is none',
      (tell) => readFixedPort('forward', '9000:300.1.1.1:9000@any', tell),
      /neither an IPv4 address nor a host name/,
    ],
    ['IPv6', (tell) => readFixedPort('forward', '9000:[::1]:9000@any', tell), /write port:host:port/],
    ['a hash that is too short', (tell) => readSocksPort('8116@tdx:abcd', tell), /"abcd" is not 64 hex digits/],
    ['an empty list of hashes', (tell) => readSocksPort('8116@tdx:', tell), /an empty list or value/],
    ['an empty value in a list', (tell) => readSocksPort(`8116@tdx:${HASH},`, tell), /an empty list or value/],
    ['a hash that is there twice', (tell) => readSocksPort(`8116@tdx:${HASH},${HASH}`, tell), /listed twice/],
    ['hashes behind a name', (tell) => readSocksPort(`8116@mine:${HASH}`, tell), /give "mine" its own with -P/],
    ['hashes behind any', (tell) => readSocksPort(`8116@any:${HASH}`, tell), /looks at no evidence/],
    ['an unknown type of port', (tell) => readOldPort('8116:sock', tell), /the type must be socks5, forward, reverse/],
    [
      'half a destination in the old form',
      (tell) => readOldPort('8116:reverse:any:localhost', tell),
      /write port:type/,
    ],
    [
      'an unknown type of policy',
      (tell) => readPolicy(`mine:tdxx:${HASH}`, tell),
      /the type must be any, fake_tdx, tdx/,
    ],
    ['a policy with a built-in name', (tell) => readPolicy(`tdx:tdx:${HASH}`, tell), /name of a built-in policy/],
    ['a policy named as one of ours', (tell) => readPolicy(`simulated:tdx:${HASH}`, tell), /name of a built-in policy/],
    ['a policy that lists nothing', (tell) => readPolicy('mine:tdx', tell), /"measurements" is missing/],
    ['a policy with an empty list', (tell) => readPolicy('mine:tdx:', tell), /an empty list or value/],
    ['a policy of type any with hashes', (tell) => readPolicy(`mine:any:${HASH}`, tell), /looks at no evidence/],
    [
      'a root key of the wrong size',
      (tell) => readHexList('--collateral-hash', HASH, 48, tell),
      /is not 96 hex digits/,
    ],
  ];
  for (const [name, read, expected] of bad) {
    it(`refuses ${name}`, () => assert.match(reading(read).faults, expected));
  }

  it('knows host names from addresses', () => {
    for (const host of ['localhost', '127.0.0.1', 'a-b.example', '10.0.0.255']) assert.ok(isHost(host), host);
    for (const host of ['', '-a', 'a_b', '1.2.3', '01.2.3.4', '256.1.1.1', 'a..', 'a b'])
      assert.ok(!isHost(host), host);
  });
});

const plan: RouterPlan = {
  threads: 0,
  serializeInfo: false,
  powDifficulty: 20,
  maxPowDifficulty: 28,
  policies: [],
  ports: [{ port: 8116, type: 'socks5', policy: 'tdx' }],
};

function faultsOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.equal((error as RouterError).code, 'ROUTER_CONFIG');
    return (error as Error).message;
  }
  return '';
}

describe('a plan as a whole', () => {
  it('is taken when nothing is wrong', () => assert.equal(checkPlan(plan), plan));

  const bad: [string, Partial<RouterPlan>, RegExp][] = [
    ['no port', { ports: [] }, /there is no port to open/],
    [
      'one port twice',
      { ports: [plan.ports[0]!, { ...plan.ports[0]!, policy: 'any' }] },
      /the port 8116 is opened twice/,
    ],
    [
      'a policy that is not there',
      { ports: [{ port: 8116, type: 'socks5', policy: 'tdxx' }] },
      /no policy "tdxx"; there are any, fake_tdx, tdx/,
    ],
    [
      'a destination that is missing',
      { ports: [{ port: 9000, type: 'reverse', policy: 'any' }] },
      /a reverse port needs a destination/,
    ],
    [
      'a destination of a SOCKS5 port',
      { ports: [{ ...plan.ports[0]!, destination: { host: 'a', port: 1024 } }] },
      /a socks5 port has no destination/,
    ],
    [
      'user names on another port',
      {
        ports: [
          { port: 9000, type: 'forward', policy: 'any', destination: { host: 'a', port: 1024 }, policyFromUser: true },
        ],
      },
      /only a socks5 port/,
    ],
    [
      'a policy defined twice',
      {
        policies: [
          { name: 'a', type: 'any' },
          { name: 'a', type: 'any' },
        ],
      },
      /"a" is defined twice/,
    ],
  ];
  for (const [name, change, expected] of bad) {
    it(`refuses ${name}`, () =>
      assert.match(
        faultsOf(() => checkPlan({ ...plan, ...change })),
        expected,
      ));
  }

  it('tells every fault, those of the words first', () => {
    const told = faultsOf(() => checkPlan({ ...plan, ports: [] }, ['-S x: wrong']));
    assert.match(told, /^-S x: wrong; there is no port/);
  });

  it('root keys of the command line are asked of every policy of type tdx, and of no other', () => {
    const known = policiesOf({ ...plan, collateralRoots: [ROOT] });
    const tdx = known.get('tdx');
    assert.ok(tdx?.type === 'tdx');
    assert.deepEqual(tdx.collateralRootHashes, [ROOT]);
    assert.deepEqual(known.get('any'), { name: 'any', type: 'any' });
    const port = reading((tell) => readSocksPort(`8116@tdx:${HASH}`, tell)).value;
    const own = policyOfPort(port, known, { ...plan, collateralRoots: [ROOT] });
    assert.ok(own.type === 'tdx');
    assert.deepEqual(own.collateralRootHashes, [ROOT], 'also of a policy of one port');
  });
});

describe('the configuration file', () => {
  it('its own example is read', () => {
    const { ports, policies } = parseRouterFile(exampleFile);
    assert.deepEqual([ports.length, policies.map(({ name }) => name)], [2, ['our-images']]);
  });

  it('reads the lists of the C++ file into a policy', () => {
    const lists = {
      allowed_mrtd: ['ab'.repeat(48)],
      allowed_image_hashes: HASH,
      allowed_collateral_root_hashes: [ROOT],
    };
    const { policies } = parseRouterFile({ policies: [{ name: 'p', type: 'tdx', tdx_config: lists }] });
    assert.ok(policies[0]?.type === 'tdx');
    assert.deepEqual(policies[0].measurements, [{ imageHash: HASH }]);
    assert.deepEqual([policies[0].mrTd, policies[0].collateralRootHashes], [['ab'.repeat(48)], [ROOT]]);
  });

  const port = { port: 8116, type: 'socks5', policy_name: 'tdx' };
  const bad: [string, unknown, RegExp][] = [
    ['an unknown field', { port: [] }, /unknown field "port"/],
    ['an unknown field of a port', { ports: [{ ...port, polcy: 'a' }] }, /unknown field "polcy"/],
    ['a port without a policy', { ports: [{ port: 8116, type: 'socks5' }] }, /policy_name" is missing/],
    ['an unknown type of port', { ports: [{ ...port, type: 'sock' }] }, /ports.0.type/],
    ['a port out of range', { ports: [{ ...port, port: 80 }] }, /must be at least 1024/],
    ['half a destination', { ports: [{ ...port, destination_host: 'a' }] }, /belong together/],
    ['more work than there is', { ports: [{ ...port, pow_difficulty: 65 }] }, /must be at most 64/],
    [
      'a strict policy called tdx, which the C++ router replaces by the open one',
      { policies: [{ name: 'tdx', type: 'tdx', tdx_config: { allowed_mrtd: ['ab'.repeat(48)] } }] },
      /name of a built-in policy/,
    ],
    [
      'an unknown type of policy, which the C++ router takes for any',
      { policies: [{ name: 'p', type: 'sgx' }] },
      /the policy "p": no policy is of type/,
    ],
    [
      'an item that is no text, which the C++ router skips',
      { policies: [{ name: 'p', type: 'tdx', tdx_config: { allowed_image_hashes: [HASH, 5] } }] },
      /the policy "p"/,
    ],
    [
      'three RTMRs, which the C++ router skips',
      { policies: [{ name: 'p', type: 'tdx', tdx_config: { allowed_rtmr: [['ab'.repeat(48)]] } }] },
      /RTMR0 to RTMR3/,
    ],
    [
      'an empty list, which allows everything in the C++ router',
      { policies: [{ name: 'p', type: 'tdx', tdx_config: { allowed_image_hashes: [] } }] },
      /empty list/,
    ],
    [
      'lists that only a root contract fills',
      { policies: [{ name: 'p', type: 'tdx', measurements: 'root-contract' }] },
      /which a router does not read/,
    ],
    ['something that is no policy', { policies: ['tdx'] }, /a policy without name: a policy must be a JSON object/],
    ['something that is no object', [], /must be a JSON object/],
  ];
  for (const [name, json, expected] of bad) {
    it(`refuses ${name}`, () =>
      assert.match(
        faultsOf(() => parseRouterFile(json)),
        expected,
      ));
  }
});
