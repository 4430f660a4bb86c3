/** Reference values from NVIDIA's service: XML in base64 in JSON. Source: attestation.md §14.3. */
import { createHash } from 'node:crypto';
import type { Clock } from '@bombyx/base';
import { MAX_RIM_ANSWER_BYTES } from '../limits.ts';
import { Endpoint, type EndpointOptions } from './endpoint.ts';
import type { Source } from './record.ts';
import type { RimNeed, RimRecord } from './rim-records.ts';

export const NVIDIA_RIM_SERVICE = 'https://rim.attestation.nvidia.com';

export class RimSource implements Source<RimNeed, RimRecord> {
  readonly host: string;
  readonly #endpoint: Endpoint;

  /** @throws {TypeError} for an address that is no HTTP URL */
  constructor(options: EndpointOptions, clock: Clock) {
    this.#endpoint = new Endpoint(options, clock);
    this.host = this.#endpoint.host;
  }

  async fetch({ id }: RimNeed, signal: AbortSignal): Promise<RimRecord> {
    const question = { path: `/v1/rim/${encodeURIComponent(id)}`, type: /\bjson\b/i, maxBytes: MAX_RIM_ANSWER_BYTES };
    const { body } = await this.#endpoint.get(question, signal);
    const { rim, sha256 } = this.#fields(body.toString('utf8'));
    if (typeof rim !== 'string') throw this.#endpoint.fault('COLLATERAL_RESPONSE', 'an answer without "rim"');
    const xml = Buffer.from(rim, 'base64');
    const digest = createHash('sha256').update(xml).digest('hex');
    if (sha256 !== undefined && String(sha256).toLowerCase() !== digest) {
      throw this.#endpoint.fault('COLLATERAL_RESPONSE', 'an answer that does not have its own SHA-256');
    }
    return { id, xml: xml.toString('utf8') };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#endpoint[Symbol.asyncDispose]();
  }

  #fields(text: string): Record<string, unknown> {
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
    } catch {
      // told below, as any other answer that is no object
    }
    throw this.#endpoint.fault('COLLATERAL_RESPONSE', 'an answer that is no JSON object');
  }
}
