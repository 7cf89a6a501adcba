/** `size.ts [amd64|arm64]`: what a tree that has been built weighs, part by part, in kB. */
import { globSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzippedSize, limits, rawSize } from './building/size.ts';
import { hostArch, isArch, treeOf } from './building/target.ts';

const [arch = hostArch] = process.argv.slice(2);
if (!isArch(arch)) throw new Error(`no such architecture: ${arch}`);
const tree = treeOf(arch);

const parts: Readonly<Record<string, string>> = {
  init: 'bin/*',
  'Node.js': 'lib/reinit/node',
  'loader and libraries': 'lib/reinit/*.so*',
  bundles: 'lib/reinit/*.cjs',
  'code caches': 'lib/reinit/*.cache',
  licences: 'lib/reinit/{licenses/*,*.txt}',
};
const kB = (bytes: number): string => (bytes / 1000).toFixed(0);
const row = (name: string, raw: number, gzipped: number): void => console.log(`| ${name} | ${kB(raw)} | ${kB(gzipped)} |`);

console.log(`| ${arch} | raw, kB | gzip -6, kB |\n|---|---|---|`);
for (const [name, pattern] of Object.entries(parts)) {
  const files = globSync(pattern, { cwd: tree });
  const raw = files.reduce((sum, file) => sum + statSync(join(tree, file)).size, 0);
  row(name, raw, await gzippedSize(tree, files));
}
row('**all**', rawSize(tree), await gzippedSize(tree));
row('limit', limits.raw, limits.gzipped);
