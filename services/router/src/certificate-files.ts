/** The certificate that another program on this machine renews: two files, looked at again once a minute. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { ed25519Of, QUOTE_OID, readCertificate } from '@bombyx/attest';
import type { Clock, Logger } from '@bombyx/base';
import { type Credentials, TLS_OPTIONS, type TlsIdentity } from '@bombyx/transport';
import { RouterError } from './errors.ts';
import { RECHECK_MS } from './limits.ts';

/**
 * Reads `<base>_cert.pem` and `<base>_key.pem` now, and again when one of them has grown younger. No timer: they are looked
 * at when somebody connects. Files that do not fit together, as while they are being written, leave the last good pair.
 * @throws {RouterError} `ROUTER_CERTIFICATE` when they cannot be used from the start
 */
export async function certificateFiles(base: string, clock: Clock, log: Logger): Promise<TlsIdentity> {
  const files = [`${base}_cert.pem`, `${base}_key.pem`] as const;
  const youngest = async () =>
    Math.max(...(await Promise.all(files.map((file) => stat(file)))).map(({ mtimeMs }) => mtimeMs));
  const read = async (): Promise<Loaded> => {
    try {
      const changedMs = await youngest(); // before the contents: a change in between is seen the next time
      const [certificate, key] = await Promise.all(files.map((file) => readFile(file, 'utf8')));
      return { changedMs, credentials: pairOf(certificate!, key!) };
    } catch (cause) {
      throw new RouterError('ROUTER_CERTIFICATE', faultOf(cause, files), {}, { cause });
    }
  };
  let loaded = await read();
  let lookedMs = clock.monotonicMs();
  const look = async () => {
    try {
      if ((await youngest()) > loaded.changedMs) loaded = await read();
      const { notAfterMs } = loaded.credentials;
      if (clock.nowMs() >= notAfterMs)
        log.warn('the certificate has ended, and peers refuse it', { files: files.join(', ') });
    } catch (error) {
      const reason = error instanceof RouterError ? error.message : faultOf(error, files);
      log.warn('the certificate files cannot be read again', { reason });
    }
  };
  let looking: Promise<void> | undefined;
  return {
    attestation: attestationOf(loaded.credentials.certificateDer),
    async credentials() {
      if (clock.monotonicMs() - lookedMs >= RECHECK_MS && looking === undefined) {
        lookedMs = clock.monotonicMs();
        looking = look().finally(() => {
          looking = undefined;
        });
      }
      await looking;
      return loaded.credentials;
    },
  };
}

/** The C++ stand-in for a quote. */
const FAKE_QUOTE_BYTES = 64;

interface Loaded {
  readonly changedMs: number;
  readonly credentials: Credentials;
}

/** One sentence, about the one file that the system complains of where it says which. */
function faultOf(error: unknown, files: readonly string[]): string {
  const { code, errno, path, message } = error as NodeJS.ErrnoException;
  if (errno === undefined) return `${files.join(' and ')} cannot be used: ${message}`;
  if (code === 'ENOENT' && path !== undefined) return `the certificate file ${path} is missing`;
  return `the certificate file ${path ?? files.join(' or ')} cannot be read (${code})`;
}

/** @throws {Error} what is wrong with the pair */
function pairOf(cert: string, key: string): Credentials {
  const x509 = opened('the first holds no certificate in PEM', () => new X509Certificate(cert));
  const privateKey = opened('the second holds no private key in PEM', () => createPrivateKey(key));
  if (!x509.checkPrivateKey(privateKey)) throw new Error('the key is not that of the certificate');
  const certificate = readCertificate(x509.raw);
  const publicKey = ed25519Of(certificate);
  if (publicKey === undefined) throw new Error('the key is not Ed25519');
  return {
    publicKey: Buffer.from(publicKey),
    certificateDer: x509.raw,
    notBeforeMs: certificate.notBeforeMs,
    notAfterMs: certificate.notAfterMs,
    context: createSecureContext({ ...TLS_OPTIONS, cert, key }),
  };
}

/** OpenSSL names a routine and a line where a person asks what is wrong. */
function opened<T>(otherwise: string, open: () => T): T {
  try {
    return open();
  } catch (cause) {
    throw new Error(otherwise, { cause });
  }
}

/** What the certificate shows, for pages. */
function attestationOf(der: Uint8Array): TlsIdentity['attestation'] {
  const quote = readCertificate(der).extensions.get(QUOTE_OID)?.value;
  if (quote === undefined) return 'none';
  return quote.length === FAKE_QUOTE_BYTES ? 'fake_tdx' : 'tdx';
}
