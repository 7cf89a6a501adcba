import { createHash } from 'node:crypto';
import { globSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { npmPack } from './npm-pack.ts';
import { root } from './paths.ts';
import { available, run } from './run.ts';
import { step } from './step.ts';
import type { Target } from './target.ts';

/** musl for init, the rest for Node. */
const packages = ['musl-dev', 'libc6', 'libstdc++6', 'libgcc-s1'];

export const fetchedNode = (target: Target): string => join(target.fetched, 'package/bin/node');
export const fetchedRoot = (target: Target): string => join(target.fetched, 'debian');

/** What a tree for another architecture needs of it. A build for this machine's takes everything from this machine, and nothing from the network. */
export async function fetchForeign(target: Target): Promise<void> {
  mkdirSync(target.fetched, { recursive: true });
  await Promise.all([fetchNode(target), fetchPackages(target)]);
}

/** npm does not install the Node of another architecture: it is fetched by name, and is what package-lock.json says or nothing. */
async function fetchNode(target: Target): Promise<void> {
  const { version, integrity } = locked(target.npm);
  await step(`${target.arch}-fetch-node`, [version, integrity], [fetchedNode(target)], async () => {
    const archive = await npmPack(target.fetched, `${target.npm}@${version}`);
    const [kind = '', digest] = integrity.split('-');
    const got = createHash(kind).update(readFileSync(archive)).digest('base64');
    if (got !== digest) throw new Error(`${archive} is not what package-lock.json says: ${kind}-${got}`);
    await run(['tar', '-xzf', archive, '-C', target.fetched]);
    rmSync(archive);
  });
}

function locked(name: string): { readonly version: string; readonly integrity: string } {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return lock.packages[`node_modules/${name}`];
}

/** Debian's own packages for that architecture, unpacked, not installed: with the fixes that the cross compiler's copies of them do not get. */
async function fetchPackages(target: Target): Promise<void> {
  if (!available('apt-get')) return note(target, 'there is no apt-get here');
  const unpacked = fetchedRoot(target);
  try {
    await step(`${target.arch}-fetch-packages`, packages, [join(unpacked, 'usr/lib', target.musl, 'libc.a')], async () => {
      rmSync(unpacked, { recursive: true, force: true });
      const archives = await download(target);
      for (const archive of archives) await run(['dpkg-deb', '--extract', archive, unpacked]);
    });
  } catch (error) {
    note(target, error instanceof Error ? error.message : `${error}`);
  }
}

function note(target: Target, why: string): void {
  process.stderr.write(`build: Debian's packages for ${target.arch} are not to be had, those of the cross compiler have to do: ${why}\n`);
}

/** With lists and cache of its own, so that it needs no root and changes nothing that the machine's apt knows. */
async function download(target: Target): Promise<string[]> {
  const apt = join(target.fetched, 'apt');
  rmSync(apt, { recursive: true, force: true });
  for (const name of ['lists/partial', 'cache/archives/partial']) mkdirSync(join(apt, name), { recursive: true });
  const options = {
    'APT::Architecture': target.arch,
    'APT::Architectures': target.arch,
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Dir::State::lists': join(apt, 'lists'),
    'Dir::Cache': join(apt, 'cache'),
  };
  const command = ['apt-get', '-qq', ...Object.entries(options).map(([name, value]) => `-o${name}=${value}`)];
  await run([...command, 'update']);
  await run([...command, 'download', ...packages], apt);
  return globSync(join(apt, '*.deb'));
}
