/** Who this side is: a key and its certificate, replaced in good time before the day it is valid for ends. */
import { constants } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { type Clock, systemClock } from '@bombyx/base';
import { CERTIFICATE_LIFE_MS, writeCertificate } from './certificate-writer.ts';
import { type Attestation, reportData } from './policy.ts';

/** Peers whose clock is behind ours accept the certificate at once. */
const BACKDATED_MS = 5 * 60_000;
/** Renewed at half its life, so that a renewal that fails can be tried for twelve hours. */
const RENEW_AFTER_MS = CERTIFICATE_LIFE_MS / 2;

/** TLS 1.3 with the two suites that the C++ programs offer. */
const TLS_OPTIONS = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384',
  secureOptions: constants.SSL_OP_NO_TICKET, // a ticket would let a peer in without its key or certificate
} as const;

/** What one handshake uses. Connections that stand keep theirs when the identity is renewed. */
export interface Credentials {
  /** 32 bytes of Ed25519. */
  readonly publicKey: Buffer;
  readonly certificateDer: Buffer;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly context: SecureContext;
}

export interface TlsIdentity {
  readonly attestation: Exclude<Attestation, 'tdx'>;
  /** Valid credentials; a new key after half a day. @throws what key generation throws, if no valid ones are left */
  credentials(): Promise<Credentials>;
}

/**
 * Ed25519 key and self-signed certificate. The C++ direct mode makes one at start and is refused by everybody a day
 * later; this one renews itself when it is used, without a timer, so that there is nothing to close.
 * @param options.attestation `fake_tdx` adds the 64-byte stand-in for a quote; default `none`
 */
export async function createIdentity(
  options: { readonly attestation?: TlsIdentity['attestation']; readonly clock?: Clock } = {},
): Promise<TlsIdentity> {
  const { attestation = 'none', clock = systemClock } = options;
  let current = await make(attestation, clock);
  let renewal: Promise<Credentials> | undefined;
  return {
    attestation,
    async credentials() {
      const age = clock.nowMs() - current.notBeforeMs;
      if (age >= 0 && age < RENEW_AFTER_MS) return current;
      renewal ??= make(attestation, clock).finally(() => {
        renewal = undefined;
      });
      try {
        current = await renewal;
      } catch (error) {
        if (age < 0 || clock.nowMs() >= current.notAfterMs) throw error;
      }
      return current;
    },
  };
}

async function make(attestation: TlsIdentity['attestation'], clock: Clock): Promise<Credentials> {
  const written = await writeCertificate(
    clock.nowMs() - BACKDATED_MS,
    attestation === 'fake_tdx' ? reportData : undefined,
  );
  const { certificatePem: cert, keyPem: key } = written;
  return {
    publicKey: written.publicKey,
    certificateDer: written.der,
    notBeforeMs: written.notBeforeMs,
    notAfterMs: written.notAfterMs,
    context: createSecureContext({ ...TLS_OPTIONS, cert, key }),
  };
}
