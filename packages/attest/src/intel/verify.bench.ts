import { Bench } from 'tinybench';
import { intelCases, questionOf } from '../../testing/intel-cases.ts';
import { oracles } from '../../testing/intel-oracles.ts';
import { nodeCrypto as crypto } from '../crypto/node.ts';
import { openCollateral, verifyQuote } from '../index.ts';

/**
 * Verdicts per second on the quote of the reference project and on one of SGX, beside two published verifiers. Cold:
 * everything from the bytes. Warm: collateral opened, machine seen before; the quote's own signature is always verified.
 */
const others = await oracles();
for (const id of ['cocoon-valid', 'sgx-phala']) {
  const question = questionOf(intelCases().find((one) => one.id === id)!);
  const { quote, collateral, atMs } = question;
  const bench = new Bench({ name: `attest/${id}`, time: 1_000, warmupTime: 500 });
  const opened = openCollateral(collateral, { crypto });
  bench.add('Bombyx cold', () => {
    verifyQuote(quote, collateral, { atMs, crypto });
  });
  bench.add('Bombyx warm', () => {
    verifyQuote(quote, opened, { atMs, crypto });
  });
  for (const other of others) {
    bench.add(other.name, () => {
      other.judge(question);
    });
  }
  await bench.run();
  console.table(bench.table());
}
