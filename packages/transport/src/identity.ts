/** Who this side is: a key and its certificate, replaced in good time before the day it is valid for ends. */
import { constants } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { type Attestation, reportDataV1 } from '@bombyx/attest';
import { nodeCrypto } from '@bombyx/attest/node';
import { type Clock, type Logger, silentLogger, systemClock } from '@bombyx/base';
import type { EvidenceSource } from './attested.ts';
import { CERTIFICATE_LIFE_MS, writeCertificate } from './certificate-writer.ts';
import { TransportError } from './errors.ts';
import { EVIDENCE_TIMEOUT_MS } from './limits.ts';

/** Peers whose clock is behind ours accept the certificate at once. */
const BACKDATED_MS = 5 * 60_000;
/** Renewed at half its life, so that a renewal that fails can be tried for twelve hours. */
const RENEW_AFTER_MS = CERTIFICATE_LIFE_MS / 2;
/** One with a quote, which says nothing about time, as often as the C++ machines do. */
const RENEW_QUOTE_AFTER_MS = 60 * 60_000;
/** A renewal that failed while there are valid credentials. */
const RETRY_AFTER_MS = 60_000;

/** TLS 1.3 with the two suites that the C++ programs offer. */
export const TLS_OPTIONS = {
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
  /** What its evidence or its certificate shows; for pages. */
  readonly attestation: Attestation;
  /** Makes what peers of our own kind ask for. */
  readonly evidence?: EvidenceSource | undefined;
  /**
   * Valid credentials, with a new key in good time. Renewal goes on in the background as long as there are valid ones.
   * @throws what making them throws, if no valid ones are left
   */
  credentials(): Promise<Credentials>;
}

export interface IdentityOptions {
  /** `fake_tdx` adds the 64-byte stand-in for a quote; others say what `quoteFor` or `evidence` shows. Default `none`. */
  readonly attestation?: Attestation;
  /** Makes the quote that the certificate carries for C++ peers, over SHA-512 of this key; at most 32 KiB. */
  readonly quoteFor?: ((publicKey: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>) | undefined;
  readonly evidence?: EvidenceSource | undefined;
  readonly clock?: Clock;
  readonly log?: Logger;
}

/**
 * Ed25519 key and self-signed certificate. The C++ direct mode makes one at start and is refused by everybody a day
 * later; this one renews itself when it is used, without a timer, so that there is nothing to close.
 */
export async function createIdentity(options: IdentityOptions = {}): Promise<TlsIdentity> {
  const { attestation = 'none', evidence, clock = systemClock, log = silentLogger } = options;
  const quoteFor = options.quoteFor ?? (attestation === 'fake_tdx' ? fakeQuote : undefined);
  const renewAfterMs = options.quoteFor ? RENEW_QUOTE_AFTER_MS : RENEW_AFTER_MS;
  let current = await make(quoteFor, clock);
  let renewal: Promise<void> | undefined;
  let retryAtMs = 0;
  const renew = async () => {
    try {
      current = await make(quoteFor, clock);
    } catch (error) {
      retryAtMs = clock.nowMs() + RETRY_AFTER_MS;
      log.warn('the certificate could not be renewed', { reason: error instanceof Error ? error.message : 'unknown' });
      if (!isValid(current, clock.nowMs())) throw error;
    } finally {
      renewal = undefined;
    }
  };
  return {
    attestation,
    evidence,
    async credentials() {
      const nowMs = clock.nowMs();
      const valid = isValid(current, nowMs);
      if (valid && (nowMs - current.notBeforeMs < renewAfterMs || nowMs < retryAtMs)) return current;
      renewal ??= renew();
      if (valid) renewal.catch(() => undefined);
      else await renewal;
      return current;
    },
  };
}

function isValid({ notBeforeMs, notAfterMs }: Credentials, nowMs: number): boolean {
  return notBeforeMs <= nowMs && nowMs < notAfterMs;
}

type QuoteFor = NonNullable<IdentityOptions['quoteFor']>;
const fakeQuote: QuoteFor = (publicKey) => Promise.resolve(reportDataV1(publicKey, nodeCrypto));

async function make(quoteFor: QuoteFor | undefined, clock: Clock): Promise<Credentials> {
  const written = await writeCertificate(clock.nowMs() - BACKDATED_MS, quoteFor && inTime(quoteFor, clock));
  const { certificatePem: cert, keyPem: key } = written;
  return {
    publicKey: written.publicKey,
    certificateDer: written.der,
    notBeforeMs: written.notBeforeMs,
    notAfterMs: written.notAfterMs,
    context: createSecureContext({ ...TLS_OPTIONS, cert, key }),
  };
}

function inTime(quoteFor: QuoteFor, clock: Clock): (publicKey: Uint8Array) => Promise<Uint8Array> {
  return (publicKey) =>
    new Promise((resolve, reject) => {
      const over = new AbortController();
      const cancelTimer = clock.after(EVIDENCE_TIMEOUT_MS, () => {
        over.abort(new TransportError('TRANSPORT_EVIDENCE', `no quote within ${EVIDENCE_TIMEOUT_MS} ms`));
        reject(over.signal.reason);
      });
      quoteFor(publicKey, over.signal).then(resolve, reject).finally(cancelTimer);
    });
}
