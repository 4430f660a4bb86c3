/**
 * Fresh evidence of both ends, right after TLS and before any packet. Each side sends 32 random bytes, then
 * u32 length | bundle over the random bytes of the other, then u32 length | why it refuses, where no text means that it
 * does not. Integers are little-endian. Source: attestation.md §20.1; docs/protocol.md.
 */
import { randomBytes } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { type Binding, EXPORTER_LABEL, type PartRole } from '@bombyx/attest';
import { Turns } from '@bombyx/base';
import type { EvidenceSource } from './attested.ts';
import { asTransportError, TransportError, tooMany } from './errors.ts';
import {
  EVIDENCE_TIMEOUT_MS,
  JUDGE_TIMEOUT_MS,
  LINGER_MS,
  MAX_EVIDENCE_BYTES,
  MAX_PROOFS,
  MAX_REFUSAL_BYTES,
  MAX_WAITING_PROOFS,
} from './limits.ts';
import { readExactly, runStep, type Step, type StepContext } from './step.ts';

/** Offered by parts that speak this; C++ programs know no ALPN, and what they show is their certificate. */
export const FRESH_PROTOCOL = 'bombyx-attest/2';

const NONCE_BYTES = 32;
const EXPORTER_BYTES = 32;
const EVIDENCE: Step = { name: 'evidence', timeoutMs: EVIDENCE_TIMEOUT_MS, code: 'TRANSPORT_PROTOCOL' };
const OWN_EVIDENCE: Step = { name: 'our own evidence', timeoutMs: EVIDENCE_TIMEOUT_MS, code: 'TRANSPORT_EVIDENCE' };
/** The peer judges at the same time as we do, and may have begun later. */
const VERDICT: Step = { name: "the peer's verdict", timeoutMs: 2 * JUDGE_TIMEOUT_MS, code: 'TRANSPORT_CLOSED' };
const FAREWELL: Step = { name: 'a refusal', timeoutMs: LINGER_MS, code: 'TRANSPORT_CLOSED' };

/** One device makes the evidence of a process, so all its connections share these turns. */
const proofs = new Turns({ places: MAX_PROOFS, maxWaiting: MAX_WAITING_PROOFS }, () =>
  tooMany('proofs of our own', MAX_WAITING_PROOFS),
);

/** What both ends of one TLS connection share, and what each needs to prove itself over it. */
export class Channel {
  /** 32 bytes that only the two ends can know. */
  readonly exporter: Buffer;
  readonly #ownKey: Uint8Array;
  readonly #peerKey: Uint8Array;
  readonly #source: EvidenceSource | undefined;
  readonly #peerRole: PartRole;

  constructor(
    secure: TLSSocket,
    ends: {
      readonly ownKey: Uint8Array;
      readonly peerKey: Uint8Array;
      readonly peerRole: PartRole;
      readonly source: EvidenceSource | undefined;
    },
  ) {
    // In TLS 1.3 an empty context is the same as none
    this.exporter = secure.exportKeyingMaterial(EXPORTER_BYTES, EXPORTER_LABEL, Buffer.alloc(0));
    this.#ownKey = ends.ownKey;
    this.#peerKey = ends.peerKey;
    this.#peerRole = ends.peerRole;
    this.#source = ends.source;
  }

  /** Whether there is anything to prove this side with. */
  get proves(): boolean {
    return this.#source !== undefined;
  }

  /**
   * Our evidence for the random bytes of a peer; empty where this side has none.
   * @throws {TransportError} `TRANSPORT_EVIDENCE`, `TRANSPORT_LIMIT`; the reason of `signal`
   */
  async prove(nonce: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const source = this.#source;
    if (source === undefined) return new Uint8Array(0);
    const binding = { role: source.role, nonce, exporter: this.exporter, publicKey: this.#ownKey };
    let bundle: Uint8Array;
    try {
      const giveBack = await proofs.take(signal);
      try {
        signal.throwIfAborted();
        bundle = await source.evidence(binding, signal);
      } finally {
        giveBack();
      }
    } catch (error) {
      throw asTransportError(error, 'TRANSPORT_EVIDENCE', 'our own evidence could not be made');
    }
    if (bundle.length <= MAX_EVIDENCE_BYTES) return bundle;
    throw new TransportError('TRANSPORT_EVIDENCE', `our own evidence has ${bundle.length} bytes`);
  }

  /** What evidence of the peer must be bound to when we ask for it with `nonce`. */
  bindingOf(nonce: Uint8Array): Binding {
    return { role: this.#peerRole, nonce, exporter: this.exporter, publicKey: this.#peerKey };
  }
}

export function freshNonce(): Buffer {
  return randomBytes(NONCE_BYTES);
}

/**
 * Sends our evidence and takes that of the peer, judged by nobody yet.
 * @returns the peer's bundle, empty where it has none, and what it must be bound to
 * @throws {TransportError} `TRANSPORT_PROTOCOL` for one of more than 1 MiB, `TRANSPORT_EVIDENCE`, `TRANSPORT_TIMEOUT`; the
 *   socket is destroyed
 */
export async function exchangeEvidence(
  secure: TLSSocket,
  channel: Channel,
  context: StepContext,
): Promise<{ readonly bundle: Buffer; readonly binding: Binding }> {
  const nonce = freshNonce();
  secure.write(nonce);
  const theirs = await readExactly(secure, NONCE_BYTES, EVIDENCE, context);
  const send = async () => {
    const bundle = await runStep<Uint8Array>(secure, OWN_EVIDENCE, context, (resolve, reject) => {
      const over = new AbortController();
      channel.prove(theirs, over.signal).then(resolve, reject);
      return () => over.abort();
    });
    secure.write(Buffer.concat([sized(bundle.length), bundle]));
  };
  const [bundle] = await Promise.all([readSized(secure, MAX_EVIDENCE_BYTES, EVIDENCE, context), send()]);
  return { bundle, binding: channel.bindingOf(nonce) };
}

/**
 * Tells the peer that it is admitted, and hears whether we are.
 * @throws {TransportError} `TRANSPORT_REFUSED_BY_PEER` with its reason; the socket is destroyed
 */
export async function exchangeVerdicts(secure: TLSSocket, context: StepContext): Promise<void> {
  secure.write(sized(0));
  const text = await readSized(secure, MAX_REFUSAL_BYTES, VERDICT, context);
  if (text.length === 0) return;
  secure.destroy();
  // A stranger's words: one line of plain text
  const reason = text.toString('utf8').replace(/[^\p{L}\p{N}\p{P}\p{S} ]+/gu, ' ');
  throw new TransportError('TRANSPORT_REFUSED_BY_PEER', `the peer refused us: ${reason}`);
}

/** Tells the peer why it is refused, and waits a moment for that to arrive. Never fails. */
export async function sayRefused(secure: TLSSocket, reason: string, context: StepContext): Promise<void> {
  const text = Buffer.from(reason).subarray(0, MAX_REFUSAL_BYTES);
  secure.end(Buffer.concat([sized(text.length), text]));
  secure.resume(); // what the peer has sent meanwhile is dropped unseen
  await runStep<void>(secure, FAREWELL, context, (resolve) => {
    const onEnd = () => resolve();
    secure.once('end', onEnd);
    return () => secure.off('end', onEnd);
  }).catch(() => undefined);
  secure.destroy();
}

function sized(length: number): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32LE(length);
  return prefix;
}

async function readSized(secure: TLSSocket, most: number, step: Step, context: StepContext): Promise<Buffer> {
  const length = (await readExactly(secure, 4, step, context)).readUInt32LE();
  if (length <= most) return await readExactly(secure, length, step, context);
  secure.destroy();
  throw new TransportError('TRANSPORT_PROTOCOL', `${step.name} of ${length} bytes, at most ${most} are taken`, {
    length,
    most,
  });
}
