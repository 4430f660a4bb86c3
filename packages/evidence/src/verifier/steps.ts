/** The work of a judging thread: pure but for what it remembers of collateral. */

import { createHash } from 'node:crypto';
import {
  type AttestCrypto,
  type Certificate,
  CLAIMS_OID,
  type Collateral,
  decodeEvidence,
  type EvidenceItem,
  type EvidenceNeeds,
  type Failure,
  judgeCertificate,
  judgePeer,
  judgeQuotedCertificate,
  MalformedError,
  needsOf,
  type OpenedCollateral,
  openCollateral,
  type PeerVerdict,
  QUOTE_OID,
  readCertificateTable,
  readQuote,
  type Trust,
  verifyGpu,
  verifyQuote,
  verifySnp,
} from '@bombyx/attest';
import type {
  Admitted,
  Inspection,
  InspectTask,
  JudgeTask,
  Results,
  ScreenRoots,
  ScreenTask,
  Shown,
  Task,
} from './task.ts';

/** Collateral kept open, with the machines it was used for. */
const MAX_OPENED = 16;
const NOTHING_NEEDED: EvidenceNeeds = { rims: [] };
/** What a quote can be blamed for without any collateral. */
const ownFaults = /^(?:QUOTE_|QE_VENDOR|QE_REPORT_(?:SIGNATURE|DATA)|CERT_TYPE|PCK_(?:FORMAT|CHAIN|VALIDITY))/;

export class Judge {
  readonly #crypto: AttestCrypto;
  readonly #opened = new Map<string, OpenedCollateral>();

  constructor(crypto: AttestCrypto) {
    this.#crypto = crypto;
  }

  /** @returns the result of that step. @throws nothing for what is in the bytes */
  perform(task: Task): Results[Task['step']] {
    switch (task.step) {
      case 'inspect':
        return this.#inspect(task);
      case 'screen':
        return this.#screen(task);
      case 'judge':
        return this.#judge(task);
    }
  }

  #inspect({ shown, admits, atMs }: InspectTask): Inspection {
    try {
      if (shown.form === 'evidence') {
        const items = decodeEvidence(shown.bytes).items;
        return { ok: true, key: keyOfEvidence(shown), needs: needsUnder(admits, items) };
      }
      const verdict = judgeCertificate(shown.bytes, shown.role, atMs, this.#crypto);
      if (!verdict.ok) return { ok: false, failures: certificateFailures(verdict.failures) };
      const { certificate } = verdict;
      return {
        ok: true,
        key: keyOfCertificate(shown, certificate),
        needs: needsUnder(admits, itemsIn(certificate)),
      };
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      return { ok: false, failures: [{ code: 'EVIDENCE_FORMAT', message: error.message }] };
    }
  }

  /** The first item to be blamed is enough: the others would cost as much again. */
  #screen({ shown, roots, atMs }: ScreenTask): readonly Failure[] {
    for (const item of this.#items(shown, atMs)) {
      const faults = this.#faultsOf(item, roots, atMs);
      if (faults.length > 0) return faults;
    }
    return [];
  }

  #faultsOf({ kind, data, certificates }: EvidenceItem, roots: ScreenRoots, atMs: number): readonly Failure[] {
    const crypto = this.#crypto;
    if (kind === 'tdx') {
      const verdict = verifyQuote(data, NO_COLLATERAL, { atMs, crypto, root: roots.intel });
      return verdict.ok ? [] : verdict.failures.filter(({ code }) => ownFaults.test(code));
    }
    if (kind === 'sev-snp') return this.#tableFaults(data, certificates, roots, atMs);
    if (kind !== 'nvidia-gpu' || typeof certificates !== 'string') return [];
    const verdict = verifyGpu(
      { evidence: data, certificates },
      { atMs, crypto, rims: 'not judged', ...(roots.nvidia && { root: roots.nvidia }) },
    );
    return verdict.ok ? [] : verdict.failures;
  }

  /**
   * By the certificates that the host handed to the guest with the report, where it did. They are not kept: the verdict
   * needs AMD's list of revoked ones, too, and takes all from one place.
   */
  #tableFaults(
    report: Uint8Array,
    table: EvidenceItem['certificates'],
    { amd }: ScreenRoots,
    atMs: number,
  ): readonly Failure[] {
    const certificates = table instanceof Uint8Array ? readCertificateTable(table) : undefined;
    if (certificates === undefined) return [];
    const verdict = verifySnp(report, certificates, { atMs, crypto: this.#crypto, ...(amd && { roots: amd }) });
    if (verdict.ok) return [];
    // one that has ended is genuine all the same, and AMD gives out newer ones
    return verdict.failures.filter(({ code }) => code !== 'SNP_VALIDITY').map(withTableFix);
  }

  #judge({ shown, policy, trust, atMs, platformPeers }: JudgeTask): PeerVerdict {
    const options = { atMs, crypto: this.#crypto, ...(platformPeers && { platformPeers }) };
    const opened = this.#withOpened(trust);
    if (shown.form === 'evidence') return judgePeer(shown.bytes, shown.binding, policy, opened, options);
    const verdict = judgeCertificate(shown.bytes, shown.role, atMs, this.#crypto);
    if (!verdict.ok) return { ok: false, failures: certificateFailures(verdict.failures) };
    return judgeQuotedCertificate(verdict.certificate, policy, opened, options);
  }

  #items(shown: Shown, atMs: number): readonly EvidenceItem[] {
    if (shown.form === 'evidence') return decodeEvidence(shown.bytes).items;
    const verdict = judgeCertificate(shown.bytes, shown.role, atMs, this.#crypto);
    return verdict.ok ? itemsIn(verdict.certificate) : [];
  }

  /** Opening costs more than a verdict: signatures of the vendor, the same for all its machines. */
  #withOpened(trust: Trust): Trust {
    if (trust.intel === undefined) return trust;
    const { collateral, root } = trust.intel;
    const key = digest(...Object.values(collateral).map(String), root ?? '');
    const opened = this.#opened.get(key) ?? openCollateral(collateral as Collateral, { crypto: this.#crypto, root });
    this.#opened.delete(key); // to the end: what was not used for longest goes first
    this.#opened.set(key, opened);
    const [oldest] = this.#opened.keys();
    if (this.#opened.size > MAX_OPENED && oldest !== undefined) this.#opened.delete(oldest);
    return { ...trust, intel: { ...trust.intel, collateral: opened } };
  }
}

const NO_COLLATERAL: Collateral = {
  tcb_info: '',
  tcb_info_signature: '',
  tcb_info_issuer_chain: '',
  qe_identity: '',
  qe_identity_signature: '',
  qe_identity_issuer_chain: '',
  pck_crl: '',
  root_ca_crl: '',
  pck_crl_issuer_chain: '',
};

/** A policy fetches for evidence that it could let in, and for nothing else. */
function needsUnder(admits: Admitted, items: readonly EvidenceItem[]): EvidenceNeeds {
  const { type } = admits;
  if (type === 'any' || type === 'fake_tdx') return NOTHING_NEEDED;
  const { intel, amd, rims } = needsOf({ items });
  return {
    ...(type === 'tdx' && intel && { intel }),
    ...(admits.type === 'sev-snp' && amd && admits.products.includes(amd.product) && { amd }),
    rims,
  };
}

/** Of an honest peer: its host has certificates from before its firmware was updated. */
function withTableFix({ code, message }: Failure): Failure {
  if (code !== 'SNP_TCB' && code !== 'SNP_CHIP_ID') return { code, message };
  return {
    code,
    message,
    fix: "let the peer's host fetch the VCEK of its chip again, or hand out no certificate table",
  };
}

function itemsIn({ extensions }: Certificate): EvidenceItem[] {
  const quote = extensions.get(QUOTE_OID);
  return quote === undefined ? [] : [{ kind: 'tdx', data: quote.value }];
}

function certificateFailures(messages: readonly string[]): Failure[] {
  return messages.map((message) => ({ code: 'CERT_INVALID', message }));
}

function keyOfEvidence({ bytes, binding }: Shown & { form: 'evidence' }): string {
  const { role, nonce, exporter, publicKey } = binding;
  return digest('evidence', bytes, role, nonce, exporter, publicKey);
}

/**
 * All that a verdict on a certificate rests on, and nothing else: the tail of a quote, which nobody signed, and the
 * certificate's own signature, which was checked, make no new key.
 */
function keyOfCertificate({ role }: Shown & { form: 'certificate' }, certificate: Certificate): string {
  const { spki, notBeforeMs, notAfterMs, extensions } = certificate;
  const parts = [QUOTE_OID, CLAIMS_OID].flatMap((oid) => {
    const extension = extensions.get(oid);
    if (extension === undefined) return ['absent', ''];
    return [`critical: ${extension.critical}`, oid === QUOTE_OID ? signedPart(extension.value) : extension.value];
  });
  return digest('certificate', role, spki, `${notBeforeMs} ${notAfterMs}`, ...parts);
}

function signedPart(quote: Uint8Array): Uint8Array {
  try {
    return readQuote(quote).authenticated;
  } catch (error) {
    if (error instanceof MalformedError) return quote;
    throw error;
  }
}

/** SHA-256 over all parts, each with its length. */
function digest(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest('base64');
}
