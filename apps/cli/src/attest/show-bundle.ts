/** What a part of Bombyx showed to its peer: claims, and evidence of several kinds. Nothing is judged here. */

import { createHash } from 'node:crypto';
import { decodeClaims, decodeEvidence, type EvidenceItem, MalformedError, readSimulated } from '@bombyx/attest';
import { textOf } from './files.ts';
import { viewGpus } from './show-nvidia.ts';
import { viewQuote } from './show-quote.ts';
import { viewSnp } from './show-snp.ts';
import { hex, instant, present, type Row, type View } from './view.ts';

/** @throws {MalformedError} not a bundle */
export function viewBundle(bytes: Uint8Array): View {
  const { claims: encoded, items } = decodeEvidence(bytes);
  const claims = decodeClaims(encoded);
  const views = items.map(viewItem);
  const digest = createHash('sha256').update(bytes).digest('hex');
  const optional = (value: Uint8Array | undefined) => value && hex(value);
  const rows: Row[] = present([
    ['digest', digest],
    'Claims',
    ['role', claims.role],
    ['key', hex(claims.publicKey)],
    ['valid', `${instant(claims.notBeforeSec * 1_000)} to ${instant(claims.notAfterSec * 1_000)}`],
    ['image version', claims.imageVersion],
    ['model', claims.model],
    ['owner', claims.owner],
    ['prompt key', optional(claims.promptKey)],
    ['platform', optional(claims.platform)],
    ['GPUs', claims.gpuDigests.length],
  ]);
  return {
    title: `Evidence bundle of a ${claims.role}, ${items.length} item${items.length === 1 ? '' : 's'}`,
    json: {
      evidenceDigest: digest,
      claims: {
        role: claims.role,
        publicKey: hex(claims.publicKey),
        notBefore: instant(claims.notBeforeSec * 1_000) ?? null,
        notAfter: instant(claims.notAfterSec * 1_000) ?? null,
        imageVersion: claims.imageVersion,
        specHash: optional(claims.specHash) ?? null,
        model: claims.model ?? null,
        gpuDigests: claims.gpuDigests.map(hex),
        gpuNonce: optional(claims.gpuNonce) ?? null,
        promptKey: optional(claims.promptKey) ?? null,
        owner: claims.owner,
        platform: optional(claims.platform) ?? null,
      },
      items: views.map(({ title, json }, at) => ({ kind: items[at]!.kind, title, ...json })),
    },
    rows: [...rows, ...views.flatMap(({ title, rows: inside }): Row[] => [title, ...inside])],
  };
}

/** An item that cannot be read is told as that: the others are still worth seeing. */
function viewItem(item: EvidenceItem): View {
  try {
    return viewData(item);
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    const title = `${item.kind} that cannot be read: ${error.message}`;
    return { title, json: { fault: error.message }, rows: [] };
  }
}

function viewData({ kind, data, certificates }: EvidenceItem): View {
  switch (kind) {
    case 'tdx':
    case 'sgx':
      return viewQuote(data);
    case 'sev-snp':
      return viewSnp(data);
    case 'nvidia-gpu': {
      const pem = certificates instanceof Uint8Array ? textOf(certificates) : certificates;
      return viewGpus([{ evidence: data, ...(pem !== undefined && { certificates: pem }) }]);
    }
    case 'simulated': {
      const report = readSimulated(data);
      const facts = {
        root: hex(report.root),
        platformKey: hex(report.platformKey),
        measurement: hex(report.measurement),
      };
      return { title: 'SIMULATED machine: proves no enclave', json: facts, rows: Object.entries(facts) };
    }
    case 'event-log':
      return { title: 'Event log', json: { bytes: data.length }, rows: [['size', `${data.length} bytes`]] };
  }
}
