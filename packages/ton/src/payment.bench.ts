import { tokens } from '@bombyx/base';
import { Bench } from 'tinybench';
import {
  Address,
  privateKeyFromSeed,
  publicKeyBytes,
  publicKeyFromBytes,
  signPayment,
  verifyPayment,
} from './index.ts';

/** Payments per second, with the keys made once. */
const bench = new Bench({ name: 'ton/payment', time: 300 });
const privateKey = privateKeyFromSeed(Buffer.alloc(32, 1));
const publicKey = publicKeyFromBytes(publicKeyBytes(privateKey));
const contract = new Address(0, Buffer.alloc(32, 2));
const payment = { kind: 'charge', queryId: 7n, tokens: tokens(43n), contract, excess: contract } as const;
const data = signPayment(payment, privateKey);

bench.add('sign', () => {
  signPayment(payment, privateKey);
});
bench.add('verify', () => {
  verifyPayment(data, { kind: 'charge', contract, publicKey });
});
await bench.run();
console.table(bench.table());
