/** What holds for every provider of machine evidence, whatever is behind it. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { type EvidenceItem, readQuote, readSimulated, readSnpReport } from '@bombyx/attest';
import type { EvidenceProvider } from '../src/index.ts';

export interface OpenProvider extends AsyncDisposable {
  readonly provider: EvidenceProvider;
}

export function describeProvider(
  name: string,
  kind: 'tdx' | 'sev-snp' | 'simulated',
  open: () => Promise<OpenProvider>,
): void {
  const { signal } = new AbortController();
  const about = ([item]: readonly EvidenceItem[]) => {
    assert.equal(item?.kind, kind);
    return Buffer.from(reportDataOf(item));
  };

  describe(`provider: ${name}`, () => {
    it('gives evidence about what was asked, and each time about that', async () => {
      await using opened = await open();
      assert.equal(opened.provider.kind, kind);
      for (const reportData of [randomBytes(64), Buffer.alloc(64, 0xff), randomBytes(64)]) {
        assert.deepEqual(about(await opened.provider.collect({ reportData, signal })), reportData);
      }
    });

    it('gives everybody his own evidence when many ask at once', async () => {
      await using opened = await open();
      const asked = Array.from({ length: 8 }, () => randomBytes(64));
      const items = await Promise.all(asked.map((reportData) => opened.provider.collect({ reportData, signal })));
      assert.deepEqual(items.map(about), asked);
    });

    it('is not confused by a caller who reuses his buffer', async () => {
      await using opened = await open();
      const reportData = randomBytes(64);
      const before = Buffer.from(reportData);
      const collecting = opened.provider.collect({ reportData, signal });
      reportData.fill(0);
      assert.deepEqual(about(await collecting), before);
    });

    it('refuses report data of another size', async () => {
      await using opened = await open();
      for (const size of [0, 32, 63, 65]) {
        await assert.rejects(opened.provider.collect({ reportData: randomBytes(size), signal }), RangeError);
      }
    });

    it('does not begin for somebody who has left', async () => {
      await using opened = await open();
      const left = AbortSignal.abort(new Error('gone'));
      await assert.rejects(opened.provider.collect({ reportData: randomBytes(64), signal: left }), /gone/);
    });
  });
}

function reportDataOf({ kind, data }: EvidenceItem): Uint8Array {
  if (kind === 'tdx') return readQuote(data).body.reportData;
  return kind === 'simulated' ? readSimulated(data).reportData : readSnpReport(data).reportData;
}
