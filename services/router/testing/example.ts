import { silentLogger, systemClock } from '@bombyx/base';
import { PeerVerifier } from '@bombyx/evidence';
import { judgeBy, parseRouterFile, startRouter } from '@bombyx/router';

const [, , port = '8116'] = process.argv;
const file = parseRouterFile({ ports: [{ port, type: 'socks5', policy_name: 'tdx', serialize_info: true }] });
const deps = { clock: systemClock, log: silentLogger };
await using verifier = new PeerVerifier({}, deps); // with a `collateral` store it can accept real evidence
await using router = await startRouter(
  { ...file, serializeInfo: false, powDifficulty: 20, maxPowDifficulty: 28 },
  { ...deps, judgeOf: (policy) => judgeBy(policy, verifier) },
);
console.log(router.doors.map(({ port, type }) => `${type} ${port}`).join(', '));
