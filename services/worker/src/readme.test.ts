import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startBackend } from '../testing/backend.ts';
import { OWNER, ROOT_ADDRESS } from '../testing/fake-proxy.ts';
import { startScriptedProxy } from '../testing/scripted-proxy.ts';

const example = new URL('../testing/example.ts', import.meta.url);
const rootFile = new URL('../../../vectors/cocoon-cpp/fake-ton.json', import.meta.url);

it('shows the example of the README as it runs', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  assert.ok(readme.includes(readFileSync(example, 'utf8')));
  const folder = await mkdtemp(join(tmpdir(), 'bombyx-worker-'));
  await using backend = await startBackend(() => {});
  await using proxy = await startScriptedProxy();
  const config = {
    is_test: true,
    owner_address: OWNER,
    root_contract_address: ROOT_ADDRESS,
    model_name: 'm@c:h',
    forward_requests_to: `127.0.0.1:${backend.port}`,
  };
  const root = JSON.parse(readFileSync(rootFile, 'utf8')) as object;
  const registered_proxies = [{ seqno: 1, address: `127.0.0.1:${proxy.port}` }];
  const files = [join(folder, 'worker.json'), join(folder, 'root.json')] as const;
  await writeFile(files[0], JSON.stringify(config));
  await writeFile(files[1], JSON.stringify({ ...root, registered_proxies }));
  const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(example), ...files]);
  assert.equal(stdout, 'ready for m@c:h\n');
  await rm(folder, { recursive: true });
});
