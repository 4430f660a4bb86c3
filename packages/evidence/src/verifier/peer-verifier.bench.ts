import { monitorEventLoopDelay } from 'node:perf_hooks';
import { encodeEvidence } from '@bombyx/attest';
import { Bench } from 'tinybench';
import { WORLD_AT_MS } from '../../../attest/testing/intel-world.ts';
import { Machine, NOW_MS, signingKey } from '../../../attest/testing/peer-world.ts';
import { makeTlsCertificate } from '../../testing/ra-tls.ts';
import { quote } from '../../testing/vectors.ts';
import { certifiedTd, openVerifier, simulatedPolicy, tdxPolicy } from '../../testing/verifier-world.ts';

/** Verdicts a second, one after the other, with the way to the thread and back. */
const bench = new Bench({ name: 'evidence/peer-verifier', time: 1_000 });
const rate = { perSecond: 1e6, burst: 1e6 };
const machine = new Machine(signingKey());
const policy = simulatedPolicy(machine);
await using simulated = openVerifier(NOW_MS, undefined, { rate });
bench.add('fresh evidence, simulated', async () => {
  const binding = machine.connection();
  await simulated.verifier.judge(encodeEvidence(machine.prove(binding)), binding, policy, simulated.asking);
});
const td = certifiedTd(WORLD_AT_MS);
const intel = { endpoints: [], fmspcs: 'any', root: td.world.root } as const;
await using real = openVerifier(WORLD_AT_MS, { intel }, { rate });
await real.collateral?.intel.add(td.world.collateral);
bench.add('certificate with a TDX quote, seen before', async () => {
  await real.verifier.judgeCertificate(td.der, 'server', tdxPolicy, real.asking);
});
bench.add('certificate with a TDX quote, seen for the first time', async () => {
  await real.verifier.judgeCertificate(td.der, 'server', { ...tdxPolicy }, real.asking);
});
await bench.run();
console.table(bench.table());

/** How late timers are while 200 addresses show one garbage quote each, in milliseconds. */
const garbage = Array.from({ length: 200 }, (_, i) => {
  const bytes = Uint8Array.from(quote);
  bytes[100 + i] = (bytes[100 + i] ?? 0) ^ 1;
  return makeTlsCertificate(td.key, bytes, WORLD_AT_MS);
});
const flood = () =>
  Promise.all(
    garbage.map((der, i) => {
      const asking = { ...real.asking, address: `198.51.100.${i}` };
      return real.verifier.judgeCertificate(der, 'server', tdxPolicy, asking);
    }),
  );
const quiet = () => new Promise((resolve) => setTimeout(resolve, 1_000));
const rows: Record<string, object> = {};
for (const [name, work] of Object.entries({ quiet, flood })) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const beganMs = performance.now();
  await work();
  const tookMs = performance.now() - beganMs;
  delay.disable();
  rows[name] = {
    'p50 ms': delay.percentile(50) / 1e6,
    'p99 ms': delay.percentile(99) / 1e6,
    'max ms': delay.max / 1e6,
    'took ms': tookMs,
  };
}
console.table(rows);
