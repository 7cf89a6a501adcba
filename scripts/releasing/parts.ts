import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BundledPackage, bundledList } from '../building/bundles.ts';
import { run } from '../building/run.ts';
import type { Target } from '../building/target.ts';

/** Something that somebody else made and a release holds. */
export interface Part {
  readonly kind: 'library' | 'platform';
  readonly name: string;
  readonly version: string;
  /** A licence's SPDX identifier, or an expression of some. */
  readonly license?: string;
  /** A package URL, by which tools know what it is (ECMA-427). */
  readonly purl: string;
  /** The name that vulnerability databases have for it. */
  readonly cpe?: string;
  /** What it holds itself. */
  readonly parts?: readonly Part[];
}

/** Debian's packages of which something is in a tree: the runtime's libraries, and musl, which is linked into init. */
const debian = {
  libc6: 'LGPL-2.1-or-later',
  'libgcc-s1': 'GPL-3.0-or-later WITH GCC-exception-3.1',
  'libstdc++6': 'GPL-3.0-or-later WITH GCC-exception-3.1',
  'musl-dev': 'MIT',
};

/** What Node says of itself that is no library. */
const noLibraries = ['node', 'modules', 'napi', 'cldr', 'tz', 'unicode'];

/** Everything in the trees of these targets that is not ours. */
export async function partsOf(targets: readonly Target[]): Promise<Part[]> {
  const libraries = await Promise.all(targets.map(debianParts));
  return [...npmParts(), nodePart(process.versions), ...libraries.flat()];
}

function npmParts(): Part[] {
  const packages: readonly BundledPackage[] = JSON.parse(readFileSync(bundledList, 'utf8'));
  return packages.map(({ name, version, license }) => ({
    kind: 'library',
    name,
    version,
    license,
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
  }));
}

/** The runtime of the trees is the one that runs this. */
function nodePart(versions: NodeJS.ProcessVersions): Part {
  const known = Object.entries(versions).filter(([name, version]) => version && !noLibraries.includes(name));
  return {
    kind: 'platform',
    name: 'node',
    version: versions.node,
    license: 'MIT',
    purl: `pkg:generic/node@${versions.node}`,
    cpe: `cpe:2.3:a:nodejs:node.js:${versions.node}:*:*:*:-:*:*:*`,
    parts: known.map(([name, version = '']) => ({ kind: 'library', name, version, purl: `pkg:generic/${name}@${version}` })),
  };
}

async function debianParts(target: Target): Promise<Part[]> {
  const id = /^ID=(.*)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'debian';
  const parts = Object.entries(debian).map(async ([name, license]): Promise<Part> => {
    const version = await debianVersion(target, name);
    const purl = `pkg:deb/${id}/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${target.arch}`;
    return { kind: 'library', name, version, license, purl };
  });
  return Promise.all(parts);
}

/** Of the package that this machine has installed, or that was fetched for another one. */
async function debianVersion(target: Target, name: string): Promise<string> {
  if (target.native) return afterTab(await run(['dpkg-query', '--show', name]));
  const [archive] = globSync(`${name}_*.deb`, { cwd: join(target.fetched, 'apt') });
  if (archive === undefined) throw new Error(`the version of ${name} in the tree for ${target.arch} is not known`);
  return afterTab(await run(['dpkg-deb', '--show', join(target.fetched, 'apt', archive)]));
}

const afterTab = (line: string): string => line.trim().split('\t')[1] ?? '';
