/** Answers of an OCSP responder of our own. */
import { createHash } from 'node:crypto';
import { fromHex, utf8 } from '../src/bytes.ts';
import { type Certificate, readCertificate } from '../src/x509/certificate.ts';
import { der, explicit, extension, octets, oid, type Signer, sequence, signDer } from './devices-pki.ts';

export interface AnswerShape {
  readonly about: Uint8Array;
  readonly issuer: Uint8Array;
  readonly signer: Signer;
  readonly status?: 'good' | 'revoked' | 'hold' | 'unknown';
  readonly fromMs: number;
  /** Undefined: no end is written. */
  readonly untilMs: number | undefined;
  readonly nonce?: Uint8Array;
  readonly certificates?: readonly Uint8Array[];
  readonly hash?: 'sha1' | 'sha384';
}

const algorithms = { sha1: '1.3.14.3.2.26', sha384: '2.16.840.1.101.3.4.2.2' } as const;
const time = (ms: number) =>
  der(
    0x18,
    utf8(
      new Date(ms)
        .toISOString()
        .replace(/\.\d+Z$/, 'Z')
        .replace(/[-:T]/g, ''),
    ),
  );

function statusOf(status: AnswerShape['status'], atMs: number): Uint8Array {
  if (status === 'unknown') return fromHex('8200');
  if (status === 'revoked') return der(0xa1, time(atMs));
  if (status === 'hold') return der(0xa1, time(atMs), explicit(0, fromHex('0a0106')));
  return fromHex('8000');
}

export function makeAnswer(shape: AnswerShape): Uint8Array {
  const { about, issuer, signer, status, fromMs, untilMs, nonce, certificates = [], hash = 'sha384' } = shape;
  const [subject, authority] = [readCertificate(about), readCertificate(issuer)];
  const digest = (bytes: Uint8Array) => octets(new Uint8Array(createHash(hash).update(bytes).digest()));
  const id = sequence(
    sequence(oid(algorithms[hash])),
    digest(authority.subject),
    digest(keyOf(authority)),
    der(0x02, subject.serial),
  );
  const ends = untilMs === undefined ? [] : [explicit(0, time(untilMs))];
  const statement = sequence(id, statusOf(status, fromMs), time(fromMs), ...ends);
  const asked = nonce && [explicit(1, sequence(extension('1.3.6.1.5.5.7.48.1.2', octets(nonce))))];
  const data = sequence(explicit(2, octets(new Uint8Array(20))), time(fromMs), sequence(statement), ...(asked ?? []));
  const [algorithm, signature] = signDer(data, signer);
  const chain = certificates.length > 0 ? [explicit(0, sequence(...certificates))] : [];
  const basic = sequence(data, algorithm, signature, ...chain);
  return sequence(fromHex('0a0100'), explicit(0, sequence(oid('1.3.6.1.5.5.7.48.1.1'), octets(basic))));
}

/** X9.62 point with its mark. */
function keyOf({ spki }: Certificate): Uint8Array {
  return spki.subarray(-97);
}
