import {
  constants,
  copyFileSync,
  existsSync,
  globSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { runtimeCommand as commandIn } from '../../src/loader/runtime-command.ts';
import { fetchedNode, fetchedRoot } from './fetch.ts';
import { buildLicences } from './licences.ts';
import { available, run } from './run.ts';
import { identity, place, step, write } from './step.ts';
import { native, type Target } from './target.ts';

/** The runtime that is shipped is the one that runs this build, or its like for another architecture. */
const sourceOf = (target: Target): string => (target.native ? realpathSync(process.execPath) : fetchedNode(target));
const nodeOf = (target: Target): string => join(target.libDir, 'node');

/**
 * Puts Node, its loader and its libraries into the tree, so that it runs in an image with another libc, or none.
 *
 * The loader is started by name, not written into the program (patchelf): the path of an interpreter is absolute, and the tree must
 * run wherever it is copied to. The price: `process.execPath` is the loader.
 */
export async function buildRuntime(target: Target): Promise<void> {
  const [source, node] = [sourceOf(target), nodeOf(target)];
  const strip = target.native ? 'strip' : `${target.gnu}-strip`;
  const files = target.native ? librariesOfThisProcess() : librariesFor(target);
  const outputs = files.map((file) => join(target.libDir, basename(file)));
  await step(`${target.arch}-node`, [identity(source), strip], [node], () =>
    place(node, (temporary) => copyNode(source, temporary, strip)),
  );
  await step(`${target.arch}-libraries`, files.map(identity), outputs, () => copyLibraries(target, files));
  await buildLicences(target, join(dirname(source), '../LICENSE'));
}

/** How init starts the shipped Node. */
export function runtimeCommand({ libDir, runner = [] } = native): string[] {
  const command = commandIn(libDir);
  if (!command) throw new Error(`there is no Node in ${libDir} yet`);
  return [...runner, ...command];
}

async function copyNode(source: string, target: string, strip: string): Promise<void> {
  if (available(strip)) await run([strip, '-o', target, source]);
  else linkOrCopy(source, target);
}

function linkOrCopy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to, constants.COPYFILE_FICLONE);
  }
}

const libraries = /^(ld-linux-[^/]*|lib(dl|stdc\+\+|m|gcc_s|pthread|c|resolv))\.so\.\d+$/;

/** The loader and libraries that this very process runs with. */
function librariesOfThisProcess(): string[] {
  // excludeNetwork: no name lookups for the sockets of this process. Node's types know it not yet.
  Object.assign(process.report, { excludeNetwork: true });
  const report = process.report.getReport() as { readonly sharedObjects: readonly string[] };
  const files = report.sharedObjects.filter((file) => libraries.test(basename(file)));
  const libc = files.find((file) => basename(file) === 'libc.so.6');
  // Loaded by name lookups only.
  const resolv = libc === undefined ? undefined : join(dirname(libc), 'libresolv.so.2');
  return resolv !== undefined && existsSync(resolv) ? [...files, resolv] : files;
}

/** The same for another architecture: Debian's packages, or what the cross compiler brings. */
function librariesFor(target: Target): string[] {
  const fetched = fetchedRoot(target);
  const places = [join(fetched, 'lib', target.gnu), join(fetched, 'usr/lib', target.gnu), join('/usr', target.gnu, 'lib')];
  const found = new Map<string, string>();
  for (const place of places.filter(existsSync))
    for (const name of readdirSync(place)) if (libraries.test(name) && !found.has(name)) found.set(name, join(place, name));
  return [...found.values()];
}

async function copyLibraries(target: Target, files: readonly string[]): Promise<void> {
  for (const old of globSync('{ld-linux-*,lib*.so.*}', { cwd: target.libDir })) rmSync(join(target.libDir, old));
  for (const file of files) {
    const name = basename(file);
    const content = readFileSync(file);
    await write(join(target.libDir, name), name.startsWith('ld-linux-') ? withoutPreloadFile(content) : content, 0o755);
  }
  if (target.runner === undefined || (await loaderWorks(target))) return;
  process.stderr.write(
    'build: the loader of this machine cannot start Node by --argv0 (glibc 2.33): the tree needs a glibc in the image\n',
  );
  for (const file of files) rmSync(join(target.libDir, basename(file)));
}

async function loaderWorks(target: Target): Promise<boolean> {
  try {
    return (await run([...runtimeCommand(target), '-p', 'process.version'])).trim() === process.version;
  } catch {
    return false;
  }
}

/**
 * /etc/ld.so.preload is the image's, for the image's libc; a loader reads it whatever its environment. Ours looks for a file that
 * cannot be.
 */
function withoutPreloadFile(loader: Buffer): Buffer {
  const name = '/etc/ld.so.preload\0';
  const nothing = '/dev/null/.preload\0';
  const at = loader.indexOf(name);
  if (at < 0) throw new Error(`the loader does not name ${name.slice(0, -1)}`);
  const changed = Buffer.from(loader);
  changed.write(nothing, at, 'latin1');
  if (changed.indexOf(name) >= 0) throw new Error('the loader names /etc/ld.so.preload twice');
  return changed;
}

export const runtimeStamp = (target: Target): string => identity(nodeOf(target));
