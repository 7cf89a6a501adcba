/**
 * `npm run release`: all that is published, in build/release/: the trees, the npm package, the list of what they are made of, and checksums.
 * The same trees at the same commit give the same bytes.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { npmPack } from './building/npm-pack.ts';
import { build, root } from './building/paths.ts';
import { run } from './building/run.ts';
import { type Arch, archNames, platformOf, targetOf, treeOf } from './building/target.ts';
import { archiveTree, checksums } from './releasing/archive.ts';
import { billOfMaterials, type Product } from './releasing/bill-of-materials.ts';
import { partsOf } from './releasing/parts.ts';

const directory = join(build, 'release');
const product: Product = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const name = `${product.name}-${product.version}`;
const tell = (text: string): boolean => process.stderr.write(`release: ${text}\n`);

rmSync(directory, { recursive: true, force: true });
mkdirSync(directory, { recursive: true });
const seconds = await sourceTime();
const built: Arch[] = [];
for (const arch of archNames) if (await buildFor(arch)) built.push(arch);
const files = built.map((arch) => join(directory, `${name}-${platformOf(arch)}.tar.gz`));
await Promise.all(built.map((arch, n) => archiveTree(treeOf(arch), product.name, seconds, files[n] ?? '')));
if (built.length === archNames.length) files.push(await npmPack(directory));
else tell('the npm package is left out: it holds the inits of all architectures');
const bill = join(directory, `${name}.cdx.json`);
writeFileSync(bill, await billOfMaterials(product, await partsOf(built.map(targetOf)), new Date(seconds * 1000)));
writeFileSync(join(directory, 'SHA256SUMS'), checksums([...files, bill]));
tell(`build/release/ is complete for ${built.join(' and ')}`);

/** Seconds since 1970 that everything in the release has as its time (reproducible-builds.org, SOURCE_DATE_EPOCH): else the commit's. */
async function sourceTime(): Promise<number> {
  const given = process.env.SOURCE_DATE_EPOCH ?? (await run(['git', 'log', '-1', '--format=%ct']));
  return Number(given);
}

async function buildFor(arch: Arch): Promise<boolean> {
  try {
    await run([process.execPath, join(root, 'scripts/build.ts'), '--arch', arch]);
    return true;
  } catch (error) {
    tell(`${arch} is left out, its tree cannot be built here: ${error instanceof Error ? error.message : error}`);
    return false;
  }
}
