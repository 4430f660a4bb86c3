/** What every implementation of the cryptography port must do. Both run it, and are then compared on random damage. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { p256, p384 } from '@noble/curves/nist.js';
import fc from 'fast-check';
import { concat, fromHex, toHex, utf8 } from '../src/bytes.ts';
import { type AttestCrypto, keyKindOf, type PublicKey, type SignatureScheme } from '../src/crypto/port.ts';
import { badKeys, bytesOf, ed25519Twists, numberOf } from './bad-keys.ts';
import { makeRawKey, type PssTwist, pssText } from './raw-rsa.ts';
import { certificateSignatures, freshSignatures, makeKey, type Signed, signWith } from './signatures.ts';

const schemes = Object.keys(keyKindOf) as SignatureScheme[];
const order = { p256: p256.Point.Fn.ORDER, p384: p384.Point.Fn.ORDER } as const;

/** @returns undefined for parts that are no key */
function verdict(crypto: AttestCrypto, { key, scheme, message, signature }: Signed): boolean | undefined {
  return crypto.importKey(key)?.verify(scheme, message, signature);
}

export function cryptoSuite(name: string, crypto: AttestCrypto): void {
  describe(name, () => {
    const signatures = [...freshSignatures(), ...certificateSignatures()];

    it('hashes as FIPS 180-4 says', () => {
      for (const [algorithm, text, expected] of DIGESTS) {
        assert.equal(toHex(crypto.hash(algorithm, utf8(text))), expected);
      }
    });

    it('accepts good signatures of every scheme, of new keys and of real certificates', () => {
      assert.deepEqual(new Set(signatures.map(({ scheme }) => scheme)), new Set([...schemes]), 'a scheme is not tried');
      for (const signed of signatures) assert.equal(verdict(crypto, signed), true, signed.name);
    });

    it('verifies many messages with one imported key', () => {
      const pair = makeKey('p256');
      const key = crypto.importKey(pair.key);
      for (let i = 0; i < 5; i++) {
        const { message, signature } = signWith(pair, 'ecdsa-sha256', Uint8Array.of(i));
        assert.equal(key?.verify('ecdsa-sha256', message, signature), true);
        assert.equal(key?.verify('ecdsa-sha256', Uint8Array.of(i + 1), signature), false);
      }
    });

    it('refuses a signature under every other scheme, of its own kind of key and of others', () => {
      for (const signed of signatures) {
        for (const scheme of schemes.filter((other) => other !== signed.scheme)) {
          assert.equal(verdict(crypto, { ...signed, scheme }), false, `${signed.name} as ${scheme}`);
        }
      }
    });

    it('refuses another message, another key of the same kind, and any bit of the signature changed', () => {
      const others = new Map((['p256', 'p384', 'ed25519', 'rsa'] as const).map((kind) => [kind, makeKey(kind).key]));
      for (const signed of freshSignatures()) {
        const key = others.get(signed.key.kind) as PublicKey;
        assert.equal(verdict(crypto, { ...signed, message: concat(signed.message, Uint8Array.of(0)) }), false);
        assert.equal(verdict(crypto, { ...signed, key }), false, signed.name);
        for (const at of [0, signed.signature.length >> 1, signed.signature.length - 1]) {
          const signature = signed.signature.slice();
          signature[at] = (signature[at] as number) ^ 1;
          assert.equal(verdict(crypto, { ...signed, signature }), false, `${signed.name}, byte ${at}`);
        }
      }
    });

    it('refuses signatures of a wrong length', () => {
      for (const signed of freshSignatures()) {
        const { signature } = signed;
        const zero = Uint8Array.of(0);
        for (const wrong of [
          new Uint8Array(0),
          signature.subarray(1),
          signature.subarray(0, -1),
          concat(zero, signature),
        ])
          assert.equal(
            verdict(crypto, { ...signed, signature: wrong }),
            false,
            `${signed.name}: ${wrong.length} bytes`,
          );
        assert.equal(verdict(crypto, { ...signed, signature: concat(signature, zero) }), false, signed.name);
        assert.equal(verdict(crypto, { ...signed, signature: new Uint8Array(signature.length) }), false, signed.name);
        assert.equal(
          verdict(crypto, { ...signed, signature: new Uint8Array(signature.length).fill(0xff) }),
          false,
          signed.name,
        );
      }
    });

    it('takes no other key than one has: sizes, points off the curve, infinity, small order, weak RSA', () => {
      for (const [what, key] of badKeys()) assert.equal(crypto.importKey(key), undefined, what);
    });

    for (const kind of ['p256', 'p384'] as const) {
      it(`judges r and s of ${kind} by their range, and takes the higher of the two s`, () => {
        const width = kind === 'p256' ? 32 : 48;
        const signed = signWith(makeKey(kind), kind === 'p256' ? 'ecdsa-sha256' : 'ecdsa-sha384', utf8('text'));
        const [r, s] = [numberOf(signed.signature.subarray(0, width)), numberOf(signed.signature.subarray(width))];
        const n = order[kind];
        const judged = (first: bigint, second: bigint) =>
          verdict(crypto, { ...signed, signature: concat(bytesOf(first, width), bytesOf(second, width)) });
        assert.equal(judged(r, s), true);
        assert.equal(judged(r, n - s), true);
        const wrong: readonly (readonly [bigint, bigint])[] = [
          [0n, s],
          [r, 0n],
          [0n, 0n],
          [n, s],
          [r, n],
          [n - r, s],
          [s, r],
        ];
        for (const [first, second] of wrong) assert.equal(judged(first, second), false);
        const top = 2n ** BigInt(8 * width);
        if (r + n < top) assert.equal(judged(r + n, s), false);
        if (s + n < top) assert.equal(judged(r, s + n), false);
      });
    }

    it('refuses an Ed25519 signature with s beyond the order, or that differs by a point of small order', () => {
      const { good, shifted, large } = ed25519Twists();
      assert.equal(verdict(crypto, good), true);
      assert.equal(verdict(crypto, shifted), false);
      assert.equal(verdict(crypto, large), false);
    });

    it('refuses a salt of another length than the hash', () => {
      const pair = makeKey('rsa');
      for (const length of [0, 32, 47, 49]) {
        assert.equal(verdict(crypto, signWith(pair, 'rsa-pss-sha384', utf8('text'), length)), false);
      }
    });

    it('refuses a cube root with garbage behind the digest (Bleichenbacher 2006)', () => {
      const pair = makeKey('rsa', { modulusLength: 2048, publicExponent: 3 });
      const digest = crypto.hash('sha256', utf8('text'));
      const start = fromHex(`0001${'ff'.repeat(8)}003031300d060960864801650304020105000420${toHex(digest)}`);
      const root = cubeRoot(numberOf(concat(start, new Uint8Array(256 - start.length))));
      assert.equal(toHex(bytesOf(root ** 3n, 256).subarray(0, start.length)), toHex(start), 'the forgery is one');
      const forged = { name: '', key: pair.key, scheme: 'rsa-sha256', message: utf8('text') } as const;
      assert.equal(verdict(crypto, { ...forged, signature: bytesOf(root, 256) }), false);
    });

    it('takes RSA keys whose length is no whole number of bytes, and nothing but the one right text under them', () => {
      for (const bits of [2048, 2049, 2050, 2055]) {
        const raw = makeRawKey(bits);
        const judged = (scheme: SignatureScheme, text: Uint8Array) => {
          const signature = raw.sign(text);
          if (signature === undefined) return 'too large';
          return verdict(crypto, { name: '', key: raw.key, scheme, message: utf8('text'), signature });
        };
        const pss = (twist: PssTwist) => judged('rsa-pss-sha384', pssText('text', bits, twist, crypto));
        assert.equal(pss({}), true, `${bits} bits`);
        for (const twist of [{ separator: 2 }, { separator: 0 }, { trailer: 0xbd }, { filling: 1 }]) {
          assert.equal(pss(twist), false, `${bits} bits, ${JSON.stringify(twist)}`);
        }
        assert.notEqual(pss({ high: true }), true);
        const info = fromHex(`3031300d060960864801650304020105000420${toHex(crypto.hash('sha256', utf8('text')))}`);
        const size = raw.key.modulus.length;
        const padded = (type: number, end: number, tail: Uint8Array) =>
          concat(Uint8Array.of(0, type), new Uint8Array(size - 3 - tail.length).fill(0xff), Uint8Array.of(end), tail);
        assert.equal(judged('rsa-sha256', padded(1, 0, info)), true);
        const bare = concat(fromHex('302f300b0609608648016503040201'), info.subarray(17)); // no NULL
        const wrong = [padded(2, 0, info), padded(0, 0, info), padded(1, 1, info), padded(1, 0, bare)];
        for (const text of [...wrong, padded(1, 0, info.subarray(19)), padded(1, 0, concat(info, Uint8Array.of(0)))]) {
          assert.equal(judged('rsa-sha256', text), false);
        }
      }
    });

    it('refuses the highest bit of a PSS text, which must be zero before it is unmasked', () => {
      for (const bits of [2049, 2050]) {
        let judged: boolean | undefined;
        for (let i = 0; judged === undefined; i++) {
          const raw = makeRawKey(bits);
          const signature = raw.sign(pssText(String(i), bits, { high: true }, crypto)); // below half of the moduli
          if (signature === undefined) continue;
          judged = verdict(crypto, {
            name: '',
            key: raw.key,
            scheme: 'rsa-pss-sha384',
            message: utf8(String(i)),
            signature,
          });
        }
        assert.equal(judged, false, `${bits} bits`);
      }
    });

    it('refuses an RSA signature without its leading zero byte, which OpenSSL takes for PSS', () => {
      const pair = makeKey('rsa', { modulusLength: 2050 }); // every third signature or so begins with a zero
      for (const scheme of ['rsa-pss-sha384', 'rsa-sha256'] as const) {
        let signed = signWith(pair, scheme, utf8('text'));
        for (let i = 0; signed.signature[0] !== 0; i++) signed = signWith(pair, scheme, utf8(`text ${i}`));
        assert.equal(verdict(crypto, signed), true);
        assert.equal(verdict(crypto, { ...signed, signature: signed.signature.subarray(1) }), false, scheme);
      }
    });

    it('refuses s + n of RSA, which opens to the same text', () => {
      const raw = makeRawKey(2049); // with bits to spare in its first byte
      const text = pssText('text', raw.bits, {}, crypto);
      const signature = raw.sign(text) ?? assert.fail('too large');
      const lifted = bytesOf(numberOf(signature) + numberOf(raw.key.modulus), signature.length);
      const signed = { name: '', key: raw.key, scheme: 'rsa-pss-sha384', message: utf8('text') } as const;
      assert.equal(verdict(crypto, { ...signed, signature }), true);
      assert.equal(verdict(crypto, { ...signed, signature: lifted }), false);
    });
  });
}

/** Damages keys, messages and signatures at random: both must say the same about each, whatever it is. */
export function sameVerdicts(one: AttestCrypto, other: AttestCrypto): void {
  it('answers as the other implementation does, whatever is damaged', () => {
    const signatures = [...freshSignatures(), ...certificateSignatures()];
    const damage = fc.record({
      signed: fc.constantFrom(...signatures),
      target: fc.constantFrom('key', 'message', 'signature', 'scheme', 'none'),
      how: fc.constantFrom('flip', 'cut', 'grow', 'zero', 'ones'),
      at: fc.nat(),
      scheme: fc.constantFrom(...schemes),
    });
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(damage, ({ signed, target, how, at, scheme }) => {
        const damaged: Signed = { ...signed };
        if (target === 'scheme') Object.assign(damaged, { scheme });
        else if (target === 'key') Object.assign(damaged, { key: damagedKey(signed.key, how, at) });
        else if (target !== 'none') Object.assign(damaged, { [target]: damagedBytes(signed[target], how, at) });
        const said = verdict(one, damaged);
        assert.equal(said, verdict(other, damaged), `${signed.name}: ${how} ${target} at ${at}`);
        seen.set(String(said), (seen.get(String(said)) ?? 0) + 1);
      }),
      { numRuns: 600 },
    );
    assert.equal(seen.size, 3, 'good, bad and no key must all have come up');
  });

  it('says the same about every bad key and every twisted Ed25519 signature', () => {
    for (const [what, key] of badKeys()) {
      assert.equal(one.importKey(key) === undefined, other.importKey(key) === undefined, what);
    }
    for (const signed of Object.values(ed25519Twists())) assert.equal(verdict(one, signed), verdict(other, signed));
  });

  it('takes the same random bytes for a key, as a point or not', () => {
    const sizes = fc.constantFrom(['p256', 64], ['p384', 96], ['ed25519', 32]) as fc.Arbitrary<
      [PublicKey['kind'], number]
    >;
    const found = new Set<boolean>();
    fc.assert(
      fc.property(sizes, fc.uint8Array({ minLength: 96, maxLength: 96 }), ([kind, size], bytes) => {
        const part = bytes.subarray(0, size);
        const key = (kind === 'ed25519' ? { kind, bytes: part } : { kind, point: part }) as PublicKey;
        const taken = one.importKey(key) !== undefined;
        assert.equal(taken, other.importKey(key) !== undefined, `${kind} ${toHex(part)}`);
        found.add(taken);
      }),
      { numRuns: 300 },
    );
    assert.equal(found.size, 2);
  });
}

function damagedBytes(bytes: Uint8Array, how: string, at: number): Uint8Array {
  if (how === 'cut') return bytes.subarray(0, -1);
  if (how === 'grow') return concat(bytes, Uint8Array.of(at & 0xff));
  if (how === 'zero') return new Uint8Array(bytes.length);
  if (how === 'ones') return new Uint8Array(bytes.length).fill(0xff);
  const flipped = bytes.slice();
  if (bytes.length > 0) flipped[at % bytes.length] = (flipped[at % bytes.length] as number) ^ (1 << ((at >> 8) & 7));
  return flipped;
}

function damagedKey(key: PublicKey, how: string, at: number): PublicKey {
  switch (key.kind) {
    case 'p256':
    case 'p384':
      return { ...key, point: damagedBytes(key.point, how, at) };
    case 'ed25519':
      return { ...key, bytes: damagedBytes(key.bytes, how, at) };
    case 'rsa':
      return at % 4 === 0
        ? { ...key, exponent: damagedBytes(key.exponent, how, at) }
        : { ...key, modulus: damagedBytes(key.modulus, how, at) };
  }
}

function cubeRoot(cube: bigint): bigint {
  let [low, high] = [0n, 1n << 700n];
  while (low < high) {
    const middle = (low + high) >> 1n;
    if (middle ** 3n < cube) low = middle + 1n;
    else high = middle;
  }
  return low;
}

/** FIPS 180-4 examples: "abc" and nothing. */
const DIGESTS = [
  ['sha1', 'abc', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
  ['sha1', '', 'da39a3ee5e6b4b0d3255bfef95601890afd80709'],
  ['sha256', 'abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ['sha256', '', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['sha384', 'abc', 'cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7'],
  ['sha384', '', '38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b'],
  [
    'sha512',
    'abc',
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
  ],
  [
    'sha512',
    '',
    'cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e',
  ],
] as const;
