/** Certificates of AMD chips from the key service. Source: attestation.md §18.4; AMD KDS (57230). */
import type { VcekNeed } from '@bombyx/attest';
import type { Clock } from '@bombyx/base';
import { MAX_COLLATERAL_ANSWER_BYTES } from '../limits.ts';
import type { ChipRecord } from './amd-records.ts';
import { type Answer, Endpoint, type EndpointOptions } from './endpoint.ts';
import type { Source } from './record.ts';

export const AMD_SERVICE = 'https://kdsintf.amd.com';

const TYPE = /pkix|pem|octet-stream|x-x509|text\/plain/i;
const PEM = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g;

export class KdsSource implements Source<VcekNeed, ChipRecord> {
  readonly host: string;
  readonly #endpoint: Endpoint;

  /** @throws {TypeError} for an address that is no HTTP URL */
  constructor(options: EndpointOptions, clock: Clock) {
    this.#endpoint = new Endpoint(options, clock);
    this.host = this.#endpoint.host;
  }

  /** One after the other: the service slows down whoever asks for much at once. */
  async fetch(need: VcekNeed, signal: AbortSignal): Promise<ChipRecord> {
    const { product, chipId, tcb } = need;
    const get = (path: string) =>
      this.#endpoint.get(
        { path: `/vcek/v1/${product}/${path}`, type: TYPE, maxBytes: MAX_COLLATERAL_ANSWER_BYTES },
        signal,
      );
    const { bootLoader, tee, snp, microcode, fmc } = tcb;
    const id = product === 'Turin' ? chipId.slice(0, 16) : chipId;
    const levels = `blSPL=${bootLoader}&teeSPL=${tee}&snpSPL=${snp}&ucodeSPL=${microcode}`;
    const vcek = await get(`${id}?${levels}${fmc === undefined ? '' : `&fmcSPL=${fmc}`}`);
    const chain = await get('cert_chain');
    const crl = await get('crl');
    return {
      need,
      certificates: { vcek: this.#der(vcek), chain: this.#chain(chain), crl: this.#der(crl) },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#endpoint[Symbol.asyncDispose]();
  }

  #der({ body }: Answer): Uint8Array {
    if (body[0] === 0x30) return Uint8Array.from(body);
    throw this.#endpoint.fault('COLLATERAL_RESPONSE', 'an answer that is not DER');
  }

  #chain({ body }: Answer): Uint8Array[] {
    const found = [...body.toString('latin1').matchAll(PEM)];
    if (found.length === 2) return found.map(([, text]) => Uint8Array.from(Buffer.from(text ?? '', 'base64')));
    throw this.#endpoint.fault('COLLATERAL_RESPONSE', `a chain of ${found.length} certificates instead of 2`);
  }
}
