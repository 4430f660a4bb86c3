/** The member `gateway` of a client's configuration: ours, for the OpenAI API on its `http_port`. */
import { defaultOptions, type GatewayOptions } from '@bombyx/gateway';
import { z } from 'zod';
import { CliError } from './usage.ts';

const durationMs = z.int().min(1).max(0x7fff_ffff);
const Schema = z.strictObject({
  require_api_key: z.boolean().default(false),
  allowed_hosts: z.array(z.string().min(1)).max(64).default([]),
  cors_origin: z.string().min(1).optional(),
  max_body_bytes: z.int().min(1_024).max(0xff_0000).default(defaultOptions.maxBodyBytes),
  max_concurrent_requests: z.int().min(1).max(100_000).default(defaultOptions.maxConcurrentRequests),
  default_max_tokens: z.int().min(1).max(0x7fff_ffff).default(defaultOptions.defaultMaxTokens),
  default_max_coefficient: z.int().min(0).max(0x7fff_ffff).default(defaultOptions.defaultMaxCoefficient),
  first_byte_timeout_ms: durationMs.default(defaultOptions.firstByteTimeoutMs),
  idle_timeout_ms: durationMs.default(defaultOptions.idleTimeoutMs),
  total_timeout_ms: durationMs.default(defaultOptions.totalTimeoutMs),
});

/** The client's own configuration, and what concerns the gateway. */
export interface ClientFile {
  readonly client: unknown;
  readonly gateway: Partial<GatewayOptions>;
  /** Requests need an API key even before there is one. */
  readonly requireApiKey: boolean;
}

/** @throws {CliError} `CLI_CONFIG` */
export function splitGatewayConfig(json: unknown): ClientFile {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    return { client: json, gateway: {}, requireApiKey: false };
  }
  const { gateway = {}, ...client } = json as Record<string, unknown>;
  const parsed = Schema.safeParse(gateway);
  if (!parsed.success) {
    const clauses = parsed.error.issues.map((issue) => `"${['gateway', ...issue.path].join('.')}": ${issue.message}`);
    throw new CliError('CLI_CONFIG', clauses.join('; '));
  }
  const fields = parsed.data;
  return {
    client,
    requireApiKey: fields.require_api_key,
    gateway: {
      allowedHosts: fields.allowed_hosts,
      corsOrigin: fields.cors_origin,
      maxBodyBytes: fields.max_body_bytes,
      maxConcurrentRequests: fields.max_concurrent_requests,
      defaultMaxTokens: fields.default_max_tokens,
      defaultMaxCoefficient: fields.default_max_coefficient,
      firstByteTimeoutMs: fields.first_byte_timeout_ms,
      idleTimeoutMs: fields.idle_timeout_ms,
      totalTimeoutMs: fields.total_timeout_ms,
    },
  };
}
