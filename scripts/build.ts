/**
 * `npm run build`: the relocatable tree in dist/ and init's variants for tests in build/. What is up to date is left alone.
 *
 *   npm run build -- [--arch amd64|arm64] [--out DIRECTORY]
 *
 *   --arch   for that architecture, by the name that TARGETARCH has for it. Another than this machine's is built in build/ARCH/dist, by a cross
 *            compiler, and fetches its Node from npm and its libraries from Debian
 *   --out    makes only what ships, and copies it there, whatever the architecture
 */
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { nodeFlags } from '../src/loader/node-flags.ts';
import { buildBundles } from './building/bundles.ts';
import { buildCodeCache } from './building/code-cache.ts';
import { fetchForeign } from './building/fetch.ts';
import { buildInit } from './building/init.ts';
import { withLock } from './building/lock.ts';
import { build, root } from './building/paths.ts';
import { run } from './building/run.ts';
import { buildRuntime } from './building/runtime.ts';
import { writeIfNew } from './building/step.ts';
import { archNames, hostArch, isArch, type Target, targetOf } from './building/target.ts';

try {
  const { values } = parseArgs({ options: { arch: { type: 'string', default: hostArch }, out: { type: 'string' } } });
  const { arch, out } = values;
  if (!isArch(arch)) throw new Error(`--arch is ${archNames.join(' or ')}, not ${arch}`);
  await withLock(async () => {
    const target = targetOf(arch);
    await buildTree(target, out === undefined);
    if (out !== undefined) cpSync(target.tree, resolve(out), { recursive: true, preserveTimestamps: true });
  });
} catch (error) {
  process.stderr.write(`build: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}

async function buildTree(target: Target, forTests: boolean): Promise<void> {
  const { version }: { version: string } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const gen = join(build, 'gen');
  mkdirSync(gen, { recursive: true });
  await run([process.execPath, join(root, 'scripts/gen-messages.ts')]);
  if (!target.native) await fetchForeign(target);
  await Promise.all([buildInit(target, { gen, version, forTests }), buildController(target, version)]);
  await buildCodeCache(target); // by a start of the controller under init
  for (const variant of forTests ? ['test', 'asan'] : []) linkLibrary(target, variant);
}

async function buildController(target: Target, version: string): Promise<void> {
  await buildBundles(target, version);
  await buildRuntime(target);
  await writeIfNew(join(target.libDir, 'node.flags'), `${nodeFlags.join('\n')}\n`);
}

/** A variant of init finds its controller beside itself, as the real one does. */
function linkLibrary(target: Target, variant: string): void {
  const directory = join(target.variants, variant);
  const lib = join(directory, 'lib');
  rmSync(lib, { force: true });
  mkdirSync(directory, { recursive: true });
  symlinkSync(relative(directory, join(target.tree, 'lib')), lib);
}
