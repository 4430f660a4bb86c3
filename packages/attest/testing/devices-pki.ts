/** Certificates and lists of revoked ones, made for tests: what no vendor publishes, such as a revoked key. */
import { constants, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { concat, fromHex, utf8 } from '../src/bytes.ts';

/** @param content joined */
export function der(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const inner = concat(...content);
  const { length } = inner;
  const size =
    length < 0x80
      ? [length]
      : length < 0x100
        ? [0x81, length]
        : length < 0x1_0000
          ? [0x82, length >> 8, length & 0xff]
          : [0x83, length >> 16, (length >> 8) & 0xff, length & 0xff];
  return concat(Uint8Array.of(tag, ...size), inner);
}

export const sequence = (...content: readonly Uint8Array[]) => der(0x30, ...content);
export const octets = (content: Uint8Array) => der(0x04, content);
export const explicit = (number: number, ...content: readonly Uint8Array[]) => der(0xa0 + number, ...content);

export function oid(text: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      groups.unshift((left & 0x7f) | 0x80);
    return groups;
  });
  return der(0x06, Uint8Array.from(bytes));
}

export function integer(value: number): Uint8Array {
  const hex = value.toString(16);
  const bytes = fromHex(hex.length % 2 === 0 ? hex : `0${hex}`);
  return der(0x02, (bytes[0] ?? 0) >= 0x80 ? concat(Uint8Array.of(0), bytes) : bytes);
}

export function time(ms: number): Uint8Array {
  const text = new Date(ms)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:T]/g, '');
  return Number(text.slice(0, 4)) < 2050 ? der(0x17, utf8(text.slice(2))) : der(0x18, utf8(text));
}

export const name = (common: string) => sequence(der(0x31, sequence(oid('2.5.4.3'), der(0x0c, utf8(common)))));

export type KeyKind = 'p384' | 'rsa';

export interface Signer {
  readonly common: string;
  readonly kind: KeyKind;
  readonly key: KeyObject;
  readonly spki: Uint8Array;
}

export function makeSigner(common: string, kind: KeyKind): Signer {
  const pair =
    kind === 'p384'
      ? generateKeyPairSync('ec', { namedCurve: 'P-384' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  const spki = new Uint8Array(pair.publicKey.export({ type: 'spki', format: 'der' }));
  return { common, kind, key: pair.privateKey, spki };
}

const PSS = sequence(
  oid('1.2.840.113549.1.1.10'),
  fromHex(
    '3034a00f300d06096086480165030402020500a11c301a06092a864886f70d010108300d06096086480165030402020500a203020130',
  ),
);
const ECDSA = sequence(oid('1.2.840.10045.4.3.3'));

const bits = (content: Uint8Array) => der(0x03, Uint8Array.of(0), content);

const algorithmOf = ({ kind }: Signer) => (kind === 'rsa' ? PSS : ECDSA);

/** @returns the algorithm, and the signature as a BIT STRING */
export function signDer(content: Uint8Array, signer: Signer): [Uint8Array, Uint8Array] {
  const { kind, key } = signer;
  const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 48 };
  const signature = sign('sha384', content, kind === 'rsa' ? { key, ...padding } : key);
  return [algorithmOf(signer), bits(new Uint8Array(signature))];
}

/** `body` with the algorithm and signature of certificates and lists behind it. */
function signed(body: (algorithm: Uint8Array) => Uint8Array, signer: Signer): Uint8Array {
  const content = body(algorithmOf(signer));
  return sequence(content, ...signDer(content, signer));
}

/** r ‖ s, 96 bytes. */
export function signPlain(message: Uint8Array, { key }: Signer): Uint8Array {
  return new Uint8Array(sign('sha384', message, { key, dsaEncoding: 'ieee-p1363' }));
}

export const extension = (id: string, value: Uint8Array, critical = false) =>
  sequence(oid(id), ...(critical ? [der(0x01, Uint8Array.of(0xff))] : []), octets(value));

export const authority = extension('2.5.29.19', sequence(der(0x01, Uint8Array.of(0xff))), true);

export interface CertificateOptions {
  readonly subject: Signer;
  readonly issuer: Signer;
  readonly serial: number;
  readonly extensions?: readonly Uint8Array[];
  readonly fromMs: number;
  readonly untilMs: number;
}

export function makeCertificate(options: CertificateOptions): Uint8Array {
  const { subject, issuer, serial, extensions = [], fromMs, untilMs } = options;
  return signed(
    (algorithm) =>
      sequence(
        explicit(0, integer(2)),
        integer(serial),
        algorithm,
        name(issuer.common),
        sequence(time(fromMs), time(untilMs)),
        name(subject.common),
        subject.spki,
        ...(extensions.length > 0 ? [explicit(3, sequence(...extensions))] : []),
      ),
    issuer,
  );
}

export interface ListOptions {
  readonly issuer: Signer;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly revoked: readonly number[];
}

export function makeList({ issuer, fromMs, untilMs, revoked }: ListOptions): Uint8Array {
  const entries = revoked.map((serial) => sequence(integer(serial), time(fromMs)));
  return signed(
    (algorithm) =>
      sequence(
        integer(1),
        algorithm,
        name(issuer.common),
        time(fromMs),
        time(untilMs),
        ...(entries.length > 0 ? [sequence(...entries)] : []),
      ),
    issuer,
  );
}

export function pem(certificate: Uint8Array): string {
  const lines =
    Buffer.from(certificate)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
