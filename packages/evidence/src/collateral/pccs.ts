/** Collateral of Intel platforms from Intel's service or a PCCS, whose paths are the same. Source: attestation.md §7. */

import type { Collateral, CollateralNeed } from '@bombyx/attest';
import type { Clock } from '@bombyx/base';
import { MAX_COLLATERAL_ANSWER_BYTES } from '../limits.ts';
import { type Answer, Endpoint, type EndpointOptions } from './endpoint.ts';
import type { Source } from './record.ts';

export const INTEL_SERVICE = 'https://api.trustedservices.intel.com';
/** Intel serves the CRL of its root elsewhere than a PCCS does. */
const INTEL_ROOT_CRL = { host: 'https://certificates.trustedservices.intel.com', path: '/IntelSGXRootCA.der' };

export interface PccsOptions extends EndpointOptions {
  /** Where the CRL of the root lies, if not where this kind of service has it: an absolute URL. */
  readonly rootCrlUrl?: string;
  /** Which evaluation of TCB levels; Intel's default, `standard`, lags by more than a year. */
  readonly update?: 'standard' | 'early';
}

const JSON_TYPE = /\bjson\b/i;
const CRL_TYPE = /pkix-crl|octet-stream|text\/plain/i;

export class PccsSource implements Source<CollateralNeed, Collateral> {
  readonly host: string;
  readonly #endpoint: Endpoint;
  readonly #rootEndpoint: Endpoint;
  readonly #rootPath: string;
  readonly #update: string;

  /** @throws {TypeError} for an address that is no HTTP URL */
  constructor({ rootCrlUrl, update, ...options }: PccsOptions, clock: Clock) {
    this.#endpoint = new Endpoint(options, clock);
    this.host = this.#endpoint.host;
    const isIntel = new URL(options.url).origin === INTEL_SERVICE;
    const elsewhere = rootCrlUrl ?? (isIntel ? INTEL_ROOT_CRL.host + INTEL_ROOT_CRL.path : undefined);
    if (elsewhere === undefined) {
      this.#rootEndpoint = this.#endpoint;
      this.#rootPath = '/sgx/certification/v4/rootcacrl';
    } else {
      const url = new URL(elsewhere);
      this.#rootEndpoint = new Endpoint({ ...options, url: url.origin }, clock);
      this.#rootPath = url.pathname + url.search;
    }
    this.#update = update === undefined ? '' : `update=${update}`;
  }

  async fetch({ tee, fmspc, ca }: CollateralNeed, signal: AbortSignal): Promise<Collateral> {
    const one = new AbortController(); // one that fails ends the others
    const both = AbortSignal.any([signal, one.signal]);
    const get = (endpoint: Endpoint, path: string, type: RegExp) =>
      endpoint.get({ path, type, maxBytes: MAX_COLLATERAL_ANSWER_BYTES }, both);
    const queries = (...parts: string[]) => [...parts, this.#update].filter((part) => part !== '').join('&');
    try {
      const [tcb, qe, crl, rootCrl] = await Promise.all([
        get(this.#endpoint, `/${tee}/certification/v4/tcb?${queries(`fmspc=${fmspc}`)}`, JSON_TYPE),
        get(this.#endpoint, `/${tee}/certification/v4/qe/identity?${queries()}`.replace(/\?$/, ''), JSON_TYPE),
        get(this.#endpoint, `/sgx/certification/v4/pckcrl?ca=${ca}&encoding=der`, CRL_TYPE),
        get(this.#rootEndpoint, this.#rootPath, CRL_TYPE),
      ]);
      const tcbInfo = this.#signed(tcb, 'tcbInfo');
      const identity = this.#signed(qe, 'enclaveIdentity');
      return {
        tcb_info: tcbInfo.text,
        tcb_info_signature: tcbInfo.signature,
        tcb_info_issuer_chain: this.#chain(tcb, 'TCB-Info-Issuer-Chain'),
        qe_identity: identity.text,
        qe_identity_signature: identity.signature,
        qe_identity_issuer_chain: this.#chain(qe, 'SGX-Enclave-Identity-Issuer-Chain'),
        pck_crl: this.#crl(crl),
        pck_crl_issuer_chain: this.#chain(crl, 'SGX-PCK-CRL-Issuer-Chain'),
        root_ca_crl: this.#crl(rootCrl),
      };
    } finally {
      one.abort();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#endpoint[Symbol.asyncDispose]();
    if (this.#rootEndpoint !== this.#endpoint) await this.#rootEndpoint[Symbol.asyncDispose]();
  }

  /** The value's text exactly as it was signed: cut out, never written again. */
  #signed({ body }: Answer, member: string): { readonly text: string; readonly signature: string } {
    const shape = new RegExp(
      `^\\s*\\{\\s*"${member}"\\s*:\\s*(\\{.*\\})\\s*,\\s*"signature"\\s*:\\s*"([0-9a-fA-F]+)"\\s*\\}\\s*$`,
      's',
    );
    const [, text, signature] = shape.exec(body.toString('utf8')) ?? [];
    if (text !== undefined && signature !== undefined) return { text, signature };
    throw this.#endpoint.fault('COLLATERAL_RESPONSE', `an answer that is not {"${member}", "signature"}`);
  }

  #chain(answer: Answer, header: string): string {
    try {
      const chain = decodeURIComponent(answer.header(header));
      if (/^-----BEGIN CERTIFICATE-----\s/.test(chain)) return chain;
    } catch (error) {
      if (!(error instanceof URIError)) throw error;
    }
    throw this.#endpoint.fault('COLLATERAL_RESPONSE', `header ${header} is not percent-encoded PEM`);
  }

  /** DER, or its hex where a PCCS prefers that. @returns hex */
  #crl({ body }: Answer): string {
    if (body[0] === 0x30 && (body[1] ?? 0) >= 0x80) return body.toString('hex');
    const text = body.toString('latin1').trim();
    if (/^30(?:[0-9a-f]{2})+$/i.test(text)) return text.toLowerCase();
    throw this.#endpoint.fault('COLLATERAL_RESPONSE', 'a revocation list that is neither DER nor hex');
  }
}
