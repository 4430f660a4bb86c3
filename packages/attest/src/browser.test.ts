/** The package runs in a page: nothing that it imports needs Node, and it works where Node's globals are gone. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

const roots = ['./index.ts', './crypto/web.ts'].map((path) => new URL(path, import.meta.url).href);
/** What names another module at run time; `import type` and `export type` are gone by then. */
const SPECIFIER =
  /(?:^|[;}])\s*(?:import|export)\s+(?!type\b)(?:[^'"`;]*?\bfrom\s*)?(['"])([^'"]+)\1|\bimport\(\s*(['"])([^'"]+)\3/gm;

interface Module {
  readonly url: string;
  readonly text: string;
  readonly imports: readonly string[];
}

/** Comments out: they may say what they like. */
const codeOf = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');

const importsOf = (code: string) => [...code.matchAll(SPECIFIER)].map((match) => (match[2] ?? match[4]) as string);

function modulesFrom(entries: readonly string[]): Module[] {
  const found = new Map<string, Module>();
  const waiting = [...entries];
  for (let url = waiting.pop(); url !== undefined; url = waiting.pop()) {
    if (found.has(url)) continue;
    const text = codeOf(readFileSync(fileURLToPath(url), 'utf8'));
    const imports = importsOf(text);
    found.set(url, { url, text, imports });
    for (const specifier of imports.filter((name) => !isBuiltin(name))) {
      waiting.push(specifier.startsWith('.') ? new URL(specifier, url).href : import.meta.resolve(specifier));
    }
  }
  return [...found.values()];
}

const modules = modulesFrom(roots);
const ours = modules.filter(({ url }) => !url.includes('/node_modules/'));

it('sees every form of import, and none that is a type or a comment', () => {
  const text = `import 'a';
    import b from "b"; import { c } from 'c';
    import {
      type d,
      e,
    } from 'd';
    import type { F } from 'f'; // import 'g';
    /* import 'h'; */
    export * from 'i';
    export { type J, k } from 'j';
    export type { L } from 'l';
    const m = await import('m');
    export const n = "from 'n'";`;
  assert.deepEqual(importsOf(codeOf(text)), ['a', 'b', 'c', 'd', 'i', 'j', 'm']);
});

it('walks the whole graph', () => {
  for (const end of ['/crypto/port.ts', '/crypto/web.ts', '/intel/quote.ts', '/measure/verity.ts', '/x509/der.ts']) {
    assert.ok(
      ours.some(({ url }) => url.endsWith(end)),
      `${end} was not reached`,
    );
  }
  assert.ok(modules.some(({ url }) => url.includes('/@noble/curves/nist.js')));
});

it('imports nothing of Node', () => {
  const found = modules.flatMap(({ url, imports }) => imports.filter(isBuiltin).map((name) => `${url}: ${name}`));
  assert.deepEqual(found, []);
});

it('uses neither Buffer nor process', () => {
  const found = ours.filter(({ text }) =>
    /\bBuffer\b|\bprocess\.|\brequire\(|\b__dirname\b|\bsetImmediate\b/.test(text),
  );
  assert.deepEqual(
    found.map(({ url }) => url),
    [],
  );
});

it('hashes and verifies where Node has no globals left', () => {
  const [index, web] = roots;
  const program = `
    for (const name of ['Buffer', 'process', 'global', 'setImmediate', 'clearImmediate']) delete globalThis[name];
    const { imageHashOf, readCertificate, readPemCertificates } = await import('${index}');
    const { webCrypto } = await import('${web}');
    const pem = ${JSON.stringify(readFileSync(new URL('../../transport/testing/ratls/real-quote-foreign-key.pem', import.meta.url), 'utf8'))};
    const { publicKey, scheme, signed, signature } = readCertificate(readPemCertificates(pem)[0]);
    const good = webCrypto.importKey(publicKey).verify(scheme, signed, signature);
    const { hash } = imageHashOf(new TextEncoder().encode(pem), webCrypto);
    console.log(typeof Buffer, good, Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join(''));
  `;
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  assert.equal(printed, 'undefined true 04b3afd931d28680af91a15b09d672c40ad6b141f7f9089a8d67d595220f7436\n');
});
