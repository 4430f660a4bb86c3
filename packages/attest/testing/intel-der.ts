/** Writes DER, the malformed kinds too: what a test hands over stands in the bytes as it is. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

export function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : long(length);
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const long = (length: number) =>
  length < 0x1_0000 ? [0x82, length >> 8, length & 0xff] : [0x83, length >> 16, (length >> 8) & 0xff, length & 0xff];

export const sequence = (...parts: readonly Uint8Array[]) => der(0x30, ...parts);
export const octets = (bytes: Uint8Array) => der(0x04, bytes);
export const bits = (bytes: Uint8Array) => der(0x03, Uint8Array.of(0), bytes);
export const TRUE = Uint8Array.of(1, 1, 0xff);

export function integer(value: number): Uint8Array {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  return der(0x02, (bytes[0] ?? 0) >= 0x80 ? Uint8Array.of(0) : new Uint8Array(), bytes);
}

export function oid(text: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const digits = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      digits.unshift((left & 0x7f) | 0x80);
    return digits;
  });
  return der(0x06, Uint8Array.from(bytes));
}

/** UTCTime. */
export function time(iso: string): Uint8Array {
  return der(0x17, Buffer.from(`${iso.slice(2).replace(/[-T:]/g, '').slice(0, 12)}Z`));
}

export function name(common: string): Uint8Array {
  const pair = sequence(oid('2.5.4.3'), der(0x0c, Buffer.from(common)));
  const organization = sequence(oid('2.5.4.10'), der(0x0c, Buffer.from('Test Corporation')));
  return sequence(der(0x31, pair), der(0x31, organization));
}

export function extension(id: string, value: Uint8Array, critical = false): Uint8Array {
  return sequence(oid(id), ...(critical ? [TRUE] : []), octets(value));
}

/** A key on P-256. */
export interface SigningKey {
  readonly privateKey: KeyObject;
  /** X ‖ Y. */
  readonly point: Uint8Array;
}

export function signingKey(): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return { privateKey, point: publicKey.export({ format: 'der', type: 'spki' }).subarray(-64) };
}

/** ECDSA with SHA-256, r ‖ s. */
export function plainSignature(bytes: Uint8Array, { privateKey }: SigningKey): Uint8Array {
  return sign('sha256', bytes, { key: privateKey, dsaEncoding: 'ieee-p1363' });
}

export const ECDSA_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));

/** SEQUENCE (content, algorithm, signature), as certificates and CRLs are. */
export function signedBy(content: Uint8Array, key: SigningKey): Uint8Array {
  return sequence(content, ECDSA_SHA256, bits(sign('sha256', content, key.privateKey)));
}

/** A number, or the DER of one. */
type Serial = number | Uint8Array;
const numberOf = (serial: Serial) => (typeof serial === 'number' ? integer(serial) : serial);

export interface CertificateFields {
  readonly serial: Serial;
  readonly issuer: string;
  /** Common name, or the DER of a name. */
  readonly subject: string | Uint8Array;
  readonly key: SigningKey;
  readonly from: string;
  readonly until: string;
  readonly extensions: readonly Uint8Array[];
}

export function certificate(fields: CertificateFields, signer: SigningKey): Uint8Array {
  const { serial, issuer, subject, key, from, until, extensions } = fields;
  const algorithm = sequence(oid('1.2.840.10045.2.1'), oid('1.2.840.10045.3.1.7'));
  const body = sequence(
    der(0xa0, integer(2)),
    numberOf(serial),
    ECDSA_SHA256,
    name(issuer),
    sequence(time(from), time(until)),
    typeof subject === 'string' ? name(subject) : subject,
    sequence(algorithm, bits(Buffer.concat([Uint8Array.of(4), key.point]))),
    der(0xa3, sequence(...extensions)),
  );
  return signedBy(body, signer);
}

export interface CrlFields {
  readonly issuer: string;
  readonly from: string;
  readonly until: string;
  readonly serials: readonly Serial[];
  readonly extensions: readonly Uint8Array[];
  readonly entryExtensions: readonly Uint8Array[];
}

export function revocationList(fields: CrlFields, signer: SigningKey): Uint8Array {
  const { issuer, from, until, serials, extensions, entryExtensions } = fields;
  const inEntry = entryExtensions.length > 0 ? [sequence(...entryExtensions)] : [];
  const entries = serials.map((serial) => sequence(numberOf(serial), time(from), ...inEntry));
  const body = sequence(
    integer(1),
    ECDSA_SHA256,
    name(issuer),
    time(from),
    time(until),
    ...(entries.length > 0 ? [sequence(...entries)] : []),
    der(0xa0, sequence(...extensions)),
  );
  return signedBy(body, signer);
}

export function pem(...certificates: readonly Uint8Array[]): string {
  return certificates
    .map((bytes) => Buffer.from(bytes).toString('base64').replace(/.{64}/g, '$&\n').trimEnd())
    .map((text) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`)
    .join('');
}
