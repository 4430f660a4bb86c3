import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { systemClock } from '@bombyx/base';
import { folderTsm } from '../../testing/folder-tsm.ts';
import { MemoryTsm } from '../../testing/memory-tsm.ts';
import { describeProvider } from '../../testing/provider-suite.ts';
import { createSimulatedMachine, createSimulatedRoot, openSimulatedMachine, TSM_ROOT, TsmProvider } from '../index.ts';

for (const tee of ['tdx', 'sev-snp'] as const) {
  describeProvider(`configfs-tsm in memory, ${tee}`, tee, async () => {
    const provider = new TsmProvider({ tee, root: '/tsm' }, { clock: systemClock, files: new MemoryTsm(tee, '/tsm') });
    return { provider, [Symbol.asyncDispose]: () => provider[Symbol.asyncDispose]() };
  });

  describeProvider(`configfs-tsm in a ready folder, ${tee}`, tee, async () => {
    const folder = folderTsm(tee);
    const { root, name } = folder;
    const provider = new TsmProvider({ tee, root, name, entry: 'existing' }, { clock: systemClock });
    return {
      provider,
      async [Symbol.asyncDispose]() {
        await provider[Symbol.asyncDispose]();
        await folder[Symbol.asyncDispose]();
      },
    };
  });
}

describeProvider('simulated', 'simulated', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'simulated-'));
  await createSimulatedRoot(folder);
  const file = join(folder, 'machine.json');
  await createSimulatedMachine({ root: folder, file, measurement: Buffer.alloc(48, 1) });
  return {
    provider: await openSimulatedMachine(file),
    [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true }),
  };
});

if (existsSync(TSM_ROOT)) {
  const tee = existsSync('/dev/tdx_guest') ? 'tdx' : 'sev-snp';
  describeProvider(`configfs-tsm of this machine, ${tee}`, tee, async () => {
    const provider = new TsmProvider({ tee }, { clock: systemClock });
    return { provider, [Symbol.asyncDispose]: () => provider[Symbol.asyncDispose]() };
  });
} else {
  it('configfs-tsm of this machine', { skip: `there is no ${TSM_ROOT} here` }, () => {});
}
