import { constants, copyFileSync, existsSync, globSync, linkSync, mkdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { runtimeCommand as commandIn } from '../../src/loader/runtime-command.ts';
import { build, libDir } from './paths.ts';
import { available, run } from './run.ts';
import { identity, place, step, write } from './step.ts';

/** The runtime that is shipped is the one that runs this build. */
const source = realpathSync(process.execPath);
const node = join(libDir, 'node');

/** libresolv is loaded by name lookups only, so it is not among the libraries of this process. */
const libraries = /^(ld-linux-[^/]*|lib(dl|stdc\+\+|m|gcc_s|pthread|c|resolv))\.so\.\d+$/;

/**
 * Puts Node, its loader and its libraries into the tree, so that it runs in an image with another libc, or none.
 *
 * The loader is started by name, not written into the program (patchelf): the path of an interpreter is absolute, and the tree must
 * run wherever it is copied to. The price: `process.execPath` is the loader.
 */
export async function buildRuntime(): Promise<void> {
  const strip = available('strip');
  await step('node', [identity(source), String(strip)], [node], () => place(node, (temporary) => copyNode(temporary, strip)));
  const files = sharedLibraries();
  const outputs = files.map((file) => join(libDir, basename(file)));
  await step('libraries', files.map(identity), outputs, () => copyLibraries(files));
  await step('licenses', [source, ...files], [join(libDir, 'licenses/node.txt')], () => copyLicences());
}

/** How init starts the shipped Node. */
export function runtimeCommand(): string[] {
  const command = commandIn(libDir);
  if (!command) throw new Error(`there is no Node in ${libDir} yet`);
  return command;
}

async function copyNode(target: string, strip: boolean): Promise<void> {
  if (strip) await run(['strip', '-o', target, source]);
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

/** The loader and libraries that this very process runs with. */
function sharedLibraries(): string[] {
  // excludeNetwork: no name lookups for the sockets of this process. Node's types know it not yet.
  Object.assign(process.report, { excludeNetwork: true });
  const report = process.report.getReport() as { readonly sharedObjects: readonly string[] };
  const files = report.sharedObjects.filter((file) => libraries.test(basename(file)));
  const libc = files.find((file) => basename(file) === 'libc.so.6');
  const resolv = libc === undefined ? undefined : join(dirname(libc), 'libresolv.so.2');
  return resolv !== undefined && existsSync(resolv) ? [...files, resolv] : files;
}

async function copyLibraries(files: readonly string[]): Promise<void> {
  for (const old of globSync('{ld-linux-*,lib*.so.*}', { cwd: libDir })) rmSync(join(libDir, old));
  for (const file of files) {
    const name = basename(file);
    const content = readFileSync(file);
    await write(join(libDir, name), name.startsWith('ld-linux-') ? withoutPreloadFile(content) : content, 0o755);
  }
  if (await loaderWorks()) return;
  process.stderr.write(
    'build: the loader of this machine cannot start Node by --argv0 (glibc 2.33): the tree needs a glibc in the image\n',
  );
  for (const file of files) rmSync(join(libDir, basename(file)));
}

async function loaderWorks(): Promise<boolean> {
  try {
    return (await run([...runtimeCommand(), '-p', 'process.version'])).trim() === process.version;
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

/** Node's licence, and the copyright notices of glibc and gcc as Debian keeps them. */
function copyLicences(): Promise<void> {
  const found = [
    join(dirname(source), '../LICENSE'),
    ...['libc6', 'libgcc-s1', 'libstdc++6'].map((name) => `/usr/share/doc/${name}/copyright`),
  ];
  const texts = found
    .filter((file) => existsSync(file))
    .map((file) => `=== ${basename(dirname(file))} ===\n\n${readFileSync(file, 'utf8')}`);
  return write(join(libDir, 'licenses/node.txt'), texts.join('\n'));
}

export const runtimeStamp = (): string => (existsSync(node) ? identity(node) : build);
